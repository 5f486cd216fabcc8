"""The log in words: every kind and every field has some, and they say no more than the leaf."""

from datetime import UTC, datetime, timedelta

import pytest

from app.access.decision.model import AccessReason
from app.access.floor.terms import ALLOWED
from app.audit.entries.model import Entry, Kind
from app.audit.reading.search import KIND_GROUPS, OUTCOMES, SIDES, Search, group_of, kinds_of
from app.audit.reading.selection import Selection
from app.audit.reading.service import ReadingService
from app.audit.reading.shown import LogSummary
from app.audit.tree.checkpoint import Checkpoint
from app.kernel.vocabulary import Reason
from app.web.auditor.rows import entry as entry_rows
from app.web.auditor.rows import search as search_words
from app.web.auditor.rows.listing import (
    age_in_words,
    chips,
    entry_row,
    health,
    kind_choices,
    purpose_choices,
    region_choices,
)
from app.web.auditor.rows.search import query
from app.web.words import log_words
from app.web.words.log_facts import FACTS
from app.web.words.log_reasons import REASONS, reason_in_words
from app.web.words.log_words import FIELDS, GROUPS, KINDS, shortened
from app.wiring import Services

NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
PERSON, OTHER = "p_" + "a" * 32, "p_" + "b" * 32


def _entry(**changes: object) -> Entry:
    leaf = {
        "v": 1,
        "idx": 7,
        "event": "e",
        "kind": "access.decided",
        "occurred_at": "2026-11-16T08:00:00.000000Z",
        "integrated_at": "2026-11-16T08:00:01.000000Z",
        "actor": {"kind": "consumer", "id": "training-pipeline"},
        "subjects": [PERSON],
        "purpose": "hr.scoring",
        "facts": {"outcome": "deny"},
        "commitment": None,
        "submission": "sha256:0",
        "streams": {},
        **changes,
    }
    return Entry(7, b"", leaf, b"")


def test_every_kind_has_words_and_is_in_the_form_once() -> None:
    assert {kind.value for kind in Kind} == KINDS.keys()
    offered = [kind for choice in kind_choices() for kind, _ in choice.kinds]
    assert sorted(offered) == sorted(KINDS)
    assert [choice.group for choice in kind_choices()] == list(GROUPS)


def test_every_first_part_of_a_kind_belongs_to_exactly_one_group() -> None:
    parts = [part for group in KIND_GROUPS.values() for part in group]
    assert sorted(parts) == sorted({kind.partition(".")[0] for kind in KINDS})
    assert group_of("something.new") == "log"
    assert [bool(kinds_of(group)) for group in KIND_GROUPS] == [True] * len(GROUPS)


def test_whatever_a_search_can_ask_for_has_words() -> None:
    assert KIND_GROUPS.keys() == GROUPS.keys()
    assert set(OUTCOMES) == log_words.OUTCOMES.keys()
    assert set(SIDES) == search_words.SIDES.keys()


def test_every_field_of_a_leaf_is_explained() -> None:
    assert FIELDS.keys() == _entry().leaf.keys()


def test_every_reason_of_a_refusal_has_words() -> None:
    assert {*(one.value for one in AccessReason), *(one.value for one in Reason)} == REASONS.keys()
    assert reason_in_words("made_up_later") == "made_up_later"


def test_every_fact_of_the_sample_log_has_a_meaning(sample: Services) -> None:
    with sample.database.read() as tx:
        leaves = [
            ReadingService(sample.log).entry(tx, idx).leaf for idx in range(sample.log.size(tx))
        ]
    assert {name for leaf in leaves for name in leaf["facts"]} <= FACTS.keys()


def test_a_refused_question_says_who_about_whom_for_what_and_that_it_was_refused() -> None:
    row = entry_row(_entry())
    assert (row.words, row.outcome_words, row.purpose) == (
        "Access decided",
        "Refused",
        "hr.scoring",
    )
    assert (row.actor.word, row.actor.id, row.about) == (
        "Consumer",
        "training-pipeline",
        (PERSON,),
    )


def test_somebody_who_acts_about_themselves_is_named_once() -> None:
    row = entry_row(
        _entry(actor={"kind": "person", "id": PERSON}, subjects=[PERSON, OTHER], purpose=None)
    )
    assert row.about == (OTHER,)
    assert row.actor.pseudonym
    assert row.purpose == ""


def test_a_lease_says_whether_capture_is_on() -> None:
    assert entry_row(_entry(facts={"capture": "off"})).outcome_words == "Capture off"
    assert entry_row(_entry(facts={})).outcome_words == ""


def test_purposes_that_were_asked_for_and_are_not_allowed_are_listed_apart() -> None:
    choices = purpose_choices(["hr.scoring", "ai_training.evaluation", "legal.order"])
    assert set(choices.allowed) == ALLOWED | {"legal.order"}
    assert choices.refused == ("hr.scoring",)


def test_a_region_without_rules_that_is_asked_for_stays_in_the_list() -> None:
    assert region_choices((), "XK") == (("XK", "XK"),)
    assert region_choices(()) == ()


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-3, "just now"),
        (0.4, "just now"),
        (5, "5 seconds ago"),
        (60, "1 minute ago"),
        (7_300, "2 hours ago"),
        (200_000, "2 days ago"),
    ],
)
def test_ages_are_said_in_one_unit(seconds: float, said: str) -> None:
    assert age_in_words(seconds) == said


