"""The catalogue of apps and exclusions as files.

Rules:
1. A file is a form (``strict``); an id is unique in all of them.
2. An app that is recognised where an app of the group communication is, shows what other people
   write, too, and must be of that group. Else it would matter which of the two an event is given
   to, and taking the address from the one would let the other record more.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from yaml.nodes import Node

from app.kernel.errors import Fault, Unreadable
from app.kernel.shapes import KEY
from app.policy.catalogue.matching import COMMUNICATION
from app.policy.catalogue.meeting import shared_ways
from app.policy.catalogue.model import App, Catalogue, Exclusion, Matchers
from app.policy.catalogue.patterns import read_pattern
from app.policy.matchers import MATCHERS, MatcherRow
from app.policy.strict import Form, read_folder

GROUPS = (
    "browser",
    "communication",
    "crm",
    "data",
    "design",
    "development",
    "documents",
    "project",
    "support",
)
_OF_APPS = tuple(row.name for row in MATCHERS if row.of_apps)
_OF_EXCLUSIONS = tuple(row.name for row in MATCHERS)


def load_catalogue(directory: Path) -> Catalogue:
    """Read the catalogue of apps and exclusions from every file of a folder.

    Raises:
        Unreadable: faults of all files, an id that is given twice, or an app that shows what other
            people write and does not say so.
    """
    parts = read_folder(directory, _read_catalogue)
    apps = [app for part in parts for app in part[0]]
    exclusions = [item for part in parts for item in part[1]]
    twice = [*_twice(item.id for item in apps), *_twice(item.id for item in exclusions)]
    if twice:
        faults = tuple(
            Fault(name, "is given twice in the catalogue", "Rename one.") for name in twice
        )
        raise Unreadable(f"{twice[0]} is given twice in the catalogue", faults=faults)
    if hidden := tuple(_hidden_communication(apps)):
        raise Unreadable(f"{hidden[0].field}: {hidden[0].problem}", faults=hidden)
    return Catalogue({app.id: app for app in apps}, {item.id: item for item in exclusions})


def _hidden_communication(apps: Iterable[App]) -> Iterator[Fault]:
    """Where rule 2 is broken."""
    talking = [app for app in apps if app.group == COMMUNICATION]
    for app in apps:
        for other in talking:
            if app.group != COMMUNICATION and (shared := shared_ways(app, other)):
                yield Fault(
                    app.id,
                    f"is recognised by {shared[0]}, where {other.id} shows what other people write",
                    f"Give it the group {COMMUNICATION}, or ways that {other.id} does not have.",
                )


def _read_catalogue(data: bytes, name: str) -> tuple[list[App], list[Exclusion]]:
    form = Form(name)
    fields = form.mapping(form.compose(data), "", (), ("apps", "exclusions"))
    apps = [_app(form, node, path) for path, node in form.items(fields.get("apps"), "apps")]
    exclusions = [
        _exclusion(form, node, path)
        for path, node in form.items(fields.get("exclusions"), "exclusions")
    ]
    form.finish()
    return apps, exclusions


def _app(form: Form, node: Node, path: str) -> App:
    fields = form.mapping(node, path, ("id", "name", "group", "match"), ())
    return App(
        id=form.shaped(fields.get("id"), f"{path}.id", KEY, "id") or "",
        name=form.text(fields.get("name"), f"{path}.name") or "",
        group=form.choice(fields.get("group"), f"{path}.group", GROUPS, "group") or "",
        match=_matchers(form, fields.get("match"), f"{path}.match", _OF_APPS),
    )


def _exclusion(form: Form, node: Node, path: str) -> Exclusion:
    fields = form.mapping(node, path, ("id", "name", "why", "match"), ())
    return Exclusion(
        id=form.shaped(fields.get("id"), f"{path}.id", KEY, "id") or "",
        name=form.text(fields.get("name"), f"{path}.name") or "",
        why=form.text(fields.get("why"), f"{path}.why") or "",
        match=_matchers(form, fields.get("match"), f"{path}.match", _OF_EXCLUSIONS),
    )


def _matchers(form: Form, node: Node | None, path: str, known: tuple[str, ...]) -> Matchers:
    fields = form.mapping(node, path, (), known)
    match = Matchers(
        **{
            row.name: _matcher(form, row, fields.get(row.name), f"{path}.{row.name}")
            for row in MATCHERS
        }
    )
    if node is not None and match == Matchers() and not form.faults:
        form.wrong(node, path, "matches nothing", f"Name at least one of: {', '.join(known)}.")
    return match


def _matcher(form: Form, row: MatcherRow, node: Node | None, path: str) -> Any:
    if row.flag:
        return form.flag(node, path) or False
    return _texts(form, node, path, read_pattern if row.name == "urls" else str)


def _texts(
    form: Form,
    node: Node | None,
    path: str,
    check: Callable[[str], object] = str,
) -> tuple[str, ...]:
    texts: list[str] = []
    for where, item in form.items(node, path):
        text = form.text(item, where)
        if text is None:
            continue
        try:
            check(text)
        except ValueError as error:
            form.wrong(item, where, f"{text!r}: {error}", "As in *.example.com/path.")
        texts.append(text)
    return tuple(sorted(texts))


def _twice(names: Iterable[str]) -> list[str]:
    return [name for name, times in Counter(names).items() if times > 1]
