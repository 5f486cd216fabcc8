"""Whatever is done to rows of consent never allows more: each operation on each row of its tables.

What holds then is asked of the service that runs, with all it remembers, and of one that has read
nothing yet. Whoever an operation is about is asked everything, the others what they decided. Of two
operations, one after the other, a part is drawn.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from app.audit.entries.subjects import SealedNames
from app.capture.service import CaptureService
from app.consent import timeline
from app.consent.model import Act, Decision
from app.consent.notices import NoticeService
from app.consent.packs import read_notice
from app.consent.store import DECISIONS, NOTICES, SHOWINGS, notice_table, offer_table, shown_table
from app.db.engine import Tx
from app.db.ring import SealRing
from app.directory.model import Person
from app.kernel.errors import HabeasError
from app.settings import Settings
from app.wiring import Services, build
from app.wiring.shipped import Shipped
from tests.fakes import FakeClock
from tests.row_attacks import Attacked, Operation, undone, unguard
from tests.templates import Templates

ATTACKED = (
    Attacked(
        DECISIONS.table,
        DECISIONS,
        chain=("person_id",),
        number="seq",
        made_up={
            "act": tuple(act.value for act in Act),
            "until": (None,),
            "valid_until": (None,),
        },
    ),
    Attacked(SHOWINGS.table, SHOWINGS, chain=("person_id",)),
    Attacked(notice_table, NOTICES),
    Attacked(offer_table),
)
HISTORIES: tuple[tuple[Act, ...], ...] = (
    (Act.GIVEN,),
    (Act.GIVEN, Act.WITHDRAWN),
    (Act.GIVEN, Act.PAUSED),
    (Act.GIVEN, Act.PAUSED, Act.RESUMED),
    (Act.REFUSED, Act.GIVEN, Act.WITHDRAWN, Act.GIVEN),
)
"""What people decide on the notice of today. One more has only agreed to the one before."""
CAPTURED = (True, False, False, True, True, False)

HOUR = timedelta(hours=1)


Allowed = Mapping[str, frozenset[Any]]
"""What is allowed of one person, by question.