def test_the_health_of_an_empty_and_of_a_grown_log() -> None:
    assert health(LogSummary(None, None, 2), NOW).size == 0
    checkpoint = Checkpoint("origin", 8, b"\x01" * 32)
    grown = health(LogSummary(checkpoint, NOW - timedelta(minutes=59), 0), NOW)
    assert (grown.size, grown.age, grown.pending) == (8, "59 minutes ago", 0)


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("sha256:" + "0123456789abcdef" * 4, "sha256:012345…cdef"),
        (PERSON, "p_aaaaaa…aaaa"),
        ("short", "short"),
        ("0123456789abcdef", "012345…cdef"),
    ],
)
def test_names_are_shortened_in_the_middle(name: str, short: str) -> None:
    assert shortened(name) == short


def test_a_search_survives_the_turn_of_a_page() -> None:
    search = Search(kind="log.read", person=PERSON, side="by", before="40", since="2026-11-01")
    assert search.faults() == ()
    asked = f"kind=log.read&person={PERSON}&side=by&since=2026-11-01"
    assert query(search, before=12) == f"{asked}&before=12"
    assert query(search, after=90) == f"{asked}&after=90"
    assert query(search) == asked
    wanted = search.wanted(50)
    assert (wanted.actor, wanted.subject, wanted.before) == (f"person:{PERSON}", None, 40)
    assert Search(person=PERSON).wanted(50).subject == PERSON
    assert query(Search()) == ""


def test_both_days_of_a_search_belong_to_it() -> None:
    wanted = Search(since="2026-11-01", until="2026-11-01").wanted(50)
    assert wanted.since == datetime(2026, 11, 1, tzinfo=UTC)
    assert wanted.until == wanted.since + timedelta(days=1)
    assert Search(until="9999-12-31").wanted(50).until is None


def test_a_group_of_kinds_is_looked_for_as_its_kinds() -> None:
    wanted = Search(kind="consent").wanted(50)
    assert wanted.kind is None
    assert set(wanted.kinds) == {kind for kind in KINDS if kind.startswith(("consent.", "notice."))}


def test_an_export_of_a_search_chooses_the_same_entries() -> None:
    search = Search(
        kind="access.decided", person=PERSON, purpose="hr", region="DE", since="2026-11-01"
    )
    assert search.selection() == Selection(
        since=datetime(2026, 11, 1, tzinfo=UTC),
        kinds=("access.decided",),
        person=PERSON,
        purpose="hr",
        region="DE",
    )
    assert Search().selection().is_whole
    assert Search(kind="policy").selection().kinds == tuple(sorted(kinds_of("policy")))


@pytest.mark.parametrize(
    ("search", "field"),
    [
        (Search(person="Eve"), "person"),
        (Search(before="soon"), "before"),
        (Search(after="-1"), "after"),
        (Search(since="yesterday"), "since"),
        (Search(until="2026-02-30"), "until"),
        (Search(since="2026-11-02", until="2026-11-01"), "until"),
        (Search(region="Germany"), "region"),
        (Search(kind="log"), None),
        (Search(region="US-CA"), None),
        (Search(region="GLOBAL"), None),
    ],
)
def test_what_cannot_be_looked_for_is_named(search: Search, field: str | None) -> None:
    assert [fault.field for fault in search.faults()] == ([field] if field else [])


def test_each_part_of_a_search_can_be_taken_away_alone() -> None:
    search = Search(kind="access", person=PERSON, outcome="deny", before="9")
    assert [(chip.value, chip.without) for chip in chips(search)] == [
        ("Access to captured data", f"person={PERSON}&outcome=deny"),
        (shortened(PERSON), "kind=access&outcome=deny"),
        ("Refused", f"kind=access&person={PERSON}"),
    ]
    assert chips(Search()) == ()
    assert not Search(before="9").narrowed
    assert Search(region="DE").narrowed


def test_the_facts_of_an_entry_are_shown_one_by_one_with_their_meaning() -> None:
    shown = {field.name: field for field in entry_rows.fields(_entry().leaf)}
    assert [(fact.name, fact.value) for fact in shown["facts"].facts] == [("outcome", "deny")]
    assert shown["facts"].facts[0].meaning == FACTS["outcome"]
    assert entry_rows.facts({"new": [1, 2]})[0] == entry_rows.Field("new", "[1, 2]", "")
    empty = {field.name: field for field in entry_rows.fields(_entry(facts={}).leaf)}
    assert empty["facts"].value == "{}"


def test_an_entry_names_the_one_before_and_the_next_of_each_stream() -> None:
    leaf = _entry(
        streams={
            f"subject:{PERSON}": [3, 5],
            "actor:consumer:training-pipeline": [1, None],
            "purpose:hr.scoring": [2, 4],
            f"actor:person:{OTHER}": [1, None],
        }
    ).leaf
    about, consumer, purpose, by = entry_rows.streams(leaf, {f"subject:{PERSON}": 9})
    assert (about.words, about.number, about.before, about.after) == ("About", 3, 5, 9)
    assert (consumer.words, consumer.before, consumer.query) == ("By consumer", None, "")
    assert (purpose.words, purpose.after, purpose.query) == (
        "Asked for",
        None,
        "purpose=hr.scoring",
    )
    assert (by.words, by.query) == ("By", f"person={OTHER}&side=by")
