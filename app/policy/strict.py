"""YAML as a form to be filled in: every problem is named with its line, nothing is guessed.

Rules:
1. UTF-8, one document, at most 64 KB, at most twelve levels deep. No anchors, aliases or tags, no
   byte order mark but as the first character: a reader must see on the page what the file says.
2. A text is what stands there: a bare ``NO`` is the region, not a falsehood. A whole number is
   written in plain digits, a day as YYYY-MM-DD. ``true``, ``false`` and ``null`` are no texts.
3. Unknown keys, keys given twice, values of another type are problems; all problems of a file are
   reported together, as far as it can be read.
"""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import yaml
from yaml._yaml import CParser  # libyaml; in every wheel of PyYAML
from yaml.composer import Composer
from yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, Event, NodeEvent
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.resolver import Resolver

from app.kernel.errors import Fault, Unreadable
from app.kernel.shapes import DAY
from app.policy.notes import unstorable

T = TypeVar("T")

MAX_BYTES = 65_536
MAX_DEPTH = 12
MAX_FAULTS = 50
MAX_TEXT = 500
EXAMPLES = ".examples.yaml"
"""How the names of files end that hold examples of what the files next to them decide."""

_INTEGER = re.compile(r"0|[1-9][0-9]{0,8}")
_PREFIX = "tag:yaml.org,2002:"
_MARK = "\ufeff"
_UNSEEN = "Delete it; a text in double quotes can name it as \\uFEFF."


