"""The log in words: every kind and every field has some, and they say no more than the leaf."""

from datetime import UTC, datetime

import pytest

from app.audit.checkpoint import Checkpoint
from app.audit.model import Entry, Kind
from app.web.auditor_rows import age_in_words, bars, entry_row, health, kind_choices, unknown_kinds
from app.web.log_search import Search
from app.web.log_words import FIELDS, KINDS, ROOMS, shortened

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


def test_every_kind_has_words_and_stands_in_the_form() -> None:
    assert unknown_kinds() == frozenset()
    assert {kind.value for kind in Kind} == KINDS.keys()
    offered = [kind for _, kinds in kind_choices() for kind, _ in kinds]
    assert sorted(offered) == sorted(KINDS)
    assert len(kind_choices()) == len(ROOMS)


def test_every_field_of_a_leaf_is_explained() -> None:
    assert FIELDS.keys() == _entry().leaf.keys()


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


def test_bars_start_at_zero_and_the_longest_fills_the_row() -> None:
    drawn = bars({"log.read": 50, "log.opened": 1, "lease.changed": 200, "policy.stopped": 0})
    assert [(bar.kind, bar.length) for bar in drawn] == [
        ("lease.changed", 100),
        ("log.read", 25),
        ("log.opened", 1),
    ]
    assert bars({}) == ()


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
    assert health(None, None, 2, NOW).size == 0
    grown = health(Checkpoint("origin", 8, b"\x01" * 32), _entry(), 0, NOW)
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
    search = Search(kind="log.read", person=PERSON, side="by", before="40")
    assert search.faults() == ()
    assert search.query(12) == f"kind=log.read&person={PERSON}&side=by&before=12"
    assert search.query() == f"kind=log.read&person={PERSON}&side=by"
    wanted = search.wanted(50)
    assert (wanted.actor, wanted.subject, wanted.before) == (f"person:{PERSON}", None, 40)
    assert Search(person=PERSON).wanted(50).subject == PERSON
    assert Search().query() == ""


def test_what_is_no_pseudonym_and_no_index_is_named() -> None:
    faults = Search(person="Eve", before="soon").faults()
    assert [fault.field for fault in faults] == ["person", "before"]
