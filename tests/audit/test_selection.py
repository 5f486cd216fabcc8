"""Selections: read strictly, exported with the lines that prove them, found again on pages.

``gaps`` below is written from the rules in audit/reading/selection.py alone: what a verifier may
find out about a filtered export from its lines.
"""

import tarfile
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from app.audit.entries import erasure, store
from app.audit.entries.erasure import Erasure
from app.audit.entries.model import SYSTEM, Actor, EntryFilter, Event, Kind, refusal, regions_of
from app.audit.entries.service import AuditService
from app.audit.export import archive
from app.audit.export.writing import Exported, export_log
from app.audit.growing.integrator import Integrator
from app.audit.reading.selection import (
    INDEX,
    WHOLE,
    Selection,
    place_in,
    read_selection,
    selection_of,
)
from app.audit.reading.service import ReadingService
from app.audit.tree.merkle import leaf_hash
from app.audit.tree.tiles import TILE_WIDTH, cut
from app.db.engine import Database
from app.db.migrate import alembic_config
from app.kernel.canonical import parse_canonical
from app.kernel.clock import instant
from app.kernel.errors import InvalidInput, Unavailable
from app.sdk.verify import verify
from tests.audit import make
from tests.audit.conftest import filled_by
from tests.fakes import FakeClock
from tests.templates import Templates

pytestmark = pytest.mark.slow

AUDITOR = Actor("person", "E-9000")
REGIONS = ("DE", "US-NY", "US-CA", "FR")


def varied(number: int) -> Event:
    """Decisions and withdrawals as elsewhere; every third entry says a region."""
    if number % 3:
        return make.ordinary(number)
    facts = {"device": f"d-{number % 4}", "regions": {"home": REGIONS[number % 4], "place": "DE"}}
    off = {"capture": "off", "reasons": ["consent.missing", "notice.pending"]}
    on = {"capture": "on", "reasons": []}
    return Event(
        Kind.LEASE_CHANGED,
        Actor("device", f"d-{number % 4}"),
        facts | (off if number % 2 else on),
        subjects=(f"E-{number % 5}",),
    )


def fill(database: Database, log: AuditService, integrator: Integrator, clock: FakeClock) -> None:
    """Ten batches, an hour apart."""
    with database.write() as tx:
        log.open(tx, clock.now())
        log.append(tx, make.adopted(), clock.now())
    for batch in range(10):
        clock.advance(3_600)
        with database.write() as tx:
            for number in range(batch * 35, batch * 35 + 35):
                log.append(tx, varied(number + 2), clock.advance(1))
        integrator.integrate()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(
    request: pytest.FixtureRequest, templates: Templates, tmp_path: Path
) -> Iterator[str]:
    """A copy of that log, which was filled once."""
    templates.add("selected", "empty", filled_by(fill))
    with templates.copy(request.param, "selected", tmp_path) as url:
        yield url


@pytest.fixture
def filled(database: Database, log: AuditService, clock: FakeClock) -> list[dict[str, Any]]:
    """The leaves of that log; the clock is where the last was integrated."""
    with database.read() as tx:
        leaves = [dict(ReadingService(log).entry(tx, idx).leaf) for idx in range(log.size(tx))]
    clock.at = instant(leaves[-1]["integrated_at"])
    return leaves


Export = Callable[..., Exported]


@pytest.fixture
def export(
    database: Database,
    log: AuditService,
    integrator: Integrator,
    clock: FakeClock,
    tmp_path: Path,
    filled: list[dict[str, Any]],
) -> Export:
    def run(selection: Selection, **more: Any) -> Exported:
        return export_log(
            database,
            log,
            integrator,
            tmp_path / "log.tar",
            actor=AUDITOR,
            now=clock.advance(60),
            documents=make.documents,
            selection=selection,
            **more,
        )

    return run


