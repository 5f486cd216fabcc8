"""A byte order mark is taken where a file begins, and nowhere else: no reader sees it on the page.

A pattern or a name that holds one fits nothing; at the start of a line it would be left out.
"""

import pytest

from app.kernel.errors import Unreadable
from app.policy.law.packs import PolicyTexts

MARK = "\ufeff"
PLAIN = "region: DE\nname: Sample\nknobs:\n  apps: {value: [github,\ngitlab]}  # ours\n"

INSIDE = {
    "in a key": ("name:", f"na{MARK}me:", "line 2, column 3"),
    "before a key": ("name:", f"{MARK}name:", "line 2, column 1"),
    "in a name": ("Sample", f"Sam{MARK}ple", "line 2, column 10"),
    "after an identifier": ("DE", f"DE{MARK}", "line 1, column 11"),
    "at the start of a line, where YAML leaves it out": ("gitlab", f"{MARK}gitlab", "line 5"),
    "in quotes": ("Sample", f'"Sam{MARK}ple"', "line 2, column 11"),
    "in a comment": ("ours", f"ours{MARK}", "line 5, column 17"),
    "at the end": ("ours\n", f"ours\n{MARK}", "line 6, column 1"),
}


def read(texts: PolicyTexts, text: str) -> str | None:
    """The name that a text gives the policy, or where the first fault is."""
    try:
        return texts.read_company_policy(text, "DE").name
    except Unreadable as error:
        return error.faults[0].problem


def test_a_file_may_begin_with_it(texts: PolicyTexts) -> None:
    assert read(texts, PLAIN) == read(texts, MARK + PLAIN) == "Sample"


@pytest.mark.parametrize("marks", [2, 3])
def test_it_begins_a_file_once(texts: PolicyTexts, marks: int) -> None:
    assert str(read(texts, MARK * marks + PLAIN)).startswith("line 1, column 2: a byte order mark")


@pytest.mark.parametrize(("old", "new", "place"), INSIDE.values(), ids=INSIDE)
def test_inside_it_is_named_with_its_place(
    texts: PolicyTexts, old: str, new: str, place: str
) -> None:
    assert PLAIN.count(old) == 1
    problem = str(read(texts, PLAIN.replace(old, new)))
    assert problem.startswith(place)
    assert "a byte order mark (U+FEFF)" in problem


def test_a_text_in_quotes_can_name_it(texts: PolicyTexts) -> None:
    """What stands there is then seen."""
    assert read(texts, PLAIN.replace("Sample", r'"Sam\uFEFFple"')) == f"Sam{MARK}ple"
