"""Which entries a selection takes, field by field."""

from datetime import timedelta
from typing import Any

import pytest

from app.audit.reading.selection import INDEX, Selection, place_in, read_selection
from app.kernel.clock import instant
from app.kernel.errors import InvalidInput

ALICE, BOB = "p_" + "a" * 32, "p_" + "b" * 32
NOON = instant("2026-11-16T12:00:00.000000Z")
SECOND = timedelta(seconds=1)
TRAINING = "ai_training.computer_use"

LEAF: dict[str, Any] = {
    "idx": 7,
    "kind": "access.decided",
    "actor": {"kind": "person", "id": BOB},
    "subjects": [ALICE],
    "purpose": TRAINING,
    "integrated_at": "2026-11-16T12:00:00.000000Z",
    "facts": {"region": "US-NY"},
    "streams": {f"subject:{ALICE}": [3, 5]},
}

TAKEN = {
    "everything": (Selection(), True),
    "from its very instant": (Selection(since=NOON), True),
    "from a moment later": (Selection(since=NOON + SECOND), False),
    "until its very instant": (Selection(until=NOON), False),
    "until a moment later": (Selection(until=NOON + SECOND), True),
    "its kind": (Selection(kinds=("access.decided", "access.used")), True),
    "another kind": (Selection(kinds=("access.used",)), False),
    "the person it is about": (Selection(person=ALICE), True),
    "the person who acted": (Selection(person=BOB), False),
    "its purpose": (Selection(purpose=TRAINING), True),
    "another purpose": (Selection(purpose="audit.compliance"), False),
    "its region": (Selection(region="US-NY"), True),
    "the region above": (Selection(region="US"), True),
    "a region next to it": (Selection(region="US-CA"), False),
    "its person and another purpose": (Selection(person=ALICE, purpose="x"), False),
}


@pytest.mark.parametrize("case", TAKEN)
def test_a_selection_takes(case: str) -> None:
    selection, expected = TAKEN[case]
    assert selection.matches(LEAF) is expected


def test_an_entry_without_a_purpose_is_in_no_selection_by_purpose() -> None:
    assert not Selection(purpose=TRAINING).matches({**LEAF, "purpose": None})


SEQUENCES = {
    "everything": (Selection(), INDEX),
    "a time": (Selection(since=NOON), INDEX),
    "a person": (Selection(person=ALICE), f"subject:{ALICE}"),
    "a purpose": (Selection(purpose=TRAINING), f"purpose:{TRAINING}"),
    "a person and a purpose": (Selection(person=ALICE, purpose=TRAINING), None),
    "a kind": (Selection(kinds=("access.used",)), None),
    "a region": (Selection(region="DE"), None),
    "a person in a region": (Selection(person=ALICE, region="DE"), None),
}


@pytest.mark.parametrize("case", SEQUENCES)
def test_whether_completeness_can_be_shown_for(case: str) -> None:
    selection, sequence = SEQUENCES[case]
    assert selection.sequence == sequence


@pytest.mark.parametrize("until", ["2026-11-16", "2026-11-15"])
def test_a_selection_ends_after_it_begins(until: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be used"):
        read_selection(since="2026-11-16", until=until)


def test_a_place_is_a_number_and_the_index_before() -> None:
    assert place_in(INDEX, LEAF) == (7, 6)
    assert place_in(INDEX, {**LEAF, "idx": 0}) == (0, None)
    assert place_in(f"subject:{ALICE}", LEAF) == (3, 5)
    assert place_in(f"subject:{BOB}", LEAF) is None
