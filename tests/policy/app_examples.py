"""Examples of places, and what must come out of each: the files ``policies/apps/*.examples.yaml``.

Rules:
1. A file is a form (app/policy/strict.py) of up to four lists: ``captured``, ``excluded``,
   ``unlisted``, ``denied``. Each item is one place and says what it must come out as.
2. What an item leaves out is ordinary: an ordinary window of the browser, without title, field,
   account, frames or other people. What the recorder does not know is listed under ``unknown``.
3. ``tenants`` of the file are those of the policy, unless an item has its own.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from yaml.nodes import Node

from app.event.model import Place, Program, UiEvent, WindowKind
from app.event.verdict import NOT_KNOWN
from app.kernel.refusals import REPORTABLE, Refusal
from app.kernel.vocabulary import FieldKind, Signal
from app.policy.catalogue.model import Catalogue
from app.policy.strict import EXAMPLES, Form

BROWSER = "chrome"
"""The browser that shows an address where an example names no program."""
MEMBERS = (
    "program",
    "address",
    "frames",
    "title",
    "account",
    "window",
    "field",
    "counterparties",
)
"""What a recorder may not know."""
_AT = datetime(2026, 11, 16, 10, tzinfo=UTC)
_OUTCOMES = {"captured": "as", "excluded": "by", "unlisted": None, "denied": "because"}
_PLACE = (
    "app",
    "program",
    *(name for name in MEMBERS if name != "program"),
    "signal",
    "unknown",
    "tenants",
    "note",
)
_LONGEST = 8_192


@dataclass(frozen=True)
class Outcome:
    """What comes out: the app in which it is captured, or why not and by which exclusion."""

    app: str | None = None
    reason: str | None = None
    exclusion: str | None = None


@dataclass(frozen=True)
class Example:
    """One place and what must come out of it.

    Attributes:
        where: the file and the place in it.
        tenants: those of the policy.
    """

    where: str
    event: UiEvent
    tenants: tuple[str, ...]
    outcome: Outcome


def read_examples(folder: Path, catalogue: Catalogue) -> tuple[Example, ...]:
    """Read every file of examples of a folder.

    Raises:
        Unreadable: a file is no file of examples; the faults name the items.
    """
    files = sorted(folder.glob(f"*{EXAMPLES}"))
    return tuple(each for file in files for each in _Reader(file.name, catalogue).read(file))


class _Reader:
    """Reads one file."""

    def __init__(self, name: str, catalogue: Catalogue) -> None:
        self.name, self.form, self.catalogue = name.removesuffix(EXAMPLES), Form(name), catalogue

    def read(self, file: Path) -> tuple[Example, ...]:
        root = self.form.compose(file.read_bytes())
        lists = self.form.mapping(root, "", (), (*_OUTCOMES, "tenants"))
        tenants = self.texts(lists.get("tenants"), "tenants")
        examples = tuple(
            self.example(node, path, outcome, tenants)
            for outcome in _OUTCOMES
            for path, node in self.form.items(lists.get(outcome), outcome)
        )
        self.form.finish()
        return examples

    def example(self, node: Node, path: str, outcome: str, tenants: tuple[str, ...]) -> Example:
        says = _OUTCOMES[outcome]
        fields = self.form.mapping(node, path, () if says is None else (says,), _PLACE)
        if "tenants" in fields:
            tenants = self.texts(fields["tenants"], f"{path}.tenants")
        if "note" in fields:
            self.form.text(fields["note"], f"{path}.note")
        signal = self.choice(fields, path, "signal", Signal.CLICK, tuple(Signal))
        pictured = () if signal == Signal.SCREENSHOT else None
        event = UiEvent(_AT, Signal(signal), self.place(node, fields, path), pictured)
        return Example(f"{self.name}: {path}", event, tenants, self.outcome(fields, path, outcome))

    def outcome(self, fields: dict[str, Node], path: str, outcome: str) -> Outcome:
        match outcome:
            case "captured":
                return Outcome(app=self.choice(fields, path, "as", "", self.catalogue.apps))
            case "excluded":
                excluded = self.choice(fields, path, "by", "", self.catalogue.exclusions)
                return Outcome(reason=Refusal.EXCLUDED, exclusion=excluded)
            case "denied":
                return Outcome(reason=self.choice(fields, path, "because", "", REPORTABLE))
            case _:
                return Outcome(reason=Refusal.APP_UNLISTED)

    def place(self, node: Node, fields: dict[str, Node], path: str) -> Place:
        title = self.text(fields, path, "title")
        place = Place(
            program=self.program(node, fields, path),
            address=self.text(fields, path, "address"),
            frames=self.texts(fields.get("frames"), f"{path}.frames"),
            window=WindowKind(self.choice(fields, path, "window", "ordinary", WindowKind)),
            title="" if title is None else title,
            account=self.text(fields, path, "account"),
            field=FieldKind(self.choice(fields, path, "field", "none", tuple(FieldKind))),
            counterparties=self.texts(fields.get("counterparties"), f"{path}.counterparties"),
        )
        for where, item in self.form.items(fields.get("unknown"), f"{path}.unknown"):
            name = self.form.choice(item, where, MEMBERS, "member of a place")
            place = place if name is None else not_known(place, name)
        return place

    def program(self, node: Node, fields: dict[str, Node], path: str) -> Program:
        if "program" in fields:
            return program(self.text(fields, path, "program") or "")
        default = BROWSER if "address" in fields else ""
        named = self.choice(fields, path, "app", default, self.catalogue.apps)
        app = self.catalogue.apps.get(named)
        if app is None or not app.match.programs:
            self.form.wrong(
                node, path, "has no program", "Name an app with programs, or a program."
            )
            return Program(None, None, None)
        return program(app.match.programs[0])

    def choice(
        self, fields: dict[str, Node], path: str, name: str, default: str, known: Collection[str]
    ) -> str:
        if name not in fields:
            return default
        return self.form.choice(fields[name], f"{path}.{name}", tuple(known), name) or default

    def text(self, fields: dict[str, Node], path: str, name: str) -> str | None:
        return self.form.text(fields.get(name), f"{path}.{name}", longest=_LONGEST)

    def texts(self, node: Node | None, path: str) -> tuple[str, ...]:
        return tuple(
            text
            for where, item in self.form.items(node, path)
            if (text := self.form.text(item, where, longest=_LONGEST)) is not None
        )


_NOT_KNOWN: dict[str, Any] = {
    "program": Program(None, None, None),
    "address": NOT_KNOWN,
    "window": WindowKind.UNKNOWN,
    "field": FieldKind.UNKNOWN,
}
"""What stands for a member that is not known; None for every other."""


def not_known(place: Place, member: str) -> Place:
    """The same place, of which the recorder does not know a member."""
    return replace(place, **{member: _NOT_KNOWN.get(member)})


def program(text: str) -> Program:
    """Read ``NAME@SIGNER`` or ``NAME``: an id has dots and no ending of an executable.

    >>> program("com.example.App@TEAM123456").id, program("App.exe@Example Ltd").executable
    ('com.example.App', 'App.exe')
    """
    name, at, signer = text.partition("@")
    file = name.casefold().endswith((".exe", ".bin", ".appimage")) or "." not in name
    return Program(None if file else name, signer if at else None, name if file else None)
