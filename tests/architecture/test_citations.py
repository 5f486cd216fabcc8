"""What the code cites is in the repository: every path, every section of a page, every law."""

import re
from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
READ = (".py", ".md", ".yaml", ".csv", ".toml", ".html", ".css", ".js")
ELSEWHERE = re.compile(r"\b(DESIGN|THREATS|STYLE|SPEED|OPS|AUTHZEN|PAGES|LAW)(\.md)? ?(§|row|\d)")
MADE_UP = {"test_citations.py", "test_mutants.py"}
"""Tests whose examples name what is not there."""
PATH = re.compile(
    r"\b(?:app|tests|docs|policies|migrations|bench)/[\w/.-]+\.(?:py|md|yaml|svg|csv)\b"
)
SECTION = re.compile(r"docs/(\w[\w-]*\.md), ([A-Z][\w ]+?)(?=[).:;,\n]| \()")


def texts() -> Iterator[tuple[Path, str]]:
    """Every text of the repository that people write."""
    for folder in ("app", "tests", "docs", "policies", "migrations", "bench"):
        for path in (CHECKOUT / folder).rglob("*"):
            made_up = path.name in MADE_UP or "tries" in path.parts
            if path.suffix in READ and not made_up:
                yield path, path.read_text(encoding="utf-8")
    for name in ("README.md", "CONTRIBUTING.md", "pyproject.toml"):
        yield CHECKOUT / name, (CHECKOUT / name).read_text(encoding="utf-8")


def test_nothing_is_cited_that_only_its_writer_can_read() -> None:
    wrong = [f"{path}: {found[0]}" for path, text in texts() if (found := ELSEWHERE.search(text))]
    assert wrong == []


def test_every_path_that_is_named_exists() -> None:
    named = {(path, found) for path, text in texts() for found in PATH.findall(text)}
    assert len(named) > 100
    missing = sorted(f"{path}: {found}" for path, found in named if not (CHECKOUT / found).exists())
    assert missing == []


def test_every_section_that_is_named_is_a_heading_of_that_page() -> None:
    seen = 0
    for path, text in texts():
        for page, section in SECTION.findall(" ".join(text.split())):
            headings = re.findall(
                r"^#+ (.+)$", (CHECKOUT / "docs" / page).read_text(), re.MULTILINE
            )
            assert section in headings, f"{path}: docs/{page} has no section {section}"
            seen += 1
    assert seen > 5


def test_every_law_that_is_cited_is_one_of_the_eight() -> None:
    page = (CHECKOUT / "docs" / "architecture.md").read_text(encoding="utf-8")
    laws = {
        int(number)
        for number in re.findall(r"^(\d)\. \*\*", page.split("## Walks")[0], re.MULTILINE)
    }
    assert laws == set(range(1, 9))
    cited = {int(n) for _, text in texts() for n in re.findall(r"\(laws? (\d)", text)}
    assert cited
    assert cited <= laws
