"""Each access decision, made again from the entries before it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from app.access.decision.facts import caller_of, person_facts, scope_facts, stays_of
from app.access.decision.model import AccessDecision, Caller, PersonFacts, Question, ScopeFacts
from app.access.decision.record import AccessRecord, facts_from_entry, recorded
from app.access.decision.rules import Rules
from app.access.floor.terms import TERMS
from app.consent.model import Standing
from app.directory.model import Person
from app.kernel.clock import instant
from app.kernel.facts import decode_part
from app.sdk.verify.folded.alarms import DisputedEntry
from app.sdk.verify.folded.people import Somebody
from app.sdk.verify.folded.state import Folded
from app.sdk.verify.replay.doubts import of_consent, of_person, regions_of
from app.sdk.verify.replay.telling import (
    CALLER,
    PERSON,
    POLICY,
    compared,
    differences,
    lost,
    sources_of,
)


@dataclass
class AccessReplay:
    """Takes the entries of access decisions.

    Attributes:
        rules: those that the present entry follows.
        count: how many were decided again.
    """

    folded: Folded
    rules: Callable[[], Rules]
    count: int = 0

    def decided(self, position: int, leaf: Mapping[str, Any]) -> Iterator[str]:
        """Take ``access.decided``.

        Raises:
            Unknown: it rests on what no entry says.
        """
        self.count += 1
        facts = leaf["facts"]
        question, in_entry = facts_from_entry(facts)
        record = decode_part(AccessRecord, facts)
        if facts["asked_at"] != leaf["occurred_at"]:
            yield f"was decided at {leaf['occurred_at']} and says {facts['asked_at']}"
        if leaf["subjects"] != list(dict.fromkeys(subject.person for subject in in_entry.people)):
            yield "is filed under other people than those it decides about"
        if leaf["actor"] != {"kind": "consumer", "id": in_entry.caller.consumer}:
            yield f"answers {leaf['actor']['id']} and says {in_entry.caller.consumer}"
        listed = self.folded.registry.datasets(record.purposes)
        if question.dataset is not None and question.dataset not in listed:
            yield f"names the dataset {question.dataset!r}, which is not on the list"
        caller, asked = self._caller(in_entry.caller)
        yield from differences(CALLER, in_entry.caller, caller, {}, asked)
        terms = TERMS.get(record.purpose or "")
        needs_consent = record.outcome == "permit" and terms is not None and terms.consent
        people: list[PersonFacts] = []
        doubted = [subject for subject in in_entry.people if _is_doubted(subject)]
        self.folded.alarms.refused += bool(doubted)
        for subject in in_entry.people:
            if subject in doubted:
                people.append(subject)
                self._in_doubt(position, leaf, subject)
                continue
            somebody, standing, known = self._person(subject, question)
            people.append(known)
            if subject != known:
                who, policy = f" of {subject.person}", self.folded.law.position
                sources = sources_of(somebody, standing)
                yield from differences(PERSON, subject, known, sources, policy, who)
                yield from differences(POLICY, subject.policy, known.policy, {}, policy, who)
            if needs_consent:
                yield from lost(self.folded.people, standing)
        role_policy = self.folded.roles.policy(question, in_entry, caller)
        yield from compared(vars(in_entry), {"role_policy": role_policy})
        again = self.rules().decide(
            question,
            replace(in_entry, caller=caller, people=tuple(people), role_policy=role_policy),
        )
        yield from _outcome(facts, again)

    def _in_doubt(self, position: int, leaf: Mapping[str, Any], subject: PersonFacts) -> None:
        """Take a person of whom rows do not agree with the log; see doubts.py."""
        name, at = subject.person, instant(leaf["integrated_at"])
        somebody, line = self.folded.people.of(name), self.folded.people.line(name)
        if subject.disputed:
            chains = of_person(name, *line, *subject.line) | of_consent(name)
            self.folded.alarms.refuse(DisputedEntry(position, name, chains, at))
        if subject.policy.disputed:
            chains = self.folded.law.chains(regions_of(somebody))
            self.folded.alarms.refuse(DisputedEntry(position, f"the policy for {name}", chains, at))

    def _caller(self, in_entry: Caller) -> tuple[Caller, int]:
        consumer, position = self.folded.registry.consumer(in_entry.consumer)
        behalf: Person | None = None
        if in_entry.person is not None:
            somebody = self.folded.people.of(in_entry.person)
            behalf, position = somebody.person, max(position, somebody.position)
        itself = in_entry.kind == "consumer"
        return caller_of(consumer, behalf, in_entry.person, itself=itself), position

    def _person(
        self, in_entry: PersonFacts, question: Question
    ) -> tuple[Somebody, Standing, PersonFacts]:
        somebody = self.folded.people.of(in_entry.person)
        standing = self.folded.people.standing(somebody, question.asked_at)
        stays = stays_of(somebody.person, somebody.versions, question)
        known = person_facts(
            somebody.person,
            (in_entry.person, *self.folded.people.line(in_entry.person)),
            question,
            standing=standing,
            policy=self.folded.law.policy_facts(
                stays, question.signals, places=self.rules().places
            ),
            between=self.folded.people.between(somebody),
            scope=self._scope(somebody, standing, question),
        )
        if in_entry.region is None:  # older than this field
            known = replace(known, region=None)
        return somebody, standing, known

    def _scope(
        self, somebody: Somebody, standing: Standing, question: Question
    ) -> ScopeFacts | None:
        start = question.captured[0] if question.captured else question.asked_at
        offers = partial(self.folded.people.openings, somebody, start)
        return scope_facts(standing, question, offers if self.rules().whole_offer else None)


def _is_doubted(subject: PersonFacts) -> bool:
    return subject.disputed or subject.policy.disputed


def _outcome(facts: Mapping[str, Any], again: AccessDecision) -> Iterator[str]:
    """Hold what was answered against what follows from what is known."""
    then = recorded(facts)
    if then.reasons != again.reasons:
        word = "permits" if then.permit else "refuses"
        yield f"{word} what by the log is {_verdict(again.reasons)}"
    elif then != again:
        yield from compared(facts, {"retain_days": again.retain_days})


def _verdict(reasons: Iterable[str]) -> str:
    return f"refused for {', '.join(reasons)}" if reasons else "permitted"