def parts(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as tar:
        found = {}
        for member in tar.getmembers():
            file = tar.extractfile(member)
            assert file is not None
            found[member.name] = file.read()
    return found


def lines_of(found: Mapping[str, bytes]) -> list[dict[str, Any]]:
    return [parse_canonical(line) for line in found[archive.ENTRIES].split(b"\n")[:-1]]


def gaps(selection: Selection, lines: list[dict[str, Any]]) -> list[str]:
    """What is wrong with the lines of a filtered export, by the rules."""
    *chosen, anchor = lines
    if anchor["kind"] != "log.exported" or anchor["facts"]["selection"] != selection.facts:
        return ["the last line is not the entry about this export"]
    before = [choice for choice in chosen if selection.is_before(choice)]
    after = [choice for choice in chosen if selection.is_after(choice)]
    most = 0 if selection.sequence is None else 1
    found = (
        [] if len(before) <= most and len(after) <= most else ["more neighbours than one a side"]
    )
    found += [
        f"{choice['idx']} is not wanted"
        for choice in chosen
        if choice not in before + after and not selection.matches(choice)
    ]
    return found + (jumps(selection.sequence, lines, before, after) if selection.sequence else [])


def jumps(
    sequence: str,
    lines: list[dict[str, Any]],
    before: list[dict[str, Any]],
    after: list[dict[str, Any]],
) -> list[str]:
    """Where the lines are no stretch of the sequence up to the anchor, the last of them."""
    members = [(one, place) for one in lines if (place := place_in(sequence, one)) is not None]
    if not members:
        return ["no line is of the sequence"]
    first, (_, older) = members[0]
    found = [] if older is None or first in before else ["something may come before the first"]
    for (one, (number, _)), (next_, place) in pairwise(members):
        follows = place == (number + 1, one["idx"])
        if not follows and not (one in after and next_ is lines[-1]):
            found.append(f"{next_['idx']} does not follow {one['idx']}")
    last = members[-1][0]
    if last is not lines[-1] and last["kind"] != "subject.erased":
        found.append("something may come after the last")
    return found


def pseudonym(database: Database, log: AuditService, person: str) -> str:
    with database.read() as tx:
        return log.pseudonym(tx, person)


def middle(leaves: list[dict[str, Any]], part: int) -> datetime:
    return instant(leaves[len(leaves) * part // 10]["integrated_at"])


# Reading ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("since", "yesterday"),
        ("since", "2026-11-16T09:00:00"),
        ("since", "2026-13-01"),
        ("until", "0"),
        ("kinds", "consent"),
        ("kinds", "consent.given,consent.refused"),
        ("person", "E-1000"),
        ("person", "p_" + "A" * 32),
        ("purpose", "Performance evaluation"),
        ("purpose", "=cmd|' /C calc'!A0"),
        ("region", "de"),
        ("region", "DE; DROP TABLE audit_leaf"),
    ],
)
def test_a_wrong_field_is_named(field: str, text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_selection(**{field: [text] if field == "kinds" else text})
    assert [fault.field for fault in caught.value.faults] == [field]
    assert all(fault.cure for fault in caught.value.faults)


def test_every_wrong_field_is_named_at_once() -> None:
    with pytest.raises(InvalidInput) as caught:
        read_selection(since="2026-11-17", until="2026-11-16", person="me", region="Bavaria")
    assert [fault.field for fault in caught.value.faults] == ["until", "person", "region"]


def test_a_day_means_its_midnight_in_utc_and_an_offset_is_turned_into_it() -> None:
    selection = read_selection(since="2026-11-16", until="2026-11-17T01:00:00+02:00")
    assert selection.since == datetime(2026, 11, 16, tzinfo=UTC)
    assert selection.until == datetime(2026, 11, 16, 23, tzinfo=UTC)


def test_nothing_typed_asks_for_everything() -> None:
    assert read_selection() == WHOLE
    assert WHOLE.is_whole
    assert read_selection(kinds=["", " "]).is_whole


instants = st.datetimes(
    min_value=datetime(2000, 1, 1),  # noqa: DTZ001 - Hypothesis adds the zone
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
selections = st.builds(
    Selection,
    since=st.none() | instants,
    until=st.none() | instants,
    kinds=st.sets(st.sampled_from(sorted(kind.value for kind in Kind)), max_size=3).map(
        lambda kinds: tuple(sorted(kinds))
    ),
    person=st.none() | st.integers(0, 3).map(lambda number: f"p_{number:032x}"),
    purpose=st.none() | st.sampled_from(["ai_training.computer_use", "performance_evaluation"]),
    region=st.none() | st.sampled_from(["DE", "US-NY", "EU"]),
).filter(lambda one: one.since is None or one.until is None or one.since < one.until)


@given(selections)
def test_a_selection_survives_being_written(selection: Selection) -> None:
    assert selection_of(parse_canonical(selection.canonical)) == selection
    assert selection_of(selection.facts) == selection


@given(
    selections, st.sampled_from(sorted(WHOLE.facts)), st.sampled_from([1, "", "X y", [], [1], {}])
)
def test_a_selection_in_another_form_is_refused(
    selection: Selection, name: str, value: object
) -> None:
    facts = {**selection.facts, name: value}
    if facts == selection.facts or (name == "kinds" and value == []):
        return
    with pytest.raises(ValueError, match=rf"^{name}: |in the form"):
        selection_of(facts)
    wholly = {"more: is no": {**selection.facts, "more": None}, "is missing": {}, "is no obj": []}
    for problem, wrong in wholly.items():
        with pytest.raises(ValueError, match=problem):
            selection_of(wrong)


def test_times_of_a_selection_have_one_spelling() -> None:
    facts = {**WHOLE.facts, "since": "2026-11-16T09:00:00Z"}
    with pytest.raises(ValueError, match="since: is no instant"):
        selection_of(facts)


@pytest.mark.parametrize(
    ("facts", "regions"),
    [
        ({"region": "US-NY"}, {"US", "US-NY"}),
        ({"regions": {"home": "DE", "place": None, "device": "FR"}}, {"DE", "FR"}),
        ({"regions": ["EU", "de", 7]}, {"EU"}),
        ({"people": [{"region": "DE"}, {"region": 5}, "US"]}, {"DE"}),
        ({"region": "DE", "entity_region": "US-CA", "place": "FR"}, {"DE", "US", "US-CA", "FR"}),
        ({"region": ["DE"], "regions": "DE", "people": {"region": "DE"}}, set()),
        ({}, set()),
    ],
)
def test_regions_are_read_from_where_entries_say_them(
    facts: dict[str, Any], regions: set[str]
) -> None:
    assert regions_of({"facts": facts}) == regions


# Exports ----------------------------------------------------------------------------------------


def selections_of(leaves: list[dict[str, Any]], person: str) -> dict[str, Selection]:
    start, end = middle(leaves, 3), middle(leaves, 7)
    return {
        "by time": Selection(since=start, until=end),
        "from a time on": Selection(since=start),
        "up to a time": Selection(until=end),
        "before the log began": Selection(until=instant(leaves[0]["integrated_at"])),
        "a time that is still to come": Selection(since=end + timedelta(days=9)),
        "an hour in which nothing was": Selection(
            since=start + timedelta(minutes=5), until=start + timedelta(minutes=6)
        ),
        "by person": Selection(person=person),
        "by person and time": Selection(since=start, until=end, person=person),
        "by purpose": Selection(purpose=make.TRAINING),
        "by purpose and time": Selection(until=end, purpose=make.TRAINING),
        "by a purpose never asked for": Selection(purpose="never.asked"),
        "by kind": Selection(kinds=("access.decided", "consent.withdrawn")),
        "by region": Selection(region="US"),
        "by region, kind and time": Selection(
            since=start, kinds=("lease.changed",), region="US-NY"
        ),
        "by person and purpose": Selection(person=person, purpose=make.TRAINING),
        "by person and region": Selection(person=person, region="DE"),
    }


def test_a_filtered_export_holds_what_was_asked_for_and_proves_each_line(
    export: Export, filled: list[dict[str, Any]], database: Database, log: AuditService
) -> None:
    person = pseudonym(database, log, "E-3")
    for name, selection in selections_of(filled, person).items():
        with database.read() as tx:
            counted = ReadingService(log).count(tx, selection)
        done = export(selection)
        found = parts(done.path)
        lines = lines_of(found)
        assert found[archive.SELECTION] == selection.canonical, name
        assert done.entries == len(lines) == counted + 1, name
        assert gaps(selection, lines) == [], name
        wanted = [leaf["idx"] for leaf in filled if selection.matches(leaf)]
        held = [line["idx"] for line in lines[:-1] if line["kind"] != "log.exported"]
        assert [idx for idx in held if selection.matches(filled[idx])] == wanted, name
        assert len(held) - len(wanted) <= (2 if selection.sequence else 0), name
        for raw in found[archive.ENTRIES].split(b"\n")[:-1]:
            n, at = divmod(parse_canonical(raw)["idx"], TILE_WIDTH)
            [tile] = [data for path, data in found.items() if path.startswith(f"tile/0/{n:03d}")]
            assert cut(tile)[at] == leaf_hash(raw), name


def test_the_verifier_agrees(
    export: Export,
    filled: list[dict[str, Any]],
    database: Database,
    log: AuditService,
    integrator: Integrator,
) -> None:
    """Complete where it can be known; where it cannot, that is said."""
    for name, selection in selections_of(filled, pseudonym(database, log, "E-3")).items():
        report = verify(export(selection).path, integrator.vkey)
        assert report.integrity.ok, (name, report)
        assert report.completeness.ok is (None if selection.sequence is None else True), name


def test_a_missing_line_is_found_where_the_selection_is_a_stretch_of_a_sequence(
    export: Export, filled: list[dict[str, Any]], database: Database, log: AuditService
) -> None:
    """Each line but the anchor is left out once; by kind or region alone nobody could tell."""
    person = pseudonym(database, log, "E-3")
    chosen = selections_of(filled, person)
    proven = 0
    for name, selection in chosen.items():
        lines = lines_of(parts(export(selection).path))
        for place in range(len(lines) - 1):
            without = gaps(selection, lines[:place] + lines[place + 1 :])
            assert bool(without) == (selection.sequence is not None), (name, lines[place]["idx"])
            proven += bool(without)
    assert proven > 400


def test_an_export_is_not_the_answer_to_another_question(
    export: Export, filled: list[dict[str, Any]]
) -> None:
    """Whoever changes ``selection.json`` contradicts the entry about the export."""
    narrow, wide = Selection(since=middle(filled, 6)), Selection(since=middle(filled, 2))
    lines = lines_of(parts(export(narrow).path))
    assert gaps(narrow, lines) == []
    assert gaps(wide, lines) != []


def test_the_export_about_a_person_is_the_head_of_their_stream(
    export: Export, filled: list[dict[str, Any]], database: Database, log: AuditService
) -> None:
    person = pseudonym(database, log, "E-3")
    anchor = lines_of(parts(export(Selection(person=person), reason="Complaint 7").path))[-1]
    assert anchor["subjects"] == [person]
    assert anchor["facts"]["format"] == "tar"
    with database.read() as tx:
        assert ReadingService(log).body(tx, anchor["event"]) == {"reason": "Complaint 7"}
        assert anchor["commitment"] is not None
        entry = ReadingService(log).entry(tx, anchor["idx"])
    assert b"Complaint" not in entry.raw


def test_an_export_by_purpose_is_an_entry_with_that_purpose(export: Export) -> None:
    anchor = lines_of(parts(export(Selection(purpose=make.TRAINING)).path))[-1]
    assert anchor["purpose"] == make.TRAINING
    assert anchor["subjects"] == []


def test_somebody_erased_can_still_be_exported_up_to_their_erasure(
    export: Export, database: Database, log: AuditService, clock: FakeClock
) -> None:
    """Nobody stands behind the pseudonym any more, so the export itself cannot be about them."""
    person = pseudonym(database, log, "E-3")
    with database.write() as tx:
        erased = Event(Kind.SUBJECT_ERASED, SYSTEM, subjects=("E-3",))
        event_id = log.append(tx, erased, clock.now())
        erasure.add(tx, Erasure(person, None, None, event_id, 1, 0, clock.now()))
        erasure.destroy(tx, person)
    done = export(Selection(person=person))
    lines = lines_of(parts(done.path))
    assert [line["kind"] for line in lines[-2:]] == ["subject.erased", "log.exported"]
    assert lines[-1]["subjects"] == []
    assert gaps(Selection(person=person), lines) == []
    assert gaps(Selection(person=person), [*lines[:-2], lines[-1]]) != []


def test_nobody_is_exported_under_a_pseudonym_that_is_nobodys(
    export: Export, database: Database, log: AuditService
) -> None:
    with database.read() as tx:
        size, waiting = log.size(tx), log.pending(tx)
    with pytest.raises(InvalidInput) as caught:
        export(Selection(person="p_" + "0" * 32))
    assert [fault.field for fault in caught.value.faults] == ["person"]
    with database.read() as tx:
        assert (log.size(tx), log.pending(tx)) == (size, waiting)


def test_a_place_that_cannot_be_written_is_said_before_anything_is_recorded(
    database: Database,
    log: AuditService,
    integrator: Integrator,
    clock: FakeClock,
    tmp_path: Path,
    filled: list[dict[str, Any]],
) -> None:
    for target in (tmp_path, tmp_path / "nowhere" / "log.tar"):
        with pytest.raises(Unavailable, match="cannot be written"):
            export_log(
                database,
                log,
                integrator,
                target,
                actor=AUDITOR,
                now=clock.now(),
                documents=make.documents,
            )
    with database.read() as tx:
        assert (log.size(tx), log.pending(tx)) == (len(filled), 0)


def test_who_watches_sees_it_grow_and_may_end_it(export: Export, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    done = export(WHOLE, progress=lambda count, total: seen.append((count, total)))
    assert seen == sorted(seen)
    assert seen[-1][0] == seen[-1][1] == done.entries + 3  # two tiles of leaves, one above
    before = done.path.read_bytes()

    class Enough(Exception):
        pass

    def stop(_count: int, _total: int) -> None:
        raise Enough

    with pytest.raises(Enough):
        export(WHOLE, progress=stop)
    assert done.path.read_bytes() == before
    assert [path.name for path in tmp_path.glob("log.tar*")] == ["log.tar"]


# Pages ------------------------------------------------------------------------------------------


def test_a_search_by_region_and_time_finds_what_matches_page_by_page(
    database: Database, log: AuditService, filled: list[dict[str, Any]]
) -> None:
    start, end = middle(filled, 2), middle(filled, 8)
    person = pseudonym(database, log, "E-3")
    for wanted in (
        EntryFilter(region="US"),
        EntryFilter(region="US-NY", since=start),
        EntryFilter(since=start, until=end),
        EntryFilter(until=end, kind="access.decided"),
        EntryFilter(region="DE", subject=person),
        EntryFilter(region="DE", subject=person, since=start, until=end),
        EntryFilter(since=end + timedelta(days=1)),
    ):
        same = Selection(
            since=wanted.since,
            until=wanted.until,
            kinds=(wanted.kind,) if wanted.kind else (),
            person=wanted.subject,
            region=wanted.region,
        )
        expected = [leaf["idx"] for leaf in filled if same.matches(leaf)][::-1]
        found: list[int] = []
        with database.read() as tx:
            while page := ReadingService(log).search(
                tx,
                EntryFilter(**{**vars(wanted), "limit": 7, "before": found[-1] if found else None}),
            ):
                found += [entry.idx for entry in page]
            upward = ReadingService(log).search(
                tx, EntryFilter(**{**vars(wanted), "limit": 3, "after": 100})
            )
        assert found == expected, wanted
        nearest = [idx for idx in expected if idx > 100][-3:]
        assert [entry.idx for entry in upward] == nearest, wanted


def test_activity_and_refusals_are_counted_as_the_log_has_them(
    database: Database, log: AuditService, filled: list[dict[str, Any]], clock: FakeClock
) -> None:
    first = instant(filled[0]["integrated_at"]).replace(minute=0, second=0, microsecond=0)
    with database.read() as tx:
        buckets = ReadingService(log).activity(tx, first, first + timedelta(hours=12), 6)
        refused = ReadingService(log).refusals(tx, first)
        later = ReadingService(log).refusals(tx, first + timedelta(hours=8))
        with pytest.raises(ValueError, match="full hours"):
            ReadingService(log).activity(tx, first, first + timedelta(hours=1), 7)
        with pytest.raises(ValueError, match="full hours"):
            ReadingService(log).activity(
                tx, first + timedelta(minutes=1), first + timedelta(hours=1), 1
            )
    assert len(buckets) == 6
    assert sum(bucket.total for bucket in buckets) == len(filled)
    for bucket in buckets:
        within = Selection(since=bucket.since, until=bucket.until)
        decided = [one for one in filled if within.matches(one) and one["kind"][:6] == "access"]
        assert bucket.groups.get("access", 0) == len(decided)
    expected: dict[tuple[str, str], int] = {}
    for leaf in filled:
        if (why := refusal(leaf)) is not None:
            expected[leaf["kind"], why] = expected.get((leaf["kind"], why), 0) + 1
    assert refused == expected
    assert ("lease.changed", "consent.missing") in refused
    assert any(kind == "access.decided" for kind, _ in refused)
    assert list(refused.values()) == sorted(refused.values(), reverse=True)
    assert sum(later.values()) < sum(refused.values())


def test_regions_and_counts_of_older_entries_are_made_by_the_migration(
    database: Database, filled: list[dict[str, Any]]
) -> None:
    def rows() -> list[list[tuple[Any, ...]]]:
        with database.read() as tx:
            return [
                sorted(tuple(row) for row in tx.execute(select(table)))
                for table in (store.leaf_region, store.tally)
            ]

    live = rows()
    assert all(live)
    command.downgrade(alembic_config(database), "0010_erasure")
    command.upgrade(alembic_config(database), "head")
    assert rows() == live


def test_a_place_in_the_log_itself_is_the_index(filled: list[dict[str, Any]]) -> None:
    assert [place_in(INDEX, leaf) for leaf in filled[:3]] == [(0, None), (1, 0), (2, 1)]
    assert place_in("subject:p_" + "0" * 32, filled[0]) is None
