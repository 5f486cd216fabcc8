"""Floors, the catalogue and company policies as files.

Rules:
1. A file is a form (``strict``). What it names must exist: regions, apps, exclusions, redactors,
   purposes. A purpose that the program does not allow can stand in no layer.
2. A floor gives a citation and a mark for every knob. A company policy may.
3. What was read is written as one canonical document, lists sorted, so that the same rules have the
   same digest however they were typed.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from yaml.nodes import Node

from app.kernel.canonical import canonical
from app.kernel.errors import Fault, Unreadable
from app.kernel.shapes import KEY, REGION, SHA256
from app.kernel.vocabulary import Basis, Mode, Signal
from app.policy.catalogue.matching import read_pattern
from app.policy.law.layer import (
    APPROVERS,
    CONFIDENCES,
    COUNTS,
    DAYS,
    GROUPS,
    LISTS,
    MODES,
    PRECONDITIONS,
    REDACTORS,
    STATUSES,
    CompanyPolicy,
    Floor,
)
from app.policy.law.strict import Form, is_null
from app.policy.model import App, Catalogue, Exclusion, Matchers
from app.policy.timeline import chain

T = TypeVar("T")

_HOURS = re.compile(r"([01][0-9]|2[0-4])-([01][0-9]|2[0-4])")
_MODE_WORDS = tuple(mode.word for mode in Mode)
_LONGEST_SUMMARY = 1_000
_MOST_DAYS = 3_650

_RANGES: Mapping[str, tuple[int, int]] = {
    "lease_ttl_s": (1, 86_400),
    "screenshot_min_interval_s": (0, 86_400),
    "notice_lead_days": (0, 730),
    "cohort_min": (1, 1_000_000),
}
_MATCHERS = ("bundle_ids", "executables", "urls")


@dataclass(frozen=True)
class PolicyTexts:
    """Reads floors and company policies against what they may name."""

    catalogue: Catalogue
    purposes: frozenset[str]

    def read_company_policy(self, text: str | bytes, region: str) -> CompanyPolicy:
        """Read a company policy.

        Args:
            text: strict YAML.
            region: the region it must be for.

        Raises:
            Unreadable: one fault per problem.
        """
        form = Form()
        root = form.compose(text.encode("utf-8", "replace") if isinstance(text, str) else text)
        optional = ("name", "status", "valid_from", "valid_to", "summary", "evidence")
        found = form.mapping(root, "", ("region", "knobs"), optional)
        said = form.shaped(found.get("region"), "region", REGION, "region")
        if said is not None and said != region:
            form.wrong(found["region"], "region", f"is {said}, not {region}", f"Write {region}.")
        document = {
            "v": 1,
            "kind": "company",
            "region": region,
            "name": form.text(found.get("name"), "name") or region,
            "status": form.choice(found.get("status"), "status", STATUSES, "status") or "approved",
            "summary": form.text(found.get("summary"), "summary", longest=_LONGEST_SUMMARY) or "",
            **_window(form, found),
            "knobs": self._knobs(form, found.get("knobs"), cited=False),
            "evidence": _evidence(form, found.get("evidence")),
        }
        form.finish()
        return CompanyPolicy.read(canonical(document))

    def read_floor(self, data: bytes, name: str) -> Floor:
        """Read one floor; ``name`` is the file's, used in faults.

        Raises:
            Unreadable: one fault per problem.
        """
        form = Form(name)
        required = ("region", "name", "parent", "status", "valid_from", "reviewed_by", "summary")
        found = form.mapping(form.compose(data), "", (*required, "knobs"), ("valid_to",))
        region = form.shaped(found.get("region"), "region", REGION, "region")
        if region is not None and f"{region}.yaml" != name:
            form.wrong(found["region"], "region", f"is {region}", "Name the file after the region.")
        document = {
            "v": 1,
            "kind": "floor",
            "region": region,
            "name": form.text(found.get("name"), "name"),
            "parent": _parent(form, found.get("parent"), region),
            "status": form.choice(found.get("status"), "status", STATUSES, "status"),
            "reviewed_by": form.text(found.get("reviewed_by"), "reviewed_by"),
            "summary": form.text(found.get("summary"), "summary", longest=_LONGEST_SUMMARY),
            **_window(form, found),
            "knobs": self._knobs(form, found.get("knobs"), cited=True),
        }
        if (
            "valid_from" in found
            and document["valid_from"] is None
            and is_null(found["valid_from"])
        ):
            form.wrong(found["valid_from"], "valid_from", "is empty", "Write the first day.")
        form.finish()
        return Floor.read(canonical(document))

    def _knobs(self, form: Form, node: Node | None, *, cited: bool) -> dict[str, Any]:
        knobs: dict[str, Any] = {}
        known = ("signals", *LISTS, *COUNTS, "hours", *MODES)
        for knob, setting in form.mapping(node, "knobs", (), known).items():
            path = f"knobs.{knob}"
            if knob == "signals":
                knobs[knob] = _signals(form, setting, path, cited=cited)
                continue
            required = ("value", "cite", "confidence") if cited else ("value",)
            entries = form.mapping(setting, path, required, () if cited else ("cite", "confidence"))
            value = self._value(form, knob, entries.get("value"), f"{path}.value")
            knobs[knob] = {"value": value, **_citation(form, entries, path)}
        return knobs

    def _value(self, form: Form, knob: str, node: Node | None, path: str) -> Any:
        if knob in COUNTS:
            return form.number(node, path, *_RANGES[knob])
        if knob in MODES:
            return form.choice(node, path, _MODE_WORDS, "mode")
        if knob == "hours":
            return _hours(form, node, path)
        return _names(form, node, path, *self._members(knob))

    def _members(self, knob: str) -> tuple[Collection[str] | None, str]:
        """What a list may name (None: anything of the right shape), and what to call it."""
        known: Mapping[str, tuple[Collection[str] | None, str]] = {
            "bases": (tuple(Basis), "basis"),
            "preconditions": (PRECONDITIONS, "precondition"),
            "exclusions": (self.catalogue.exclusions.keys(), "exclusion of the catalogue"),
            "redactors": (REDACTORS, "redactor"),
            "notice_content": (None, "content of a notice"),
            "approver_roles": (APPROVERS, "role that approves"),
            "apps": (self.catalogue.apps.keys(), "app of the catalogue"),
            "purposes": (self.purposes, "purpose that can be allowed"),
        }
        return known[knob]


def read_company_policy(
    text: str | bytes, region: str, catalogue: Catalogue, purposes: frozenset[str]
) -> CompanyPolicy:
    """Read a company policy (``PolicyTexts.read_company_policy``)."""
    return PolicyTexts(catalogue, purposes).read_company_policy(text, region)


def load_floors(
    directory: Path, catalogue: Catalogue, purposes: frozenset[str]
) -> tuple[Floor, ...]:
    """Read every floor of a folder, by region.

    Raises:
        Unreadable: faults of all files, or a parent that does not exist.
    """
    texts = PolicyTexts(catalogue, purposes)
    floors = _each(directory, texts.read_floor)
    parents = {floor.region: floor.parent for floor in floors}
    faults = tuple(
        Fault(
            f"{region}.yaml: parent",
            f"{parent} does not lead to GLOBAL",
            "Add the floor of the parent, or correct it.",
        )
        for region, parent in parents.items()
        if (chain(parents, region) or ("",))[-1] != "GLOBAL"
    )
    if faults:
        raise Unreadable(f"{faults[0].field}: {faults[0].problem}", faults=faults)
    return floors


def load_catalogue(directory: Path) -> Catalogue:
    """Read the catalogue of apps and exclusions from every file of a folder.

    Raises:
        Unreadable: faults of all files, or an id that is given twice.
    """
    parts = _each(directory, _read_catalogue)
    apps = [app for part in parts for app in part[0]]
    exclusions = [item for part in parts for item in part[1]]
    twice = [*_twice(item.id for item in apps), *_twice(item.id for item in exclusions)]
    if twice:
        faults = tuple(
            Fault(name, "is given twice in the catalogue", "Rename one.") for name in twice
        )
        raise Unreadable(f"{twice[0]} is given twice in the catalogue", faults=faults)
    return Catalogue({app.id: app for app in apps}, {item.id: item for item in exclusions})


def _each(directory: Path, read: Callable[[bytes, str], T]) -> tuple[T, ...]:
    found: list[T] = []
    faults: list[Fault] = []
    for file in sorted(directory.glob("*.yaml")):
        try:
            found.append(read(file.read_bytes(), file.name))
        except Unreadable as error:
            faults.extend(error.faults)
    if not found and not faults:
        faults.append(Fault(directory.name, "holds no YAML file", "Put the policies there."))
    if faults:
        raise Unreadable(f"{faults[0].field}: {faults[0].problem}", faults=tuple(faults))
    return tuple(found)


def _window(form: Form, found: Mapping[str, Node]) -> dict[str, str | None]:
    first = form.day(found.get("valid_from"), "valid_from")
    last = form.day(found.get("valid_to"), "valid_to")
    if first and last and last < first:
        form.wrong(found["valid_to"], "valid_to", "lies before valid_from", "Swap the two.")
    return {"valid_from": first, "valid_to": last}


def _parent(form: Form, node: Node | None, region: str | None) -> str | None:
    if node is None:
        return None
    if is_null(node):
        if region != "GLOBAL":
            form.wrong(node, "parent", "is empty", "Only GLOBAL has no parent.")
        return None
    if region == "GLOBAL":
        form.wrong(node, "parent", "GLOBAL has no parent", "Write null.")
    return form.shaped(node, "parent", REGION, "region")


def _signals(form: Form, node: Node, path: str, *, cited: bool) -> dict[str, Any]:
    signals: dict[str, Any] = {}
    for signal, rule in form.mapping(node, path, (), tuple(Signal)).items():
        where = f"{path}.{signal}"
        citation = ("cite", "confidence")
        entries = form.mapping(
            rule,
            where,
            citation if cited else (),
            ("mode", "retention_days", *(() if cited else citation)),
        )
        if entries and not entries.keys() & {"mode", "retention_days"}:
            form.wrong(rule, where, "says nothing", "Add mode, or retention_days.")
        signals[signal] = _citation(form, entries, where)
        if "mode" in entries:
            mode = form.choice(entries["mode"], f"{where}.mode", _MODE_WORDS, "mode")
            signals[signal]["mode"] = mode
        if "retention_days" in entries:
            days = form.number(entries["retention_days"], f"{where}.retention_days", 0, _MOST_DAYS)
            signals[signal]["retention_days"] = days
    return signals


def _citation(form: Form, entries: Mapping[str, Node], path: str) -> dict[str, str]:
    cite = form.text(entries.get("cite"), f"{path}.cite")
    mark = form.choice(entries.get("confidence"), f"{path}.confidence", CONFIDENCES, "mark")
    return {"cite": cite or "", "confidence": mark or ""}


def _names(
    form: Form, node: Node | None, path: str, known: Collection[str] | None, what: str
) -> list[str]:
    found: list[str] = []
    for where, item in form.items(node, path):
        name = (
            form.shaped(item, where, KEY, what)
            if known is None
            else form.choice(item, where, known, what)
        )
        if name is not None and name in found:
            form.wrong(item, where, f"{name} is given twice", "Keep one of the two.")
        elif name is not None:
            found.append(name)
    return sorted(found)


def _hours(form: Form, node: Node | None, path: str) -> dict[str, str]:
    hours: dict[str, str] = {}
    for name, item in form.mapping(node, path, (), DAYS).items():
        span = form.shaped(item, f"{path}.{name}", _HOURS, "span of hours")
        if span is not None:
            first, last = span.split("-")
            if first >= last:
                form.wrong(item, f"{path}.{name}", "ends before it begins", "As in 08-18.")
            hours[name] = span
    return hours


def _evidence(form: Form, node: Node | None) -> list[dict[str, Any]]:
    found = []
    for where, item in form.items(node, "evidence"):
        entries = form.mapping(item, where, ("kind", "reference", "sha256"), ("valid_to",))
        kind = form.choice(entries.get("kind"), f"{where}.kind", PRECONDITIONS, "precondition")
        found.append(
            {
                "kind": kind or "",
                "reference": form.text(entries.get("reference"), f"{where}.reference") or "",
                "sha256": form.shaped(
                    entries.get("sha256"), f"{where}.sha256", SHA256, "SHA-256 in hex"
                )
                or "",
                "valid_to": form.day(entries.get("valid_to"), f"{where}.valid_to"),
            }
        )
    return sorted(found, key=lambda one: tuple(str(value) for value in one.values()))


def _read_catalogue(data: bytes, name: str) -> tuple[list[App], list[Exclusion]]:
    form = Form(name)
    found = form.mapping(form.compose(data), "", (), ("apps", "exclusions"))
    apps = [_app(form, node, path) for path, node in form.items(found.get("apps"), "apps")]
    exclusions = [
        _exclusion(form, node, path)
        for path, node in form.items(found.get("exclusions"), "exclusions")
    ]
    form.finish()
    return apps, exclusions


def _app(form: Form, node: Node, path: str) -> App:
    found = form.mapping(node, path, ("id", "name", "group", "match"), ())
    return App(
        id=form.shaped(found.get("id"), f"{path}.id", KEY, "id") or "",
        name=form.text(found.get("name"), f"{path}.name") or "",
        group=form.choice(found.get("group"), f"{path}.group", GROUPS, "group") or "",
        match=_matchers(form, found.get("match"), f"{path}.match", _MATCHERS),
    )


def _exclusion(form: Form, node: Node, path: str) -> Exclusion:
    found = form.mapping(node, path, ("id", "name", "why", "match"), ())
    known = (*_MATCHERS, "fields", "private")
    return Exclusion(
        id=form.shaped(found.get("id"), f"{path}.id", KEY, "id") or "",
        name=form.text(found.get("name"), f"{path}.name") or "",
        why=form.text(found.get("why"), f"{path}.why") or "",
        match=_matchers(form, found.get("match"), f"{path}.match", known),
    )


def _matchers(form: Form, node: Node | None, path: str, known: tuple[str, ...]) -> Matchers:
    found = form.mapping(node, path, (), known)
    match = Matchers(
        bundle_ids=_texts(form, found.get("bundle_ids"), f"{path}.bundle_ids"),
        executables=_texts(form, found.get("executables"), f"{path}.executables"),
        urls=_texts(form, found.get("urls"), f"{path}.urls", read_pattern),
        fields=_texts(form, found.get("fields"), f"{path}.fields"),
        private=form.flag(found.get("private"), f"{path}.private") or False,
    )
    if node is not None and match == Matchers() and not form.faults:
        form.wrong(node, path, "matches nothing", f"Name at least one of: {', '.join(known)}.")
    return match


def _texts(
    form: Form,
    node: Node | None,
    path: str,
    check: Callable[[str], object] = str,
) -> tuple[str, ...]:
    found: list[str] = []
    for where, item in form.items(node, path):
        text = form.text(item, where)
        if text is None:
            continue
        try:
            check(text)
        except ValueError as error:
            form.wrong(item, where, f"{text!r}: {error}", "As in *.example.com/path.")
        found.append(text)
    return tuple(sorted(found))


def _twice(names: Iterable[str]) -> list[str]:
    return [name for name, times in Counter(names).items() if times > 1]
