"""Floors and company policies as files.

Rules:
1. A file is a form (``strict``). What it names must exist: regions, apps, exclusions, redactors,
   purposes. A purpose that the program does not allow can stand in no layer.
2. A floor gives a citation and a mark for every knob. A company policy may. What is the company's
   own (``Knob.companys``) no floor names.
3. What was read is written as one canonical document, lists sorted, so that the same rules have the
   same digest however they were typed.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yaml.nodes import Node

from app.kernel.canonical import canonical
from app.kernel.errors import Fault, Unreadable
from app.kernel.facts import encode
from app.kernel.shapes import KEY, REGION, SHA256
from app.kernel.vocabulary import Mode
from app.policy.catalogue.model import Catalogue
from app.policy.knob_row import Knob
from app.policy.knob_shapes import (
    DAYS,
    ApprovalStatus,
    Modes,
    NameSet,
    NameSource,
    Number,
    OwnExclusions,
    Week,
)
from app.policy.knobs import PRECONDITIONS, REGISTRY, KnobRegistry, mode_of, retention_of
from app.policy.law.layer import CONFIDENCES, STATUSES, CompanyPolicy, Evidence, Floor, chain
from app.policy.law.own_packs import read_own_exclusions, read_tenants
from app.policy.strict import Form, is_null, read_folder

_HOURS = re.compile(r"([01][0-9]|2[0-4])-([01][0-9]|2[0-4])")
_CHOICES: Mapping[type, tuple[tuple[str, ...], str]] = {
    Modes: (tuple(mode.word for mode in Mode), "mode"),
    ApprovalStatus: (STATUSES, "status"),
}
"""The words of a shape, and what one of them is called."""
_LONGEST_SUMMARY = 1_000
_CITATION = ("cite", "confidence")


@dataclass(frozen=True)
class PolicyTexts:
    """Reads floors and company policies against what they may name."""

    catalogue: Catalogue
    purposes: frozenset[str]
    registry: KnobRegistry = REGISTRY

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
        fields = form.mapping(root, "", ("region", "knobs"), optional)
        named = form.shaped(fields.get("region"), "region", REGION, "region")
        if named is not None and named != region:
            form.wrong(fields["region"], "region", f"is {named}, not {region}", f"Write {region}.")
        document = {
            "v": 1,
            "kind": "company",
            "region": region,
            "name": form.text(fields.get("name"), "name") or region,
            "status": form.choice(fields.get("status"), "status", STATUSES, "status") or "approved",
            "summary": form.text(fields.get("summary"), "summary", longest=_LONGEST_SUMMARY) or "",
            **_window(form, fields),
            "knobs": self._knobs(form, fields.get("knobs"), cited=False),
            "evidence": _evidence(form, fields.get("evidence")),
        }
        form.finish()
        return CompanyPolicy.read(canonical(document), self.registry)

    def read_floor(self, data: bytes, name: str) -> Floor:
        """Read one floor; ``name`` is the file's, used in faults.

        Raises:
            Unreadable: one fault per problem.
        """
        form = Form(name)
        required = ("region", "name", "parent", "status", "valid_from", "reviewed_by", "summary")
        fields = form.mapping(form.compose(data), "", (*required, "knobs"), ("valid_to",))
        region = form.shaped(fields.get("region"), "region", REGION, "region")
        if region is not None and f"{region}.yaml" != name:
            form.wrong(
                fields["region"], "region", f"is {region}", "Name the file after the region."
            )
        document = {
            "v": 1,
            "kind": "floor",
            "region": region,
            "name": form.text(fields.get("name"), "name"),
            "parent": _parent(form, fields.get("parent"), region),
            "status": form.choice(fields.get("status"), "status", STATUSES, "status"),
            "reviewed_by": form.text(fields.get("reviewed_by"), "reviewed_by"),
            "summary": form.text(fields.get("summary"), "summary", longest=_LONGEST_SUMMARY),
            **_window(form, fields),
            "knobs": self._knobs(form, fields.get("knobs"), cited=True),
        }
        if (
            "valid_from" in fields
            and document["valid_from"] is None
            and is_null(fields["valid_from"])
        ):
            form.wrong(fields["valid_from"], "valid_from", "is empty", "Write the first day.")
        form.finish()
        return Floor.read(canonical(document), self.registry)

    def _knobs(self, form: Form, node: Node | None, *, cited: bool) -> dict[str, Any]:
        knobs: dict[str, Any] = {}
        rows = self.registry.in_files.items()
        known = ("signals", *(name for name, row in rows if not (cited and row.companys)))
        for name, setting in form.mapping(node, "knobs", (), known).items():
            path = f"knobs.{name}"
            if name == "signals":
                knobs[name] = self._signals(form, setting, path, cited=cited)
                continue
            required = ("value", *_CITATION) if cited else ("value",)
            entries = form.mapping(setting, path, required, () if cited else _CITATION)
            row = self.registry.rows[name]
            value = self._value(form, row, entries.get("value"), f"{path}.value")
            knobs[name] = {"value": value, **_citation(form, entries, path)}
        return knobs

    def _signals(self, form: Form, node: Node, path: str, *, cited: bool) -> dict[str, Any]:
        signals: dict[str, Any] = {}
        required = _CITATION if cited else ()
        optional = ("mode", "retention_days", *(() if cited else _CITATION))
        for signal, rule in form.mapping(node, path, (), tuple(self.registry.signals)).items():
            where = f"{path}.{signal}"
            entries = form.mapping(rule, where, required, optional)
            if entries and not entries.keys() & {"mode", "retention_days"}:
                form.wrong(rule, where, "says nothing", "Add mode, or retention_days.")
            signals[signal] = _citation(form, entries, where)
            for row in (mode_of(signal), retention_of(signal)):
                field = row.name.rpartition(".")[2]
                if field in entries:
                    value = self._value(form, row, entries[field], f"{where}.{field}")
                    signals[signal][field] = value
        return signals

    def _value(self, form: Form, row: Knob[Any], node: Node | None, path: str) -> Any:
        match row.shape:
            case Number(lowest, highest):
                return form.number(node, path, lowest, highest)
            case Modes() | ApprovalStatus() as shape:
                return form.choice(node, path, *_CHOICES[type(shape)])
            case Week():
                return _hours(form, node, path)
            case OwnExclusions() | NameSet(known=NameSource.TENANTS) as shape:
                own = isinstance(shape, OwnExclusions)
                read = read_own_exclusions if own else read_tenants
                return read(form, node, path, self.catalogue)
            case NameSet(what, known):
                return _names(form, node, path, self._known(known), what)

    def _known(self, known: tuple[str, ...] | NameSource) -> Collection[str] | None:
        """What a list may name; None: anything of the right shape."""
        match known:
            case NameSource.APPS:
                return self.catalogue.apps.keys()
            case NameSource.EXCLUSIONS:
                return self.catalogue.exclusions.keys()
            case NameSource.PURPOSES:
                return self.purposes
            case NameSource.ANY:
                return None
            case _:
                return known


def load_floors(
    directory: Path, catalogue: Catalogue, purposes: frozenset[str]
) -> tuple[Floor, ...]:
    """Read every floor of a folder, by region.

    Raises:
        Unreadable: faults of all files, or a parent that does not exist.
    """
    texts = PolicyTexts(catalogue, purposes)
    floors = read_folder(directory, texts.read_floor)
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


def _window(form: Form, fields: Mapping[str, Node]) -> dict[str, str | None]:
    first = form.day(fields.get("valid_from"), "valid_from")
    last = form.day(fields.get("valid_to"), "valid_to")
    if first and last and last < first:
        form.wrong(fields["valid_to"], "valid_to", "lies before valid_from", "Swap the two.")
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


def _citation(form: Form, entries: Mapping[str, Node], path: str) -> dict[str, str]:
    cite = form.text(entries.get("cite"), f"{path}.cite")
    mark = form.choice(entries.get("confidence"), f"{path}.confidence", CONFIDENCES, "mark")
    return {"cite": cite or "", "confidence": mark or ""}


def _names(
    form: Form, node: Node | None, path: str, known: Collection[str] | None, what: str
) -> list[str]:
    names: list[str] = []
    for where, item in form.items(node, path):
        name = (
            form.shaped(item, where, KEY, what)
            if known is None
            else form.choice(item, where, known, what)
        )
        if name is not None and name in names:
            form.wrong(item, where, f"{name} is given twice", "Keep one of the two.")
        elif name is not None:
            names.append(name)
    return sorted(names)


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
    evidence = []
    for where, item in form.items(node, "evidence"):
        entries = form.mapping(item, where, ("kind", "reference", "sha256"), ("valid_to",))
        kind = form.choice(entries.get("kind"), f"{where}.kind", PRECONDITIONS, "precondition")
        sha256 = form.shaped(entries.get("sha256"), f"{where}.sha256", SHA256, "SHA-256 in hex")
        evidence.append(
            Evidence(
                kind=kind or "",
                reference=form.text(entries.get("reference"), f"{where}.reference") or "",
                sha256=sha256 or "",
                valid_to=form.day(entries.get("valid_to"), f"{where}.valid_to"),
            )
        )
    # str: evidence that does not end has always stood after all days, as "None".
    evidence.sort(key=lambda item: (item.kind, item.reference, item.sha256, str(item.valid_to)))
    return [encode(item) for item in evidence]
