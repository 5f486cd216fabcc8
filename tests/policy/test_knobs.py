"""The registry of knobs: what derives from a row, and what is missing when a knob is new."""

from collections.abc import Iterable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from app.event.recognition import MATCHED
from app.event.rules import JUDGED
from app.kernel.forms import FIRST_FORM
from app.kernel.vocabulary import Mode
from app.policy.catalogue.matchers import MATCHERS
from app.policy.catalogue.model import Matchers
from app.policy.knob_row import AgentPart, Applied, Judged, Knob
from app.policy.knob_shapes import (
    ApprovalStatus,
    Modes,
    NameSet,
    NameSource,
    Number,
    OwnExclusions,
    Week,
    least,
    most,
    shared,
    united,
)
from app.policy.knobs import LATER_REDACTORS, REGISTRY, mode_of, retention_of
from app.web.words.policy_words import KNOBS
from tests.policy.layers import PLACES

DOCS = (Path(__file__).parents[2] / "docs" / "knobs.md").read_text(encoding="utf-8").splitlines()
ROWS = (*REGISTRY.knobs, mode_of("*"), retention_of("*"))

_MEETS = {
    least: "the smallest",
    most: "the largest",
    shared: "what all share",
    united: "all together",
}


def described(row: Knob[Any]) -> str:
    """The part of a line of docs/knobs.md that follows from the row; its meaning comes after it."""
    agents = "with the signal" if "." in row.name else "not told"
    if row.agent is not None:
        governed = "every signal" if row.agent.governs is None else ", ".join(row.agent.governs)
        agents = f"since form {row.since}; older: {governed}"
    cells = [f"`{row.name}`", _values(row), _MEETS[row.meet], _unnamed(row), agents]
    return f"| {' | '.join(cells)} |"


def _values(row: Knob[Any]) -> str:
    match row.shape:
        case Number(lowest, highest, unit):
            return f"{lowest} to {highest} ({unit})"
        case Modes():
            return "`deny` < `redact` < `allow`"
        case Week():
            return "hours of each day, `08-18`"
        case NameSet(known=NameSource() as source):
            return f"names: {source}"
        case NameSet(known=known):
            return ", ".join(f"`{name}`" for name in known)
        case ApprovalStatus() | OwnExclusions() as shape:
            own = isinstance(shape, OwnExclusions)
            return "places with examples" if own else "`approved`, `blocked`, `draft`"


def _unnamed(row: Knob[Any]) -> str:
    written = row.readable(row.unnamed)
    if written is None:
        return "no limit"
    return "none" if written == [] else str(written)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_knob_has_a_name_for_people_and_a_line_in_the_docs(row: Knob[Any]) -> None:
    missing = []
    if row in REGISTRY.knobs and row.name not in KNOBS:
        missing.append(f"app/web/words/policy_words.py: KNOBS has no name for {row.name}")
    if not any(line.startswith(described(row)) for line in DOCS):
        missing.append(f"docs/knobs.md has no line that begins with: {described(row)}")
    assert not missing, "\n".join(missing)


def test_words_and_docs_name_no_knob_that_there_is_not() -> None:
    lines = {line.split("`")[1] for line in DOCS if line.startswith("| `")}
    assert KNOBS.keys() <= {row.name for row in REGISTRY.knobs}
    assert lines <= {row.name for row in ROWS}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_knob_of_a_later_form_says_what_it_governs(row: Knob[Any]) -> None:
    """Else an agent of an older form would be given nothing stricter in its place."""
    assert FIRST_FORM <= row.since <= REGISTRY.newest
    if row.agent is not None and row.agent.governs is not None:
        assert row.agent.governs
        assert row.agent.governs <= set(REGISTRY.signals)


