"""The desk: each reading asks for the right, reads, and is an entry; or nothing happens at all."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import app
from app.access.enforcer import CasbinAuthority
from app.audit.entries.model import Actor, EntryFilter, Event, Kind
from app.audit.entries.service import AuditService
from app.audit.growing.integrator import Integrator
from app.audit.growing.lock import open_lock
from app.audit.reading.desk import Desk
from app.audit.reading.search import Search
from app.audit.reading.service import ReadingService
from app.audit.reading.shown import DetailState
from app.db.engine import Database, Tx
from app.kernel.errors import InvalidInput, NotFound
from tests import make as people
from tests.audit import make
from tests.audit.test_publication import Crash, DiesBefore
from tests.fakes import FakeClock

AUDITOR = people.person("E-9000", "auditor")
SIZE = 20
WITH_DETAIL = 5
"""The index of an entry with personal detail, about E-105 (see make.ordinary)."""


@pytest.fixture
def desk(log: AuditService) -> Desk:
    rules = Path(app.__file__).parents[1] / "policies" / "access"
    return Desk(log, CasbinAuthority(rules / "model.conf", rules / "policy.csv"))


@pytest.fixture(autouse=True)
def _filled(
    database: Database, log: AuditService, integrator: Integrator, clock: FakeClock
) -> None:
    make.fill(database, log, integrator, clock, SIZE)


@pytest.fixture
def tx(database: Database) -> Iterator[Tx]:
    with database.write() as opened:
        yield opened


class Kept:
    """What a transaction recorded, once it is committed and integrated."""

    def __init__(self, database: Database, log: AuditService, integrator: Integrator) -> None:
        self._database, self._log, self._integrator = database, log, integrator

    def entries(self) -> list[Mapping[str, Any]]:
        self._integrator.integrate()
        with self._database.read() as tx:
            newer = EntryFilter(after=SIZE - 1, limit=100)
            return [entry.leaf for entry in ReadingService(self._log).search(tx, newer)]

    def detail(self, event: str) -> Mapping[str, Any] | None:
        with self._database.read() as tx:
            return ReadingService(self._log).body(tx, event)


@pytest.fixture
def kept(database: Database, log: AuditService, integrator: Integrator) -> Kept:
    return Kept(database, log, integrator)


def test_opening_an_entry_is_recorded_for_everybody_whom_it_names(
    database: Database, desk: Desk, log: AuditService, clock: FakeClock, kept: Kept
) -> None:
    with database.write() as tx:
        opened = desk.open(tx, AUDITOR, WITH_DETAIL, clock.now())
        person = log.pseudonym(tx, "E-105")
    assert (opened.entry.idx, opened.detail, opened.body) == (
        WITH_DETAIL, DetailState.KEPT, None,
    )  # fmt: skip
    (entry,) = kept.entries()
    assert entry["kind"] == "log.read"
    assert entry["facts"] == {"kind": "consent.withdrawn", "subject": None, "count": 1}
    assert entry["subjects"] == [person]


def test_detail_is_read_against_a_reason_that_is_kept_under_the_persons_key(
    database: Database, desk: Desk, clock: FakeClock, kept: Kept
) -> None:
    with database.write() as tx:
        opened = desk.read_detail(tx, AUDITOR, WITH_DETAIL, " A complaint. ", clock.now())
    assert opened.body == {"note": "Sample reason 5"}
    (entry,) = kept.entries()
    assert entry["kind"] == "log.body_read"
    assert entry["facts"] == {"kind": "consent.withdrawn", "entry": WITH_DETAIL}
    assert kept.detail(entry["event"]) == {"reason": "A complaint."}


def test_without_a_reason_no_detail_is_read_and_nothing_is_recorded(
    database: Database, desk: Desk, clock: FakeClock, kept: Kept
) -> None:
    with database.write() as tx, pytest.raises(InvalidInput) as refused:
        desk.read_detail(tx, AUDITOR, WITH_DETAIL, "  ", clock.now())
    assert [fault.field for fault in refused.value.faults] == ["reason"]
    assert kept.entries() == []


def test_where_there_is_no_detail_the_entry_is_opened_and_that_is_recorded(
    database: Database, desk: Desk, clock: FakeClock, kept: Kept
) -> None:
    with database.write() as tx:
        opened = desk.read_detail(tx, AUDITOR, 0, "A question.", clock.now())
    assert (opened.detail, opened.body) == (DetailState.NONE, None)
    assert [entry["kind"] for entry in kept.entries()] == ["log.read"]


@pytest.mark.parametrize(
    ("search", "field"),
    [
        (Search(kind="made.up"), "kind"),
        (Search(since="2026-11-02", until="2026-11-01"), "until"),
    ],
)
def test_what_is_wrong_with_a_search_is_said_and_nothing_is_read_or_recorded(
    tx: Tx, desk: Desk, log: AuditService, clock: FakeClock, search: Search, field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        desk.search(tx, AUDITOR, search, 50, clock.now())
    with pytest.raises(InvalidInput) as uncounted:
        desk.count(tx, AUDITOR, search, clock.now())
    for error in (refused, uncounted):
        assert [fault.field for fault in error.value.faults] == [field]
    assert log.pending(tx) == 0


def test_that_nobody_has_a_pseudonym_is_an_answer_and_an_entry(
    database: Database, desk: Desk, clock: FakeClock, kept: Kept
) -> None:
    nobody = Search(person="p_" + "0" * 32)
    with database.write() as tx:
        with pytest.raises(InvalidInput, match="search") as refused:
            desk.search(tx, AUDITOR, nobody, 50, clock.now())
        with pytest.raises(InvalidInput, match="search"):
            desk.count(tx, AUDITOR, nobody, clock.now())
    assert [fault.field for fault in refused.value.faults] == ["person"]
    facts = [entry["facts"] for entry in kept.entries()]
    asked = {"kind": None, "subject": nobody.person, "count": 0}
    assert sorted(facts, key=len) == [asked, asked | {"asked": {"as": "export"}}]


def test_searching_by_a_person_is_told_from_searching_about_them(
    database: Database, desk: Desk, log: AuditService, clock: FakeClock, kept: Kept
) -> None:
    with database.write() as tx:
        person = log.pseudonym(tx, "E-105")
        for side in ("about", "by"):
            desk.search(tx, AUDITOR, Search(person=person, side=side), 50, clock.now())
    facts = [entry["facts"] for entry in kept.entries()]
    assert [said.get("asked") for said in sorted(facts, key=len)] == [None, {"side": "by"}]


@pytest.mark.parametrize(
    ("search", "field"), [({"side": "by"}, "person"), ({"outcome": "deny"}, "outcome")]
)
def test_what_an_export_cannot_choose_by_is_not_counted(
    tx: Tx, desk: Desk, log: AuditService, clock: FakeClock, search: dict[str, str], field: str
) -> None:
    asked = Search(person=log.pseudonym(tx, "E-105"), **search)
    with pytest.raises(InvalidInput) as refused:
        desk.count(tx, AUDITOR, asked, clock.now())
    assert [fault.field for fault in refused.value.faults] == [field]
    assert log.pending(tx) == 0


def test_reading_a_detail_is_an_entry_about_everybody_whom_the_entry_names(
    database: Database, desk: Desk, log: AuditService, integrator: Integrator,
    clock: FakeClock, kept: Kept,
) -> None:  # fmt: skip
    event = Event(
        Kind.CONSENT_REVOKED, Actor("person", "E-101"), {}, ("E-105", "E-103"),
        body={"note": "A note."}, owner="E-103",
    )  # fmt: skip
    with database.write() as tx:
        names = log.pseudonyms(tx, ["E-101", "E-103", "E-105"])
        log.append(tx, event, clock.now())
    integrator.integrate()
    with database.write() as tx:
        opened = desk.read_detail(tx, AUDITOR, SIZE, "A question.", clock.now())
        assert (opened.owner, opened.body) == (names["E-103"], {"note": "A note."})
    (read,) = (entry for entry in kept.entries() if entry["kind"] == "log.body_read")
    assert set(read["subjects"]) == set(names.values())
    with database.write() as tx:
        again = desk.read_detail(tx, AUDITOR, read["idx"], "Why was it read?", clock.now())
        assert (again.owner, again.body) == (names["E-103"], {"reason": "A question."})


def test_a_search_says_from_where_older_and_newer_entries_go_on(
    tx: Tx, desk: Desk, clock: FakeClock
) -> None:
    def page(**place: str) -> tuple[list[int], int | None, int | None]:
        found = desk.search(tx, AUDITOR, Search(**place), 6, clock.now())
        return [entry.idx for entry in found.entries], found.older, found.newer

    assert page() == ([19, 18, 17, 16, 15, 14], 14, None)
    assert page(before="14") == ([13, 12, 11, 10, 9, 8], 8, 13)
    assert page(after="13") == ([19, 18, 17, 16, 15, 14], 14, None)
    assert page(before="2") == ([1, 0], None, 1)
    assert page(before="0") == ([], None, None)


def test_the_whole_log_is_counted_by_its_size_which_everybody_knows(
    database: Database, desk: Desk, clock: FakeClock, kept: Kept
) -> None:
    with database.write() as tx:
        assert desk.count(tx, AUDITOR, Search(), clock.now()) == SIZE
    assert kept.entries() == []


def test_a_narrowed_count_is_recorded_as_part_of_an_export(
    database: Database, desk: Desk, clock: FakeClock, kept: Kept
) -> None:
    with database.write() as tx:
        count = desk.count(tx, AUDITOR, Search(kind="consent", since="2026-01-01"), clock.now())
    (entry,) = kept.entries()
    assert count == 3
    assert entry["facts"] == {
        "kind": "consent", "subject": None, "count": 3,
        "asked": {"since": "2026-01-01", "as": "export"},
    }  # fmt: skip


def _event(database: Database, log: AuditService, idx: int) -> str:
    with database.read() as tx:
        return str(ReadingService(log).entry(tx, idx).leaf["event"])


def test_people_read_their_own_entry_and_its_proof_without_an_entry_about_it(
    database: Database, desk: Desk, log: AuditService
) -> None:
    event = _event(database, log, WITH_DETAIL)
    with database.read() as tx:
        own = desk.own_proof(tx, "E-105", event)
        assert own is not None
        assert own.index == WITH_DETAIL
        assert own.proof.startswith("c2sp.org/tlog-proof@v1")
        assert log.pending(tx) == 0


@pytest.mark.parametrize("person", ["E-101", "E-9000", "nobody"])
def test_anothers_entry_does_not_exist_for_whoever_it_is_not_about(
    database: Database, desk: Desk, log: AuditService, person: str
) -> None:
    event = _event(database, log, WITH_DETAIL)
    with database.read() as tx, pytest.raises(NotFound):
        desk.own_proof(tx, person, event)


def test_an_own_event_that_waits_for_its_index_has_no_proof_yet(
    database: Database, desk: Desk, log: AuditService, clock: FakeClock
) -> None:
    with database.write() as tx:
        event = log.append(tx, make.withdrawal(5), clock.now())
        assert desk.own_proof(tx, "E-105", event) is None


def test_an_own_entry_that_no_checkpoint_holds_yet_has_no_proof_yet(
    database: Database,
    desk: Desk,
    log: AuditService,
    integrator: Integrator,
    clock: FakeClock,
    tmp_path: Path,
) -> None:
    """Between numbering and publishing: a receipt that is downloaded then is no error."""
    with database.write() as tx:
        event, published = log.append(tx, make.withdrawal(5), clock.now()), log.checkpoint(tx)
    assert published is not None
    lock = open_lock(f"sqlite:///{tmp_path / 'lock.sqlite'}")
    lock.advance(None, published.encode(), clock.now())
    with pytest.raises(Crash):
        replace(integrator, lock=DiesBefore(lock.database)).integrate()
    lock.database.engine.dispose()
    with database.read() as tx:
        assert log.index_of(tx, event) == SIZE
        assert desk.own_proof(tx, "E-105", event) is None


def test_the_newest_entry_of_a_laptop_is_shown_to_the_person_whom_it_is_about(
    database: Database, desk: Desk, log: AuditService, integrator: Integrator, clock: FakeClock
) -> None:
    with database.write() as tx:
        for number in range(2):
            facts = {"capture": "off", "reasons": [f"reason_{number}"]}
            about = Event(Kind.LEASE_CHANGED, Actor("device", "d_1"), facts, subjects=("E-105",))
            log.append(tx, about, clock.now())
    integrator.integrate()
    with database.read() as tx:
        newest = desk.own_newest(tx, "E-105", "d_1", Kind.LEASE_CHANGED)
        assert newest is not None
        assert newest.leaf["facts"]["reasons"] == ["reason_1"]
        assert desk.own_newest(tx, "E-105", "d_1", Kind.AGENT_REPORTED) is None
        assert desk.own_newest(tx, "E-101", "d_1", Kind.LEASE_CHANGED) is None


def test_an_own_event_says_the_same_before_and_after_it_has_an_index(
    database: Database, desk: Desk, log: AuditService, integrator: Integrator, clock: FakeClock
) -> None:
    with database.write() as tx:
        event = log.append(tx, make.withdrawal(5), clock.now())
    with database.read() as tx:
        waiting = desk.own_event(tx, "E-105", event)
    integrator.integrate()
    with database.read() as tx:
        placed = desk.own_event(tx, "E-105", event)
        assert (waiting.idx, placed.idx) == (None, SIZE)
        assert waiting.said["facts"] == placed.said["facts"]
        for stranger in ("E-101", "nobody"):
            with pytest.raises(NotFound):
                desk.own_event(tx, stranger, event)


def test_people_see_who_read_their_entries_and_the_reason_that_is_kept_under_their_key(
    database: Database, desk: Desk, integrator: Integrator, clock: FakeClock
) -> None:
    now = clock.now()
    with database.write() as tx:
        desk.look_up(tx, AUDITOR, "E-105", "a complaint of theirs", now)
        desk.read_detail(tx, AUDITOR, WITH_DETAIL, "the same complaint", now)
        desk.open(tx, AUDITOR, WITH_DETAIL, now)
        desk.look_up(tx, AUDITOR, "E-101", "somebody else's matter", now)
    integrator.integrate()
    with database.read() as tx:
        mine = desk.own_readings(tx, "E-105", 10)
        assert [(each.entry.leaf["kind"], each.reason) for each in mine] == [
            ("log.read", ""),
            ("log.body_read", "the same complaint"),
            ("log.read", "a complaint of theirs"),
        ]
        assert {each.reader for each in mine} == {"E-9000"}
        assert desk.own_readings(tx, "E-105", 10, before=mine[1].entry.idx) == mine[2:]
        assert desk.own_readings(tx, "nobody", 10) == ()


def test_a_reason_kept_under_anothers_key_is_not_given_out(
    database: Database, desk: Desk, log: AuditService, integrator: Integrator, clock: FakeClock
) -> None:
    with database.write() as tx:
        event = Event(
            Kind.LOG_BODY_READ,
            Actor("person", "E-9000"),
            {"kind": "consent.revoked", "entry": WITH_DETAIL},
            subjects=("E-105", "E-101"),
            body={"reason": "about the other one"},
            owner="E-101",
        )
        log.append(tx, event, clock.now())
    integrator.integrate()
    with database.read() as tx:
        assert [each.reason for each in desk.own_readings(tx, "E-105", 10)] == [""]
        assert [each.reason for each in desk.own_readings(tx, "E-101", 10)] == [
            "about the other one"
        ]
