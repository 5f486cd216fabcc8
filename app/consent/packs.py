"""Notices: the texts that people read before they decide, one file per language.

``policies/notices/<id>/<language>.md``: front matter between two ``---`` lines, then the text.
Rules: unknown, missing and doubled keys are errors with their line; so is a ``{name}`` for which
nothing would be put in. All languages of a notice have the same id, version and content items; the
digest is that of the file's bytes, so no text can change without a new name.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from app.consent.offers import Notice
from app.kernel.canonical import digest
from app.kernel.errors import Fault, Unreadable
from app.kernel.shapes import KEY, LANGUAGE, fits

MAX_BYTES = 100_000

CONTROLLER = "{controller}"
"""Stands for the name of the person's employer."""
NEVER = "{never}"
"""Stands for a sentence that names what is never recorded under the offer that is shown."""

_KEYS = ("id", "version", "language", "title", "content")
_PUT_IN = re.compile(r"\{[^{}\n]*\}")


def load_notices(folder: Path) -> tuple[Notice, ...]:
    """Read every notice of a folder, sorted by id and language; none if there is no such folder.

    Raises:
        Unreadable: a file is no notice, or two languages of one notice differ in more than words.
    """
    notices = []
    for file in sorted(folder.glob("*/*.md")):
        notice = read_notice(file.read_bytes(), str(file.relative_to(folder)))
        if (file.parent.name, file.stem) != (notice.id, notice.language):
            raise _unreadable(
                str(file.relative_to(folder)),
                f"the file says id {notice.id} and language {notice.language}",
                "Name it <id>/<language>.md after what it says.",
            )
        notices.append(notice)
    _require_same_content(notices)
    return tuple(notices)


def read_notice(data: bytes, name: str) -> Notice:
    """Read one notice.

    Args:
        data: the file's bytes; their digest names the text.
        name: the file's name, for faults.

    Raises:
        Unreadable: the bytes are not a notice; the fault names the line.
    """
    if len(data) > MAX_BYTES:
        raise _unreadable(name, f"more than {MAX_BYTES} bytes", "Shorten the text.")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _unreadable(name, f"not UTF-8 at byte {error.start}", "Save it as UTF-8.") from error
    head, body = _split(text, name)
    fields = _front_matter(head, name)
    _require_known(body, name)
    return Notice(
        id=fields["id"],
        version=fields["version"],
        language=fields["language"],
        title=fields["title"],
        markdown=body,
        digest=digest(data),
        content=tuple(fields["content"]),
        source=data,
    )


def _split(text: str, name: str) -> tuple[str, str]:
    lines = text.split("\n")
    if lines[0] != "---" or "---" not in lines[1:]:
        raise _unreadable(
            f"{name}, line 1", "no front matter", "Begin with it, between two lines of '---'."
        )
    end = lines.index("---", 1)
    body = "\n".join(lines[end + 1 :]).strip()
    if not body:
        raise _unreadable(f"{name}, line {end + 2}", "no text after the front matter", "Write it.")
    return "\n".join(lines[1:end]), body + "\n"


def _require_known(body: str, name: str) -> None:
    """Whatever is in braces is put in for the reader; anything else would be shown as it stands."""
    known = (CONTROLLER, NEVER)
    for written in _PUT_IN.findall(body):
        if written not in known:
            cure = f"Write {' or '.join(known)}, or no braces."
            raise _unreadable(f"{name}, {written}", "nothing is put in for this", cure)


def _front_matter(head: str, name: str) -> dict[str, Any]:
    try:
        node = yaml.compose(head, Loader=yaml.SafeLoader)
        fields = yaml.safe_load(head)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 2}, column {mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "not YAML"
        raise _unreadable(f"{name}{line}", str(problem), "Correct the front matter.") from error
    if not isinstance(node, yaml.MappingNode):
        raise _unreadable(f"{name}, line 2", "the front matter is no mapping", _keys_cure())
    seen: set[str] = set()
    for key, _value in node.value:
        where = f"{name}, line {key.start_mark.line + 2}, key {key.value}"
        if key.value not in _KEYS:
            raise _unreadable(where, "unknown key", _keys_cure())
        if key.value in seen:
            raise _unreadable(where, "the key stands twice", "Keep one of them.")
        seen.add(key.value)
    for key in _KEYS:
        if key not in seen:
            raise _unreadable(f"{name}, key {key}", "missing", _keys_cure())
        if not _fits(key, fields[key]):
            raise _unreadable(f"{name}, key {key}", f"bad value {fields[key]!r}", _CURES[key])
    return dict(fields)


def _fits(key: str, value: object) -> bool:
    match key:
        case "version":
            return isinstance(value, int) and not isinstance(value, bool) and value >= 1
        case "id":
            return fits(KEY, value)
        case "language":
            return fits(LANGUAGE, value)
        case "title":
            return isinstance(value, str) and bool(value.strip())
        case _:
            return (
                isinstance(value, list)
                and bool(value)
                and all(fits(KEY, item) for item in value)
                and len(set(value)) == len(value)
            )


_CURES = {
    "id": "Give lower-case letters, digits and _, beginning with a letter.",
    "version": "Give a whole number from 1.",
    "language": "Give two lower-case letters (ISO 639-1), quoted where YAML reads them otherwise.",
    "title": "Give the title as text.",
    "content": "Give a list of different content items in lower case.",
}


def _keys_cure() -> str:
    return f"Give exactly the keys {', '.join(_KEYS)}."


def _require_same_content(notices: Iterable[Notice]) -> None:
    first: dict[str, Notice] = {}
    for notice in notices:
        model = first.setdefault(notice.id, notice)
        for field, mine, theirs in (
            ("version", notice.version, model.version),
            ("content", sorted(notice.content), sorted(model.content)),
        ):
            if mine != theirs:
                raise _unreadable(
                    f"{notice.id}/{notice.language}.md, key {field}",
                    f"differs from {model.id}/{model.language}.md",
                    "Say the same in every language, and raise the version in all of them.",
                )


def _unreadable(field: str, problem: str, cure: str) -> Unreadable:
    return Unreadable(
        f"the notice cannot be used: {field}: {problem}",
        faults=(Fault(field, problem, cure),),
        cure=cure,
    )
