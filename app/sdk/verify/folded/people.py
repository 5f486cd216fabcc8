"""People as the log tells of them: directory and decisions, folded in the order of the index.

What is kept grows with people and their decisions, not with the questions that were asked.
Everything that is computed is computed by the functions that the service itself uses.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from app.audit.entries.model import Kind
from app.consent import model, timeline
from app.consent.choosing import require_end
from app.consent.model import (
    OPENING,
    Act,
    Decision,
    Standing,
    State,
    next_decision,
    opening_act,
)
from app.consent.notice_records import NoticeAdoption, NoticeShowing
from app.consent.offers import Notice, Offer, Shown
from app.consent.timeline import Endings
from app.directory.model import Person, PersonRecord, PersonVersion, chain, successor
from app.kernel.authority import Role
from app.kernel.clock import instant
from app.kernel.errors import InvalidInput
from app.kernel.facts import decode, encode

Documents = Callable[[str], bytes | None]
"""The bytes of a document by its digest; None where the export does not carry it."""


class Unknown(Exception):
    """Something that the log must tell first, and does not; the message says what."""


@dataclass
class Somebody:
    """One person, by pseudonym.

    Attributes:
        position: index of the newest entry of the directory about them.
        decisions: each with the index of its entry in the place of its event.
        erased: index of the entry by which they were erased.
    """

    person: Person
    versions: list[PersonVersion]
    position: int
    decisions: list[Decision] = field(default_factory=list)
    erased: int | None = None


@dataclass(frozen=True)
class _Showing:
    """To whom which text and which offer were shown, by digest, and when."""

    person: str
    text: str
    offer: str
    at: datetime


class People:
    """Folds ``directory.person``, ``notice.*``, ``consent.*``, ``subject.erased``."""

    def __init__(
        self, documents: Documents, doubted: Callable[[str], bool] = lambda _: False
    ) -> None:
        """Begin with nobody; ``doubted``: whether an alarm is or was on a chain of rows."""
        self._documents = documents
        self._doubted = doubted
        self._known: dict[str, Somebody] = {}
        self._managers: dict[str, str | None] = {}
        self._notices: dict[int, datetime] = {}
        self._texts: dict[str, Notice] = {}
        self._adopted: set[tuple[str, int, str]] = set()
        self._shown: dict[str, _Showing] = {}
        self._offers: dict[str, Offer] = {}
        self._current: int | None = None
        self._restored: int | None = None

    # What the log says of somebody

    def of(self, pseudonym: str) -> Somebody:
        """One person.

        Raises:
            Unknown: no entry of the directory names them, or they were erased.
        """
        somebody = self._known.get(pseudonym)
        if somebody is None:
            raise Unknown(f"is about {pseudonym}, whom no entry of the directory names before it")
        if somebody.erased is not None:
            raise Unknown(f"is about {pseudonym}, who was erased by entry {somebody.erased}")
        return somebody

    def line(self, pseudonym: str) -> tuple[str, ...]:
        """The management chain upward, nearest first."""
        return chain(pseudonym, self._managers)

    def was_erased(self, pseudonym: str) -> bool:
        """Whether an entry says so."""
        somebody = self._known.get(pseudonym)
        return somebody is not None and somebody.erased is not None

    def standing(self, somebody: Somebody, at: datetime) -> Standing:
        """What their decisions add up to."""
        return model.standing(
            somebody.decisions,
            at,
            region=somebody.person.region,
            notice_version=self._current,
            residence=somebody.person.residence,
        )

    def between(self, somebody: Somebody) -> Callable[..., bool]:
        """``timeline.standing_between`` of this person."""

        def between(start: datetime, end: datetime, **asked: Any) -> bool:
            return timeline.standing_between(
                somebody.decisions, start, end, endings=self._endings(somebody), **asked
            )

        return between

    def shown_for(self, decision: Decision) -> Shown:
        """What a decision rests on.

        Raises:
            Unknown: no entry says so, or the offer is not here.
        """
        return self._shown_to(decision.person_id, str(decision.shown_id))

    def openings(self, somebody: Somebody, start: datetime) -> Iterator[Offer]:
        """The offers that were agreed to after an instant."""
        endings = self._endings(somebody)
        for decision in timeline.openings_since(somebody.decisions, start, endings=endings):
            yield self.shown_for(decision).offer

    def lost(self, standing: Standing) -> int | None:
        """The restore before which a decision that still stands was made; None: none was."""
        decision = standing.decision
        if self._restored is None or not standing.stands or decision is None:
            return None
        return self._restored if int(decision.event_id) < self._restored else None

    def _endings(self, somebody: Somebody) -> Endings:
        residences = [(version.residence, version.recorded_at) for version in somebody.versions]
        return timeline.endings_of(residences, self._notices)

    # Folding

    def restored(self, position: int, _leaf: Mapping[str, Any]) -> Iterator[str]:
        """Take ``log.restored``: what was agreed to before it must be revoked after it."""
        self._restored = position
        yield from ()

    def erased(self, position: int, leaf: Mapping[str, Any]) -> Iterator[str]:
        """Take ``subject.erased``: nothing is decided about them any more."""
        yield from ()
        for pseudonym in leaf["subjects"]:
            somebody = self._known.get(pseudonym)
            if somebody is not None:
                somebody.erased = position
                somebody.decisions, somebody.versions = [], somebody.versions[-1:]
            self._managers.pop(pseudonym, None)

    def recorded(self, position: int, leaf: Mapping[str, Any]) -> Iterator[str]:
        """Take ``directory.person``."""
        stated, at = decode(PersonRecord, leaf["facts"]), instant(leaf["occurred_at"])
        (pseudonym,) = leaf["subjects"]
        after = _recorded(pseudonym, stated)
        before = self._known.get(pseudonym)
        if before is None:
            before = self._known[pseudonym] = Somebody(after, [], position)
        else:
            before.person, before.position = successor(before.person, after), position
        person = before.person
        agrees = stated.residence in {0, person.residence}
        if not agrees and not self._doubted(f"person:{pseudonym}"):
            yield f"says residence {stated.residence}; by the log it is {person.residence}"
        if stated.roles is not None and stated.functions != person.functions:
            yield "names other functions than those of its roles"
        if person.manager != (stated.line[0] if stated.line else None):
            yield "names a manager who is not the first of the line"
        self._managers[pseudonym] = person.manager
        before.versions.append(
            PersonVersion(
                person_id=pseudonym,
                version=len(before.versions) + 1,
                region=person.region,
                place=person.place,
                entity=person.entity,
                department="",
                manager=person.manager,
                roles=person.roles,
                active=person.active,
                residence=person.residence,
                recorded_at=at,
            )
        )

    def adopted(self, _position: int, leaf: Mapping[str, Any]) -> Iterator[str]:
        """Take ``notice.adopted``; a version is adopted once in each language, and never older."""
        text = decode(NoticeAdoption, leaf["facts"])
        version, name = text.version, (text.notice, text.version, text.language)
        if name in self._adopted:
            yield f"adopts version {version} of the notice in {text.language} once more"
        elif self._current is not None and version < self._current:
            yield f"adopts version {version} of the notice after version {self._current}"
        self._adopted.add(name)
        self._current = max(version, self._current or version)
        self._notices.setdefault(version, instant(leaf["occurred_at"]))
        self._texts[text.digest] = Notice(
            id=text.notice,
            version=version,
            language=text.language,
            title="",
            markdown="",
            digest=text.digest,
            content=(),
            source=b"",
        )

    def shown(self, _position: int, leaf: Mapping[str, Any]) -> Iterator[str]:
        """Take ``notice.shown``."""
        stated = decode(NoticeShowing, leaf["facts"])
        (pseudonym,) = leaf["subjects"]
        if leaf["actor"] != {"kind": "person", "id": pseudonym}:
            yield f"shows to {leaf['actor']['id']} what is for {pseudonym}"
        name = stated.text.digest
        text = self._texts.get(name)
        if text is None or NoticeAdoption.of(text) != stated.text:
            yield f"shows a notice that was not adopted by then: {name}"
        at = instant(leaf["occurred_at"])
        self._shown[stated.shown] = _Showing(pseudonym, name, stated.offer, at)

    def decided(self, position: int, leaf: Mapping[str, Any]) -> Iterator[str]:
        """Take ``consent.*``; yield where it is not the person's next decision."""
        facts, at = leaf["facts"], instant(leaf["occurred_at"])
        act = Act(leaf["kind"].removeprefix("consent."))
        (pseudonym,) = leaf["subjects"]
        somebody = self.of(pseudonym)
        own = leaf["actor"] == {"kind": "person", "id": pseudonym}
        if own is (act is Act.REVOKED):
            yield f"records as {act.value} by {leaf['actor']['id']} what {pseudonym} decides"
        shown = None
        if act in OPENING:
            shown = self._shown_to(pseudonym, facts["shown"])
            yield from _unfounded(somebody.person, act, shown, self._current)
        until = instant(facts["until"]) if facts["until"] else None
        if act is Act.PAUSED:
            try:
                require_end(until, at)
            except InvalidInput as error:
                yield str(error)
        if act is Act.RESUMED and self.standing(somebody, at).state is not State.PAUSED:
            yield "resumes where by the log no pause runs"
        expected = next_decision(
            tuple(somebody.decisions),
            somebody.person,
            act,
            at,
            decision_id=facts["decision"],
            shown=shown,
            until=until,
            after=self._number_before(somebody, facts["seq"]),
        )
        known = encode(expected)
        for name in sorted(known.keys() | facts.keys() - _NOT_FOLDED):
            if facts.get(name) != known.get(name):
                yield f"says {name} {facts.get(name)!r}; by the log it is {known.get(name)!r}"
        somebody.decisions.append(_as_stated(expected, facts, position))

    def _number_before(self, somebody: Somebody, stated: int) -> int:
        """The number that a decision follows.

        Where rows about it were in doubt, the service also counts those that no entry recorded:
        numbers are left out then, and never given twice.
        """
        last = somebody.decisions[-1].seq if somebody.decisions else 0
        left_out = self._doubted(f"consent:{somebody.person.id}") and stated > last
        return stated - 1 if left_out else last

    def _shown_to(self, pseudonym: str, shown_id: str) -> Shown:
        showing = self._shown.get(shown_id)
        if showing is None or showing.person != pseudonym or showing.text not in self._texts:
            raise Unknown(f"rests on what no entry says was shown to {pseudonym}")
        notice = self._texts[showing.text]
        offer = self.offer(showing.offer)
        return Shown(shown_id, pseudonym, notice, offer, showing.at, "")

    def offer(self, digest: str) -> Offer:
        """The offer of a digest.

        Raises:
            Unknown: it is not here.
        """
        if digest not in self._offers:
            body = self._documents(digest)
            if body is None:
                raise Unknown(f"rests on the offer {digest}, which is not here")
            self._offers[digest] = Offer.read(body)
        return self._offers[digest]


