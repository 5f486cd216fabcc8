"""Whether every decision in the log was one that could be made.

Three questions of each access decision. May the purpose be permitted at all: by the floor in code,
and by the list of purposes that was in force when it was decided? Does the outcome follow from the
facts that the entry records, decided again here? And are those facts, and the outcome, what follows
from all the entries before it: see replay.py. For leases likewise, see capture.py; whether grants
were closed, see grants.py.

Without the documents that entries name there is no replay. Then a permit is at least held against
the last word of the people it is about.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import chain
from typing import Any

from app.access.decision.model import CAPTURED_DATA
from app.access.decision.record import facts_from_entry, recorded
from app.access.decision.rules import CARRIED, Rules
from app.access.floor.terms import (
    ALLOWED,
    PROHIBITED,
    TERMS,
    Outcome,
    PurposesAdoption,
    verdict,
)
from app.audit.entries.model import Kind
from app.kernel.clock import instant
from app.kernel.facts import decode
from app.policy.knobs import REGISTRY, KnobRegistry
from app.sdk.verify.folded.people import Documents
from app.sdk.verify.folded.registry import NEVER
from app.sdk.verify.replay.capture import LastWord, NewerForm, why_not_this_lease
from app.sdk.verify.replay.grants import GrantCheck
from app.sdk.verify.replay.replay import REPLAY_LIMIT, UNFIT, Replay
from app.sdk.verify.replay.versions import Versions
from app.sdk.verify.report import Findings, Verdict

UNREPLAYED_LIMIT = (
    "The decisions were held against the facts that their own entries record, not against the "
    "other entries."
)

_Take = Callable[[int, Mapping[str, Any]], None]

_PURPOSES = ALLOWED | PROHIBITED


class DecisionCheck:
    """Takes leaves in order; keeps the figures of the third verdict."""

    def __init__(
        self,
        documents: Documents | None = None,
        carried: Mapping[int, Rules] = CARRIED,
        registry: KnobRegistry = REGISTRY,
    ) -> None:
        """Begin with an empty log.

        Args:
            documents: the bytes of a document by its digest; None: no replay.
            carried: the rules that can be replayed, by version.
            registry: the knobs, signals, reasons and forms that there are.
        """
        self._versions = Versions(carried)
        self._knobs = registry
        self.replay = None if documents is None else Replay(documents, self._versions, registry)
        self.grants = (
            GrantCheck()
            if self.replay is None
            else GrantCheck(self.replay.folded.people.was_erased)
        )
        self._asked: Counter[str] = Counter()
        self._last: str | None = None
        self.decisions = 0
        self.permits = 0
        self.prohibited = 0
        self.unfounded = 0
        self._purposes: dict[str, frozenset[str]] = {}
        self._last_word = LastWord()
        self._findings = Findings()

    def see(self, position: int, leaf: Mapping[str, Any]) -> None:
        """Take the leaf at a position of the file."""
        self._last = leaf["integrated_at"]
        unfit = self._trying(self._adopt_rules, position, leaf)
        self._versions.see(position)
        look = self._glance if self._versions.now is None else self._see
        unfit = unfit or self._trying(look, position, leaf)
        unfit = self._trying(self._replay, position, leaf) or unfit
        if unfit is not None:
            self._findings.add(f"entry {position} lacks what its kind must say: {unfit}", position)

    def _trying(self, take: _Take, position: int, leaf: Mapping[str, Any]) -> Exception | None:
        try:
            take(position, leaf)
        except UNFIT as error:
            return error
        return None

    def _adopt_rules(self, position: int, leaf: Mapping[str, Any]) -> None:
        if leaf["kind"] == Kind.RULES_ADOPTED:
            for problem in self._versions.adopted(position, leaf):
                self._found_unfounded(position, problem)

    def _replay(self, position: int, leaf: Mapping[str, Any]) -> None:
        if self.replay is not None:
            for problem in self.replay.see(position, leaf):
                self._found_unfounded(position, problem)

    def _glance(self, position: int, leaf: Mapping[str, Any]) -> None:
        """Look at an entry that follows rules which are not here.

        What is decided is not decided again. No rules permit a prohibited purpose, so a permit is
        held against that; grants, lists of purposes and what people decided are the same under any.
        """
        kind = leaf["kind"]
        if kind in {Kind.LEASE_CHANGED, Kind.ACCESS_DECIDED}:
            self._versions.decided()
        if kind == Kind.ACCESS_DECIDED:
            self._count_decision(leaf)
            if leaf["facts"].get("outcome") == "permit":
                purposes = (leaf["purpose"], leaf["facts"].get("purpose"))
                self._hold_against_floor(position, _prohibited(purposes))
            self._hold_against_grants(position, leaf)
        else:
            self._see_folded(position, leaf)

    def _see(self, position: int, leaf: Mapping[str, Any]) -> None:
        kind = leaf["kind"]
        if kind == Kind.ACCESS_DECIDED:
            self._decided(position, leaf)
        elif self.replay is None and kind == Kind.LEASE_CHANGED:
            self._leased(position, leaf)
        else:
            self._see_folded(position, leaf)

    def _see_folded(self, position: int, leaf: Mapping[str, Any]) -> None:
        """Take what later entries rest on, whatever the rules are."""
        kind = leaf["kind"]
        if kind == Kind.POLICY_PURPOSES_ADOPTED:
            self._adopt(position, decode(PurposesAdoption, leaf["facts"]))
        elif kind == Kind.ACCESS_USED:
            for problem in self.grants.closed(position, leaf):
                self._found_unfounded(position, problem)
        elif self.replay is None and kind.startswith("consent."):
            self._last_word.see(position, leaf)

    def _adopt(self, position: int, adoption: PurposesAdoption) -> None:
        allowed, prohibited = frozenset(adoption.allowed), frozenset(adoption.prohibited)
        self._purposes[adoption.policy] = allowed - prohibited
        if self._versions.now is not None and not allowed <= ALLOWED:
            names = ", ".join(sorted(allowed - ALLOWED))
            self._findings.add(
                f"entry {position} allows what the floor does not: {names}", position
            )
        if NEVER not in prohibited:
            self._findings.add(f"entry {position} does not prohibit {NEVER}", position)

    def _decided(self, position: int, leaf: Mapping[str, Any]) -> None:
        facts = leaf["facts"]
        self._count_decision(leaf)
        self._hold_against_grants(position, leaf)
        if facts["outcome"] == "permit":
            self._hold_against_floor(position, self._why_never(leaf))
            self._heard(position, leaf)
        if self.replay is not None:
            return  # there it is decided again, once
        try:
            again, then = self._rules.decide(*facts_from_entry(facts)), recorded(facts)
        except UNFIT as error:
            self._found_unfounded(position, f"cannot be decided again: {error}")
        else:
            if again != then:
                reasons = ", ".join(again.reasons) or "a permit"
                self._found_unfounded(position, f"does not follow from its facts: {reasons}")

    def _hold_against_grants(self, position: int, leaf: Mapping[str, Any]) -> None:
        """Take the grant that a decision names, which only a permit may."""
        if leaf["facts"]["grant"] is None:
            return
        for problem in self.grants.permitted(position, leaf):
            self._found_unfounded(position, problem)
        if leaf["facts"]["outcome"] != "permit":
            self._found_unfounded(position, "refuses and yet names a grant")

    def _heard(self, position: int, leaf: Mapping[str, Any]) -> None:
        """Check a permit that needs the person's yes against what they decided last."""
        if self.replay is not None:
            return  # there, the whole standing is looked at
        terms = TERMS.get(leaf["purpose"] or "")
        if leaf["facts"]["resource"] != CAPTURED_DATA or terms is None or not terms.consent:
            return
        for problem in self._last_word.against(leaf):
            self._found_unfounded(position, f"permits the use of {problem}")

    def _leased(self, position: int, leaf: Mapping[str, Any]) -> None:
        try:
            other = why_not_this_lease(leaf, self._rules, self._knobs)
        except NewerForm:
            self._versions.of_newer_form(position)
            return
        if other is not None:
            self._found_unfounded(position, f"does not follow from its facts: capture is {other}")

    def _why_never(self, leaf: Mapping[str, Any]) -> Iterator[str]:
        purpose, facts = leaf["purpose"], leaf["facts"]
        if facts["purpose"] != purpose:
            yield f"{facts['purpose']!r} but is filed under {purpose!r}"
        named = (purpose,) if facts["purpose"] == purpose else (purpose, facts["purpose"])
        yield from _prohibited(named)
        if facts["resource"] == CAPTURED_DATA:
            unknown = (name for name in named if verdict(name).outcome is Outcome.UNKNOWN)
            yield from (f"{name!r}, which is not on the list" for name in unknown)
        if facts["resource"] == CAPTURED_DATA and purpose not in self._purposes.get(
            facts["purposes"], frozenset()
        ):
            yield f"{purpose!r}, which the purposes it names did not allow by then"

    def _found_unfounded(self, position: int, problem: str) -> None:
        self.unfounded += 1
        self._findings.add(f"entry {position} {problem}", position)

    def _hold_against_floor(self, position: int, problems: Iterable[str]) -> None:
        """Count a permit, and name why it may never be given."""
        self.permits += 1
        contradictions = tuple(problems)
        self.prohibited += bool(contradictions)
        for problem in contradictions:
            self._findings.add(f"entry {position} permits {problem}", position)

    @property
    def _rules(self) -> Rules:
        rules = self._versions.now
        assert rules is not None, "only what follows rules that are here is judged by them"
        return rules

    def _count_decision(self, leaf: Mapping[str, Any]) -> None:
        """Count by purpose; what is on no list is one heap, so that no text of an entry counts."""
        self.decisions += 1
        purpose, outcome = leaf["purpose"], leaf["facts"].get("outcome")
        key = purpose if purpose in _PURPOSES else "other"
        self._asked[f"{'permits' if outcome == 'permit' else 'refusals'}.{key}"] += 1

    def finish(self) -> None:
        """Count the grants that were left open, and see which alarms never came."""
        last = _instant(self._last)
        self.grants.finish(last)
        if self.replay is not None and last is not None:
            for position, problem in self.replay.folded.alarms.unexplained(last):
                self._found_unfounded(position, problem)

    @property
    def counts(self) -> Mapping[str, int]:
        """Figures by name: decisions, permits and refusals by purpose, what became of grants."""
        replayed = 0 if self.replay is None else self.replay.decisions + self.replay.leases
        return {
            "decisions": self.decisions,
            "permits": self.permits,
            "prohibited": self.prohibited,
            "replayed": replayed,
            "unreplayed": self._versions.undecided,
            "unfounded": self.unfounded,
            **self._acts,
            **dict(sorted(self._asked.items())),
            "grants.used": self.grants.used,
            "grants.unused": self.grants.unused,
            "grants.open": self.grants.open,
        }

    @property
    def _acts(self) -> Mapping[str, int]:
        """How many acts needed a role, and of how many it is not shown that it was held."""
        if self.replay is None:
            return {}
        acts = self.replay.acts
        return {"acts": acts.shown + acts.unshown, "acts.unshown": acts.unshown}

    @property
    def notices(self) -> tuple[str, ...]:
        """What was established in addition to the verdicts, as sentences."""
        said = (*self._versions.notices, *self._versions.remarks, *self.grants.notices)
        if self.replay is None:
            return said
        replay = self.replay
        told = (replay.erasures.notices, replay.acts.notices, replay.folded.alarms.notices)
        return (*said, *chain.from_iterable(told))

    @property
    def unreplayed(self) -> int | None:
        """How many entries follow rules that are not here; None: every stretch is replayed."""
        stretches = self._versions.unreplayed
        return sum(one.last - one.first + 1 for one in stretches) if stretches else None

    @property
    def limits(self) -> tuple[str, ...]:
        """What the verdict does not show, as sentences."""
        return (UNREPLAYED_LIMIT if self.replay is None else REPLAY_LIMIT,)

    def verdict(self, *, whole: bool) -> Verdict:
        """The third verdict; it holds only of a log that is whole."""
        count = f"{self.prohibited} of {self.decisions} decisions allowed a prohibited purpose"
        good = f"{count}; each follows from the facts it records."
        does = "does" if self.unfounded == 1 else "do"
        bad = f"{count}; {self.unfounded} {does} not follow from the facts they record."
        if self.replay is not None:
            leases = self.replay.leases
            good = (
                f"{count}; each, and each of {leases} leases, follows from the entries before it."
            )
            findings = "finding" if self.unfounded == 1 else "findings"
            bad = f"{count}; {self.unfounded} {findings} against the entries before."
        replayed = self._findings.verdict(good, bad)
        if whole and replayed.ok and self._versions.notices:
            rest = " ".join(self._versions.notices)
            return Verdict(None, f"Not replayed as a whole: {count}. {rest}")
        if whole:
            return replayed
        sentence = f"Not established, for the log is not whole. Of what could be read: {count}."
        return Verdict(False, sentence, replayed.first_bad, replayed.findings)


def _prohibited(named: Iterable[object]) -> Iterator[str]:
    """Say which of these are purposes that may never be permitted."""
    for name in named:
        judged = verdict(name)
        if judged.outcome is Outcome.PROHIBITED:
            yield f"{name!r}, which is {judged.key}"


def _instant(text: str | None) -> datetime | None:
    return None if text is None else instant(text)


assert NEVER in PROHIBITED