@dataclass
class Form:
    """One file while it is read; collects its problems.

    Attributes:
        name: the file's name, put before each field; empty for a text from a page.
    """

    name: str = ""
    faults: list[Fault] = field(default_factory=list)

    def compose(self, data: bytes) -> Node | None:
        """Read the bytes into nodes; None, with a problem noted, if that fails."""
        text = self._decoded(data)
        if text is None:
            return None
        try:
            node = _PlainLoader(text).get_single_node()
        except _Trick as error:
            where = _place(error.mark)
            self._note("", None, f"{where}: {error.trick}", "Write out what it stands for.")
            return None
        except yaml.YAMLError as error:
            self._broken(error, text.rstrip().count("\n"))
            return None
        if node is None:
            self._note("", None, "is empty", "Write the policy.")
        return node

    def finish(self) -> None:
        """End the reading.

        Raises:
            Unreadable: there were problems; one fault each.
        """
        if self.faults:
            first, count = self.faults[0], len(self.faults)
            more = f" (and {count - 1} more)" if count > 1 else ""
            what = f"{first.field}: {first.problem}" if first.field else first.problem
            raise Unreadable(f"{what}{more}", faults=tuple(self.faults[:MAX_FAULTS]))

    def wrong(self, node: Node, path: str, problem: str, cure: str = "") -> None:
        """Note a problem at a node."""
        self._note(path, node, problem, cure)

    # Values; each returns None after noting a problem

    def mapping(
        self, node: Node | None, path: str, required: Collection[str], optional: Collection[str]
    ) -> dict[str, Node]:
        """The entries of a mapping whose keys are known; unknown and missing ones are noted."""
        if node is None:
            return {}
        known = (*required, *optional)
        entries: dict[str, Node] = {}
        for key, key_node, value in self._entries(node, path):
            where = _join(path, key)
            if key not in known:
                self.wrong(key_node, where, "is not known here", f"Known are: {', '.join(known)}.")
            elif key in entries:
                self.wrong(key_node, where, "is given twice", "Keep one of the two.")
            else:
                entries[key] = value
        for key in required:
            if key not in entries and isinstance(node, MappingNode):
                self.wrong(node, _join(path, key), "is missing", "Add it.")
        return entries

    def items(self, node: Node | None, path: str) -> Iterator[tuple[str, Node]]:
        """The items of a list, each with its path."""
        if node is None:
            return
        if not isinstance(node, SequenceNode):
            self.wrong(node, path, f"is {_kind(node)}, not a list", "Write it as [a, b].")
            return
        for place, item in enumerate(node.value):
            yield f"{path}[{place}]", item

    def text(self, node: Node | None, path: str, *, longest: int = MAX_TEXT) -> str | None:
        """A text of at least one character."""
        if node is None:
            return None
        raw = _text(node)
        if raw is None:
            self.wrong(node, path, f"is {_kind(node)}, not a text", 'Write it in quotes: "…".')
            return None
        if not 0 < len(raw) <= longest:
            self.wrong(node, path, f"has {len(raw)} characters", f"Write 1 to {longest}.")
            return None
        problem = unstorable(raw)
        if problem is not None:
            self.wrong(node, path, problem, "Write it without.")
            return None
        return raw

    def choice(self, node: Node | None, path: str, known: Collection[str], what: str) -> str | None:
        """One of a closed list."""
        chosen = self.text(node, path)
        if node is None or chosen is None:
            return None
        if chosen not in known:
            self.wrong(node, path, f"{chosen!r} is no {what}", _one_of(known))
            return None
        return chosen

    def shaped(self, node: Node | None, path: str, shape: re.Pattern[str], what: str) -> str | None:
        """A text of a given shape."""
        text = self.text(node, path)
        if node is None or text is None:
            return None
        if shape.fullmatch(text) is None:
            self.wrong(node, path, f"{text!r} is no {what}", f"Its shape is {shape.pattern}")
            return None
        return text

    def number(self, node: Node | None, path: str, least: int, most: int) -> int | None:
        """A whole number."""
        if node is None:
            return None
        plain = isinstance(node, ScalarNode) and not node.style
        if not plain or not _INTEGER.fullmatch(str(node.value)):
            self.wrong(node, path, f"is {_kind(node)}, not a whole number", "Write plain digits.")
            return None
        number = int(node.value)
        if not least <= number <= most:
            self.wrong(node, path, f"{number} is out of range", f"From {least} to {most}.")
            return None
        return number

    def flag(self, node: Node | None, path: str) -> bool | None:
        """True or false."""
        if node is None:
            return None
        if not isinstance(node, ScalarNode) or node.style or node.value not in {"true", "false"}:
            self.wrong(node, path, f"is {_kind(node)}", "Write true or false.")
            return None
        return bool(node.value == "true")

    def day(self, node: Node | None, path: str) -> str | None:
        """A day, ``YYYY-MM-DD``; None also for null."""
        if node is None or is_null(node):
            return None
        raw = node.value if isinstance(node, ScalarNode) else ""
        try:
            day = date.fromisoformat(raw) if DAY.fullmatch(raw) else None
        except ValueError:
            day = None
        if day is None or not 1900 <= day.year <= 2999:  # noqa: PLR2004 - a typing mistake
            self.wrong(node, path, f"is {_kind(node)}, not a day", "Write it as 2026-12-31.")
            return None
        return day.isoformat()

    # Problems

    def _decoded(self, data: bytes) -> str | None:
        """The bytes as text; a mark inside it would be taken for white space or for a letter."""
        if len(data) > MAX_BYTES:
            self._note("", None, f"has {len(data)} bytes", f"At most {MAX_BYTES} are read.")
            return None
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            self._note("", None, f"line {line}: not UTF-8", "Save the text as UTF-8.")
            return None
        inside = text.find(_MARK, 1)
        if inside >= 0:
            line, column = text.count("\n", 0, inside) + 1, inside - text.rfind("\n", 0, inside)
            where = f"line {line}, column {column}"
            self._note("", None, f"{where}: a byte order mark (U+FEFF), which nobody sees", _UNSEEN)
            return None
        return text

    def _entries(self, node: Node, path: str) -> Iterator[tuple[str, Node, Node]]:
        if not isinstance(node, MappingNode):
            self.wrong(node, path, f"is {_kind(node)}, not a mapping", "Write it as key: value.")
            return
        for key_node, value in node.value:
            key = _text(key_node)
            if key is None:
                self.wrong(key_node, path, "a key is not a text", "Write keys as words.")
            else:
                yield key, key_node, value

    def _broken(self, error: yaml.YAMLError, last: int) -> None:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        problem = getattr(error, "problem", None) or "a character that YAML does not allow"
        where = f"{_place(mark)}: " if mark else ""
        if mark and mark.line > last:  # something was begun and not ended
            where = f"line {last + 1}, at its end: "
        self._note("", None, f"{where}not readable as YAML: {problem}", "Mend this place first.")

    def _note(self, path: str, node: Node | None, problem: str, cure: str) -> None:
        at = f"{_place(node.start_mark)}: " if node is not None else ""
        named = f"{self.name}: {path}" if self.name and path else self.name or path
        self.faults.append(Fault(named, f"{at}{problem}", cure))