@pytest.mark.parametrize(
    ("row", "value", "limits"),
    [
        (mode_of("click"), Mode.ALLOW, False),
        (mode_of("click"), Mode.REDACT, True),
        (Knob("n", Number(0, 9, "pixel"), most, 0), 0, False),
        (Knob("n", Number(0, 9, "pixel"), most, 0), 1, True),
        (Knob[int | None]("n", Number(0, 9, "pixel"), least, None), None, False),
        (Knob[int | None]("n", Number(0, 9, "pixel"), least, None), 0, True),
        (Knob("s", NameSet("name", NameSource.ANY), united, frozenset()), frozenset(), False),
        (Knob("s", NameSet("name", NameSource.ANY), united, frozenset()), frozenset("a"), True),
        (Knob("s", NameSet("name", NameSource.ANY), shared, frozenset()), frozenset(), True),
        (Knob("t", NameSet("tenant", NameSource.TENANTS), shared, frozenset()), frozenset(), False),
        (
            Knob("t", NameSet("tenant", NameSource.TENANTS), shared, frozenset()),
            frozenset("a"),
            True,
        ),
        (Knob("o", OwnExclusions(), united, frozenset()), frozenset(), False),
        (Knob("o", OwnExclusions(), united, frozenset()), frozenset(PLACES), True),
        (Knob("h", Week(), shared, None), None, False),
        (Knob("h", Week(), shared, None), frozenset(range(168)), True),
    ],
)
def test_a_value_limits_an_agent_or_asks_nothing_of_it(
    row: Knob[Any], value: Any, limits: bool
) -> None:
    assert row.limits(value) is limits


@pytest.mark.parametrize("row", REGISTRY.in_files.values(), ids=lambda row: row.name)
def test_what_agents_are_told_of_any_value_passes_their_own_check(row: Knob[Any]) -> None:
    if isinstance(row.shape, NameSet) and row.shape.described:
        row.shape.check([{"id": "x"}])
        with pytest.raises(ValueError, match="not a value"):
            row.shape.check(["x"])
    else:
        row.shape.check(row.readable(row.unnamed))
    for wrong in (1.5, {"a": 1}, "everything", True):
        with pytest.raises((ValueError, KeyError, AttributeError)):
            row.shape.check(wrong)


def told_where_nobody_names_it(rows: Iterable[Knob[Any]]) -> list[str]:
    """Knobs of a later form that would limit older agents where nobody names them."""
    later = (row for row in rows if row.agent is not None and row.since > FIRST_FORM)
    return [row.name for row in later if row.limits(row.unnamed)]


def test_a_knob_of_a_later_form_limits_nothing_where_nobody_names_it() -> None:
    """Else the signals that it governs would be denied to every older agent by an update."""
    assert told_where_nobody_names_it(REGISTRY.knobs) == []
    strict = Knob("strict", Number(0, 9, "pixel"), least, 9, AgentPart(Applied()), since=2)
    assert told_where_nobody_names_it([strict, replace(strict, name="open", unnamed=None)]) == [
        "strict"
    ]


def test_the_guard_has_code_for_every_knob_that_it_judges_by_itself() -> None:
    judged = {row.name for row in REGISTRY.knobs if isinstance(row.use, Judged)}
    assert judged == JUDGED, "app/event/rules.py has not the knobs that are judged"


def test_every_matcher_has_code_and_a_field_of_the_catalogue() -> None:
    names = {row.name for row in MATCHERS}
    assert names == MATCHED, "app/event/recognition.py"
    assert names == {field.name for field in fields(Matchers)}, "app/policy/catalogue/model.py"


def test_the_names_that_came_later_are_names_of_their_set() -> None:
    shapes = [row.shape for row in REGISTRY.knobs if isinstance(row.shape, NameSet)]
    for shape in shapes:
        later = {name for name, _ in shape.later}
        assert not later or later <= set(shape.known)
        assert all(form > FIRST_FORM for _, form in shape.later)


def test_a_later_redactor_is_named_in_the_docs_with_its_form() -> None:
    page = "\n".join(DOCS)
    missing = [name for name, form in LATER_REDACTORS if f"`{name}` since form {form}" not in page]
    assert not missing, f"docs/knobs.md does not say since which form: {missing}"


def test_a_knob_is_equal_to_itself_and_to_no_other() -> None:
    assert len(set(REGISTRY.rows.values())) == len(REGISTRY.rows)
    assert replace(ROWS[0], name="other") not in REGISTRY.knobs