def _recorded(pseudonym: str, stated: PersonRecord) -> Person:
    """The person of an entry; the log holds neither name nor address."""
    return Person(
        id=pseudonym,
        name="",
        email="",
        region=stated.region,
        place=stated.place,
        entity=f"{stated.entity_region}/",
        department="",
        manager=stated.manager,
        roles=_roles(stated),
        active=stated.active,
    )


def _roles(stated: PersonRecord) -> tuple[Role, ...]:
    """The roles of an entry; where it is too old to say regions, their names."""
    if stated.roles is not None:
        return stated.roles
    return tuple(Role(function) for function in stated.functions)


def _as_stated(expected: Decision, facts: Mapping[str, Any], position: int) -> Decision:
    """The decision as its entry states it, so that a difference is listed once.

    Its event is the index of the entry.
    """
    stated = decode(
        Decision,
        {name: value for name, value in facts.items() if name not in _NOT_FOLDED},
        person_id=expected.person_id,
        act=expected.act,
        decided_at=expected.decided_at,
        event_id=str(position),
    )
    # Order and time are those of the log, whatever the entry says.
    return replace(stated, seq=expected.seq, recorded_at=expected.recorded_at)


def _unfounded(person: Person, act: Act, shown: Shown, current: int | None) -> Iterator[str]:
    """What was shown must have been current, for where the person is, and ask for this act."""
    offer = shown.offer
    if shown.notice.version != current:
        yield f"rests on version {shown.notice.version} of the notice; current was {current}"
    if (offer.region, offer.regions) != (person.region, person.regions):
        yield f"rests on an offer for {', '.join(offer.regions)}"
    if not person.active:
        yield "is of somebody who had left"
    if opening_act(offer.bases) is not act:
        yield f"says {act.value}, which is not what the offer asks for"


_NOT_FOLDED = frozenset({"reason"})
"""Facts of a decision that no standing rests on."""

CONSENT_KINDS = frozenset(Kind(f"consent.{act.value}") for act in Act)