class _Trick(Exception):
    """The text means something that a reader does not see on the page."""

    def __init__(self, trick: str, mark: Any) -> None:
        super().__init__(trick)
        self.trick, self.mark = trick, mark


class _PlainLoader(Composer, Resolver):
    """Looks at each event before anything is built of it: depth, anchors, aliases, tags, documents.

    What looks is what builds, so that the text is parsed once and read in one way. The events are
    those of libyaml, which reads the shipped files in a twentieth of the time.
    """

    def __init__(self, stream: str) -> None:
        self._events = CParser(stream)
        self._depth = self._documents = 0
        Composer.__init__(self)
        Resolver.__init__(self)

    def check_event(self, *choices: type[Event]) -> bool:
        return bool(self._events.check_event(*choices))

    def peek_event(self) -> Any:
        return self._events.peek_event()

    def get_event(self) -> Any:
        event: Any = self._events.get_event()
        self._depth += isinstance(event, CollectionStartEvent)
        self._depth -= isinstance(event, CollectionEndEvent)
        self._documents += isinstance(event, yaml.DocumentStartEvent)
        trick = _trick(event, self._depth, self._documents)
        if trick:
            raise _Trick(trick, event.start_mark)
        return event


def read_folder(directory: Path, read: Callable[[bytes, str], T]) -> tuple[T, ...]:
    """Read every YAML file of a folder, by name, but the examples (``*.examples.yaml``) of them.

    Raises:
        Unreadable: faults of all files, or there is no file.
    """
    results: list[T] = []
    faults: list[Fault] = []
    for file in sorted(directory.glob("*.yaml")):
        if file.name.endswith(EXAMPLES):
            continue
        try:
            results.append(read(file.read_bytes(), file.name))
        except Unreadable as error:
            faults.extend(error.faults)
    if not results and not faults:
        faults.append(Fault(directory.name, "holds no YAML file", "Put the policies there."))
    if faults:
        raise Unreadable(f"{faults[0].field}: {faults[0].problem}", faults=tuple(faults))
    return tuple(results)


def is_null(node: Node) -> bool:
    """Whether the value is a plain null (or left empty)."""
    return bool(node.tag == f"{_PREFIX}null")


def _text(node: Node) -> str | None:
    if not isinstance(node, ScalarNode):
        return None
    kind = node.tag.removeprefix(_PREFIX)
    bare_word = kind == "bool" and node.value.lower() not in {"true", "false"}
    return str(node.value) if kind == "str" or bare_word else None


def _kind(node: Node) -> str:
    if isinstance(node, MappingNode):
        return "a mapping"
    if isinstance(node, SequenceNode):
        return "a list"
    names = {"str": "a text", "int": "a number", "float": "a number with a fraction"}
    names |= {"bool": "true or false", "null": "empty", "timestamp": "a day"}
    return names.get(node.tag.removeprefix(_PREFIX), "something else")


def _trick(event: Any, depth: int, documents: int) -> str:
    if depth > MAX_DEPTH:
        return "nested too deeply"
    if documents > 1:
        return "a second document"
    if isinstance(event, AliasEvent):
        return "an alias (*name)"
    if isinstance(event, NodeEvent) and event.anchor is not None:
        return "an anchor (&name)"
    return "a tag (!name)" if getattr(event, "tag", None) is not None else ""


def _place(mark: Any) -> str:
    return f"line {mark.line + 1}, column {mark.column + 1}"


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _one_of(known: Collection[str]) -> str:
    return f"One of: {', '.join(sorted(known)) or 'none'}."
