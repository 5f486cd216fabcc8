"""The catalogue of apps and exclusions as files.

Rules:
1. A file is a form (``strict``); an id is unique in all of them. Files of examples
   (``*.examples.yaml``) stand beside them and are no part of the catalogue.
2. Two apps that are recognised by the same thing must say the same of others' words and of private
   accounts. Else it would matter which of the two an event is given to, and taking the address from
   the one would let the other record more.
3. A program is named with who signed it. A name alone, which any program can bear, is enough to
   exclude, and never to capture.
4. A word or an app that does not exist would exclude nothing, and nobody would notice. So fields
   are words of the list, and titles are of apps in the files. A browser has no titles: its windows
   count as those of the app on the page.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

from yaml.nodes import Node

from app.kernel.errors import Fault, Unreadable
from app.kernel.shapes import KEY
from app.kernel.vocabulary import FieldKind
from app.policy.catalogue.matchers import MATCHERS, MatcherRow
from app.policy.catalogue.meeting import shared_ways
from app.policy.catalogue.model import BROWSER, OTHERS, App, Catalogue, Exclusion, Matchers
from app.policy.catalogue.patterns import ANY_APP, read_title
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
_OF_APPS = tuple(row.name for row in MATCHERS if row.of_apps and row.apps_until is None)
_OF_BROWSERS = tuple(name for name in _OF_APPS if name != "urls")
_OF_EXCLUSIONS = tuple(row.name for row in MATCHERS if row.of_exclusions)
_FIELDS = frozenset({*FieldKind, "card_number"})
"""The field words, and one that agents of the first form said."""
_FIELD_CURE = f"Write one of: {', '.join(FieldKind)}."
_NAMES_ALONE = tuple(row.name for row in MATCHERS if row.apps_until is not None)


def load_catalogue(directory: Path) -> Catalogue:
    """Read the catalogue of apps and exclusions from every file of a folder.

    Raises:
        Unreadable: faults of all files, an id that is given twice, or two apps that are recognised
            by the same thing and do not say the same of it, or a title of no app.
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
    if wrong := (*_disagreeing(apps), *_untitled(apps, exclusions)):
        raise Unreadable(f"{wrong[0].field}: {wrong[0].problem}", faults=wrong)
    return Catalogue({app.id: app for app in apps}, {item.id: item for item in exclusions})


def _disagreeing(apps: Iterable[App]) -> Iterator[Fault]:
    """Where rule 2 is broken."""
    for a, b in combinations(apps, 2):
        says_same = (a.others, a.private_accounts) == (b.others, b.private_accounts)
        if not says_same and (shared := shared_ways(a, b)):
            yield Fault(
                b.id,
                f"is recognised by {shared[0]} as {a.id} is, "
                "and says something else of others' words or private accounts",
                f"Give both the same others and private_accounts, or ways that {a.id} has not.",
            )


def _untitled(apps: Iterable[App], exclusions: Iterable[Exclusion]) -> Iterator[Fault]:
    """Where rule 4 is broken."""
    titled = {ANY_APP, *(app.id for app in apps if not app.browser)}
    for item in exclusions:
        for text in item.match.titles:
            if (app := read_title(text).app) not in titled:
                yield Fault(
                    item.id,
                    f"has a title of {app!r}, which is no app or a browser",
                    f"Name the app in its window, or {ANY_APP} for any.",
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
    known = ("others", "private_accounts", "source")
    fields = form.mapping(node, path, ("id", "name", "group", "match"), known)
    others = fields.get("others")
    group = form.choice(fields.get("group"), f"{path}.group", GROUPS, "group") or ""
    of_app = _OF_BROWSERS if group == BROWSER else _OF_APPS
    return App(
        id=form.shaped(fields.get("id"), f"{path}.id", KEY, "id") or "",
        name=form.text(fields.get("name"), f"{path}.name") or "",
        group=group,
        match=_matchers(form, fields.get("match"), f"{path}.match", of_app),
        others=form.choice(others, f"{path}.others", OTHERS, "kind") or "" if others else "",
        private_accounts=form.flag(fields.get("private_accounts"), f"{path}.private_accounts")
        or False,
        source=_source(form, fields.get("source"), path),
    )


def _exclusion(form: Form, node: Node, path: str) -> Exclusion:
    fields = form.mapping(node, path, ("id", "name", "why", "match"), ("source",))
    return Exclusion(
        id=form.shaped(fields.get("id"), f"{path}.id", KEY, "id") or "",
        name=form.text(fields.get("name"), f"{path}.name") or "",
        why=form.text(fields.get("why"), f"{path}.why") or "",
        match=_matchers(form, fields.get("match"), f"{path}.match", _OF_EXCLUSIONS),
        source=_source(form, fields.get("source"), path),
    )


def _source(form: Form, node: Node | None, path: str) -> str:
    return (form.text(node, f"{path}.source") or "") if node is not None else ""


def _matchers(form: Form, node: Node | None, path: str, known: tuple[str, ...]) -> Matchers:
    fields = form.mapping(node, path, (), (*known, *_NAMES_ALONE))
    for name in _NAMES_ALONE:
        if name not in known and name in fields:
            problem = "is a name that any program can bear"
            form.wrong(
                fields[name], f"{path}.{name}", problem, "Write programs: [NAME@SIGNER] instead."
            )
    rows = [row for row in MATCHERS if row.name in known]
    match = Matchers(
        **{
            row.name: _matcher(form, row, fields.get(row.name), f"{path}.{row.name}")
            for row in rows
        }
    )
    if node is not None and match == Matchers() and not form.faults:
        form.wrong(node, path, "matches nothing", f"Name at least one of: {', '.join(known)}.")
    return match


def _matcher(form: Form, row: MatcherRow, node: Node | None, path: str) -> Any:
    if row.flag:
        return form.flag(node, path) or False
    texts: list[str] = []
    for where, item in form.items(node, path):
        text = read_way(form, row, item, where)
        if text is None:
            continue
        if row.name == "fields" and text not in _FIELDS:
            form.wrong(item, where, f"{text!r} is no field word", _FIELD_CURE)
        texts.append(text)
    return tuple(sorted(texts))


def read_way(form: Form, row: MatcherRow, item: Node, where: str) -> str | None:
    """Read one text of a matcher; None, with the fault noted, if it is none."""
    text = form.text(item, where)
    if text is None:
        return None
    try:
        row.parse(text)
    except ValueError as error:
        form.wrong(item, where, f"{text!r}: {error}", f"As in {row.sample}.")
        return None
    return text


def _twice(names: Iterable[str]) -> list[str]:
    return [name for name, times in Counter(names).items() if times > 1]