``captured``: the terms of capture; nothing where it is off. ``reads``: which stretches of the past
may be read, as far as decisions go. ``shown``: what each showing said on which they could agree
now. ``receipts``: those that are said to stand.
"""

ASKED = {
    DECISIONS.table.name: ("captured", "reads", "receipts"),
    SHOWINGS.table.name: ("captured", "shown"),
    notice_table.name: ("captured", "reads", "shown"),
    offer_table.name: ("captured", "shown"),
}
"""What can rest on rows of a table."""


def is_no_more(now: Allowed, was: Allowed) -> bool:
    """Whether nothing is allowed that was not; terms of capture are all the same or none."""
    return now.get("captured", frozenset()) in (frozenset(), was["captured"]) and all(
        answer <= was[question] for question, answer in now.items()
    )


QUESTIONS = ("captured", "reads", "shown", "receipts")


@dataclass(frozen=True)
class Hall:
    """People with every kind of history, and the hours in which they had it."""

    services: Services
    capture: CaptureService
    people: tuple[Person, ...]
    hours: tuple[datetime, ...]

    @property
    def notices(self) -> NoticeService:
        """With the notice of today."""
        return self.capture.consent.notices

    def allowed(
        self, tx: Tx, capture: CaptureService, who: Person, questions: Iterable[str] = QUESTIONS
    ) -> Allowed:
        asked: dict[str, Callable[[], Iterable[Any]]] = {
            "captured": lambda: self._captured(tx, capture, who),
            "reads": lambda: self._reads(tx, who),
            "shown": lambda: self._shown(tx, who),
            "receipts": lambda: self._standing_receipts(tx, who),
        }
        return {question: frozenset(asked[question]()) for question in questions}

    def _captured(self, tx: Tx, capture: CaptureService, who: Person) -> Iterator[str]:
        situation = capture.situation(tx, who, self.services.clock.now())
        if situation.directive.capture:
            terms = situation.limits.compiled
            rules = terms.signals.items()
            yield from (f"{signal} {rule.mode}" for signal, rule in rules if rule.mode)
            yield from terms.apps

    def _reads(self, tx: Tx, who: Person) -> Iterator[int]:
        """As ``standing_between`` of the service, with one reading for all hours."""
        consent = self.capture.consent
        endings = consent._endings(tx, who)
        if endings is None:
            return
        history = consent.history(tx, who.id)
        for number, hour in enumerate(self.hours):
            end = hour + HOUR / 2
            if timeline.standing_between(history, hour, end, bases=["consent"], endings=endings):
                yield number

    def _shown(self, tx: Tx, who: Person) -> Iterator[tuple[str, str, str]]:
        theirs = select(shown_table.c.id).where(shown_table.c.person_id == who.id)
        for name in tx.execute(theirs).scalars().all():
            try:
                shown = self.notices.shown(tx, who, name)
            except (HabeasError, ValueError):
                continue
            yield shown.id, shown.notice.markdown, shown.offer.digest

    def _standing_receipts(self, tx: Tx, who: Person) -> Iterator[str]:
        consent = self.capture.consent
        for receipt in consent.receipts(tx, who.id):
            if consent.receipt(tx, who.id, receipt.decision.id).stands:
                yield f"{receipt.decision} {receipt.token}"

    def adopted_anew(self, tx: Tx) -> set[str]:
        """The texts that are taken for new at a start, and by whoever has not seen them yet."""
        digests = select(notice_table.c.digest)
        before, now = set(tx.execute(digests).scalars()), self.services.clock.now()
        never_asked = self.people[-1]
        try:
            self.notices.adopt(tx, now)
            offer = self.capture.situation(tx, never_asked, now).offer
            self.notices.show(tx, never_asked, offer, "en", now)
        except HabeasError:  # refused, as it should be
            pass
        return set(tx.execute(digests).scalars()) - before


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def hall(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    templates: Templates,
    shipped: Shipped,
) -> Iterator[Hall]:
    """What is done in it is undone each time; its guards are away."""
    folder = tmp_path_factory.mktemp("hall")
    with templates.copy(request.param, "sample", folder) as url:
        clock = FakeClock()
        settings = Settings(var=folder / "var", database_url=url, demo=True)
        services = build(settings, clock=clock, shipped=shipped)
        yield grown(services, clock)
        services.close()


def grown(services: Services, clock: FakeClock) -> Hall:
    """Let people decide: one of them on the notice that is superseded then."""
    *people, outdated = able(services, len(CAPTURED))
    hours = []
    decide(services, services.capture, outdated, Act.GIVEN)
    hours.append(clock.now() + HOUR / 4)
    clock.advance(HOUR)
    capture = with_next_notice(services)
    for step in range(max(map(len, HISTORIES))):
        for who, acts in zip(people, HISTORIES, strict=True):
            if step < len(acts):
                decide(services, capture, who, acts[step])
        hours.append(clock.now() + HOUR / 4)
        clock.advance(HOUR)
    services.integrator.integrate()
    unguard(services.database, [each.table for each in ATTACKED])
    return Hall(services, capture, (*people, outdated), tuple(hours))


def able(services: Services, count: int) -> list[Person]:
    """People who can agree and have decided nothing."""
    found = []
    with services.database.read() as tx:
        for one in services.directory.people(tx):
            offer = services.capture.situation(tx, one, services.clock.now()).offer
            may = one.active and offer.signals and "consent" in offer.bases
            if may and not services.consent.last_number(tx, one.id):
                found.append(one)
    return found[:count]


def with_next_notice(services: Services) -> CaptureService:
    """The service after an update, which brings the next version of the notice, in English only."""
    now = services.notices.texts["en"]
    head = f"version: {now.version}", f"version: {now.version + 1}"
    text = read_notice(now.source.replace(*(each.encode() for each in head)), "en.md")
    notices = replace(services.notices, texts={"en": text})
    with services.database.write() as tx:
        notices.adopt(tx, services.clock.now())
    consent = replace(services.consent, notices=notices)
    return replace(services.capture, consent=consent, _agreements={})


def decide(services: Services, capture: CaptureService, who: Person, act: Act) -> None:
    consent, now = capture.consent, services.clock.now()
    with services.database.write() as tx:
        named = None
        if act is Act.GIVEN:
            offer = capture.situation(tx, who, now).offer
            named = consent.notices.show(tx, who, offer, "en", now).id
        until = now + 24 * HOUR if act is Act.PAUSED else None
        consent.decide(tx, who, act, now, shown_id=named, until=until)


@dataclass(frozen=True)
class Question:
    """What was allowed before anything was done, and of whom it is asked: which process."""

    hall: Hall
    at_start: bool
    before: dict[str, Allowed]
    decided: dict[str, tuple[Decision, ...]]

    @property
    def tells_cells(self) -> bool:
        """Cells are changed one by one where it is cheapest: a seal is over all of them alike."""
        return self.at_start and self.hall.services.database.dialect == "sqlite"

    def try_out(self, *done: Operation) -> bool:
        """Do it, ask again, undo it; whether the database let it be done."""
        services = self.hall.services
        ring = new_ring(services) if self.at_start else services.database.seals
        with undone(services.database, ring) as tx:
            try:
                for each in done:
                    each.do(tx)
            except (DBAPIError, HabeasError):  # a CHECK, a UNIQUE or a type refused it
                return False
            self.require_no_more(tx, done)
        return True

    def require_no_more(self, tx: Tx, done: tuple[Operation, ...]) -> None:
        """Ask everything of those whom it is about, and of one other what they decided."""
        hall, capture = self.hall, self.hall.capture
        if self.at_start:
            capture = replace(capture, _agreements={})
        questions = {question for each in done for question in ASKED[each.table]}
        named = {name for each in done for name in each.about}
        anybody = not all(each.about for each in done)
        asked = [who for who in hall.people if anybody or who.id in named]
        for who in asked:
            now = hall.allowed(tx, capture, who, questions)
            assert is_no_more(now, self.before[who.id]), (who.id, done)
        for who in [who for who in hall.people if who not in asked][:1]:
            assert capture.consent.history(tx, who.id) == self.decided[who.id], (who.id, done)
        if any(each.table == notice_table.name for each in done):
            assert hall.adopted_anew(tx) == set(), done


def new_ring(services: Services) -> SealRing:
    """What a process knows that has folded the log and read nothing else."""
    known, ring = services.database.seals, SealRing()
    assert known.key is not None
    ring.take(known.key)
    ring.names = SealedNames(services.log.vault)
    ring.positions, ring.size, ring.adopted = dict(known.positions), known.size, known.adopted
    return ring


@pytest.fixture(scope="module", params=["running", "at start"])
def question(request: pytest.FixtureRequest, hall: Hall) -> Question:
    with hall.services.database.read() as tx:
        before = {who.id: hall.allowed(tx, hall.capture, who) for who in hall.people}
        decided = {who.id: hall.capture.consent.history(tx, who.id) for who in hall.people}
    assert tuple(bool(one["captured"]) for one in before.values()) == CAPTURED
    assert all(one["reads"] and one["shown"] and one["receipts"] for one in before.values())
    return Question(hall, request.param == "at start", before, decided)


@pytest.fixture(scope="module")
def operations(hall: Hall) -> dict[str, tuple[Operation, ...]]:
    """All that can be done to one row, by table."""
    with hall.services.database.read() as tx:
        return {each.table.name: each.operations(tx) for each in ATTACKED}


@pytest.mark.parametrize("table", [each.table.name for each in ATTACKED])
def test_nothing_done_to_a_row_allows_more(
    question: Question, operations: dict[str, tuple[Operation, ...]], table: str
) -> None:
    wanted = [each for each in operations[table] if question.tells_cells or each.what != "flip"]
    tried = sum(question.try_out(operation) for operation in wanted)
    assert tried >= len(wanted) // 2


def test_nothing_done_to_two_rows_allows_more(
    question: Question, operations: dict[str, tuple[Operation, ...]]
) -> None:
    any_one = st.sampled_from(sorted(operations)).flatmap(
        lambda table: st.sampled_from(operations[table])
    )

    @settings(max_examples=20)
    @given(any_one, any_one)
    def never_more(first: Operation, second: Operation) -> None:
        if not question.try_out(first, second):
            reject()

    never_more()
