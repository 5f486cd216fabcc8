"""Notices are read strictly, and the shipped ones say what every shipped region asks for."""

from pathlib import Path

import pytest
import yaml

from app.consent.offers import Notice
from app.consent.packs import MAX_BYTES, load_notices, read_notice
from app.kernel.canonical import digest
from app.kernel.errors import Unreadable

POLICIES = Path(__file__).resolve().parents[2] / "policies"

TEXT = """---
id: capture
version: 3
language: en
title: A notice
content: [purposes, rights]
---

# Read this
"""


def write(folder: Path, language: str, text: str = TEXT) -> None:
    file = folder / "capture" / f"{language}.md"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text.replace("language: en", f"language: {language}"), encoding="utf-8")


def test_a_notice_is_its_front_matter_its_text_and_the_digest_of_its_bytes() -> None:
    assert read_notice(TEXT.encode(), "en.md") == Notice(
        id="capture",
        version=3,
        language="en",
        title="A notice",
        markdown="# Read this\n",
        digest=digest(TEXT.encode()),
        content=("purposes", "rights"),
        source=TEXT.encode(),
    )


WRONG = {
    "a place for which nothing is put in": (
        TEXT.replace("Read this", "Read {tihs}"),
        "{tihs}: nothing is put in for this",
    ),
    "an unknown key": (TEXT.replace("title:", "titel:"), "line 5, key titel: unknown key"),
    "a key twice": (TEXT.replace("title:", "id:"), "line 5, key id: the key stands twice"),
    "a missing key": (TEXT.replace("title: A notice\n", ""), "key title: missing"),
    "a version in words": (TEXT.replace("3", "three"), "key version: bad value 'three'"),
    "a version that is yes": (TEXT.replace("3", "true"), "key version: bad value True"),
    "version zero": (TEXT.replace("3", "0"), "key version: bad value 0"),
    "a language that YAML takes for no": (
        TEXT.replace("language: en", "language: no"),
        "key language: bad value False",
    ),
    "a language with its country": (TEXT.replace(": en", ": en-GB"), "key language: bad value"),
    "an empty title": (TEXT.replace("A notice", "''"), "key title: bad value ''"),
    "content twice": (TEXT.replace("rights", "purposes"), "key content: bad value"),
    "no content": (TEXT.replace("[purposes, rights]", "[]"), "key content: bad value []"),
    "an id that climbs folders": (TEXT.replace("capture", "../x"), "key id: bad value"),
    "broken YAML": (TEXT.replace("[purposes", "[[purposes"), "line 6"),
    "a list for front matter": ("---\n- a\n---\nText\n", "no mapping"),
    "empty front matter": ("---\n---\nText\n", "no mapping"),
    "no front matter": ("# Read this\n", "line 1: no front matter"),
    "no end of the front matter": ("---\nid: capture\n", "line 1: no front matter"),
    "no text": (TEXT.replace("# Read this\n", ""), "no text after"),
    "a YAML object": (TEXT.replace("A notice", "!!python/name:os.system"), "line 5"),
}


@pytest.mark.parametrize(("text", "problem"), WRONG.values(), ids=WRONG.keys())
def test_a_file_is_refused_with(text: str, problem: str) -> None:
    with pytest.raises(Unreadable) as refused:
        read_notice(text.encode(), "en.md")
    assert problem in str(refused.value)
    assert "en.md" in refused.value.faults[0].field
    assert refused.value.faults[0].cure


@pytest.mark.parametrize("data", [b"\xff" + TEXT.encode(), b"x" * (MAX_BYTES + 1)])
def test_bytes_that_are_no_text_are_refused(data: bytes) -> None:
    with pytest.raises(Unreadable):
        read_notice(data, "en.md")


def test_all_languages_of_a_notice_are_read(tmp_path: Path) -> None:
    write(tmp_path, "en")
    write(tmp_path, "de", TEXT.replace("[purposes, rights]", "[rights, purposes]"))
    assert [notice.language for notice in load_notices(tmp_path)] == ["de", "en"]


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [("version: 3", "version: 4", "version"), ("[purposes, rights]", "[purposes]", "content")],
)
def test_languages_may_differ_in_words_only(tmp_path: Path, old: str, new: str, key: str) -> None:
    write(tmp_path, "de")
    write(tmp_path, "en", TEXT.replace(old, new))
    with pytest.raises(
        Unreadable, match=rf"capture/en\.md, key {key}: differs from capture/de\.md"
    ):
        load_notices(tmp_path)


def test_a_file_must_be_named_after_what_it_says(tmp_path: Path) -> None:
    write(tmp_path, "en")
    (tmp_path / "capture" / "en.md").rename(tmp_path / "capture" / "fr.md")
    with pytest.raises(
        Unreadable, match=r"capture/fr\.md: the file says id capture and language en"
    ):
        load_notices(tmp_path)


def test_without_a_folder_there_is_no_notice(tmp_path: Path) -> None:
    assert load_notices(tmp_path / "nowhere") == ()


def test_the_shipped_notice_covers_what_every_shipped_region_asks_for() -> None:
    required = {
        item
        for file in (POLICIES / "regions").glob("*.yaml")
        for item in yaml.safe_load(file.read_text(encoding="utf-8"))["knobs"]
        .get("notice_content", {})
        .get("value", [])
    }
    notices = load_notices(POLICIES / "notices")
    assert {notice.language for notice in notices} == {"de", "en"}
    assert required
    for notice in notices:
        assert required - set(notice.content) == set()


PROMISES = {
    "en": (
        "Never to evaluate you",
        "withdraw at any time",
        "{controller}",
        "{never}",
        "without any disadv",
    ),
    "de": (
        "Nie, um Sie zu bewerten",
        "jederzeit mit einem Klick",
        "{controller}",
        "{never}",
        "ohne jeden",
    ),
}


@pytest.mark.parametrize("language", PROMISES)
def test_the_shipped_notice_promises_what_the_product_keeps(language: str) -> None:
    (notice,) = (n for n in load_notices(POLICIES / "notices") if n.language == language)
    for promise in PROMISES[language]:
        assert promise in notice.markdown
    assert len(notice.markdown.split()) < 500, "short enough to be read"
