"""policies/purposes.yaml: the purposes in words for people, with standard terms for machines.

The file explains the floor and grants nothing. It is read strictly, and its keys must be the
floor's, no more and no fewer; otherwise the program does not start. It also lists the datasets that
can be asked for: a name that a consumer makes up would carry its text into the log.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from yaml.nodes import Node

from app.access.floor.obligations import OBLIGATIONS
from app.access.floor.terms import ALLOWED, BREAK_GLASS, FLOOR_VERSION, PROHIBITED
from app.kernel.canonical import Json, canonical, digest
from app.kernel.shapes import CODE
from app.policy.strict import Form

_SECTIONS = {"allowed": ALLOWED, "break_glass": BREAK_GLASS, "prohibited": PROHIBITED}
_TEXTS = ("label", "description")
_LISTS = ("dpv", "related", "fides")


@dataclass(frozen=True)
class PurposeText:
    """One purpose as people and other vocabularies know it.

    Attributes:
        key: the floor's key or root.
        section: ``allowed``, ``break_glass``, ``prohibited``.
        dpv: IRIs of DPV purposes. related: IRIs of other terms. fides: data uses.
        obligations: codes; empty for what cannot be permitted.
    """

    key: str
    section: str
    label: str
    description: str
    dpv: tuple[str, ...]
    related: tuple[str, ...]
    fides: tuple[str, ...]
    obligations: tuple[str, ...] = ()


@dataclass(frozen=True)
class PurposeFile:
    """The whole file: its purposes in order, and its canonical bytes under their digest.

    Attributes:
        datasets: the closed list of datasets, sorted.
    """

    texts: tuple[PurposeText, ...]
    datasets: tuple[str, ...]
    document: bytes

    @property
    def digest(self) -> str:
        """Names the content."""
        return digest(self.document)

    def text(self, key: str) -> PurposeText | None:
        """The words for a key of the floor."""
        return next((text for text in self.texts if text.key == key), None)

    def described(self, key: str) -> PurposeText:
        """The words for a key; a key that the file does not know describes itself (law 8)."""
        return self.text(key) or PurposeText(key, "", key, "", (), (), ())


def load_purposes(path: Path) -> PurposeFile:
    """Read the file.

    Raises:
        Unreadable: not strict YAML of this shape, or not in agreement with the floor; each fault
            names line and column.
    """
    form = Form(path.name)
    root = form.compose(path.read_bytes())
    fields = form.mapping(root, "", ("floor_version", "datasets", *_SECTIONS), ())
    form.number(fields.get("floor_version"), "floor_version", FLOOR_VERSION, FLOOR_VERSION)
    datasets = _datasets(form, fields.get("datasets"))
    texts = [
        text
        for section, keys in _SECTIONS.items()
        for text in _section(form, section, fields.get(section), keys)
    ]
    form.finish()
    return PurposeFile(tuple(texts), datasets, _document(texts, datasets))


def _datasets(form: Form, node: Node | None) -> tuple[str, ...]:
    codes: set[str] = set()
    for where, item in form.items(node, "datasets"):
        code = form.shaped(item, where, CODE, "dataset")
        if code in codes:
            form.wrong(item, where, "is given twice", "Keep one of the two.")
        elif code is not None:
            codes.add(code)
    return tuple(sorted(codes))


def _section(
    form: Form, section: str, node: Node | None, keys: frozenset[str]
) -> Iterator[PurposeText]:
    extra = ("obligations",) if section == "allowed" else ()
    for key, entry in form.mapping(node, section, sorted(keys), ()).items():
        path = f"{section}.{key}"
        fields = form.mapping(entry, path, (*_TEXTS, *_LISTS, *extra), ())

        text = PurposeText(
            key=key,
            section=section,
            label=form.text(fields.get("label"), f"{path}.label") or "",
            description=form.text(fields.get("description"), f"{path}.description") or "",
            dpv=_listed(form, fields.get("dpv"), f"{path}.dpv"),
            related=_listed(form, fields.get("related"), f"{path}.related"),
            fides=_listed(form, fields.get("fides"), f"{path}.fides"),
            obligations=_listed(form, fields.get("obligations"), f"{path}.obligations"),
        )
        if extra and text.obligations != OBLIGATIONS:
            cure = f"Write obligations: [{', '.join(OBLIGATIONS)}]."
            form.wrong(entry, path, "does not carry every obligation", cure)
        yield text


def _listed(form: Form, node: Node | None, path: str) -> tuple[str, ...]:
    return tuple(form.text(item, where) or "" for where, item in form.items(node, path))


def _document(texts: list[PurposeText], datasets: tuple[str, ...]) -> bytes:
    sections: dict[str, dict[str, Json]] = {section: {} for section in _SECTIONS}
    for text in texts:
        entry: dict[str, Json] = {
            "label": text.label,
            "description": text.description,
            "dpv": text.dpv,
            "related": text.related,
            "fides": text.fides,
        }
        if text.section == "allowed":
            entry["obligations"] = text.obligations
        sections[text.section][text.key] = entry
    head: dict[str, Json] = {"v": 1, "kind": "purposes", "floor_version": FLOOR_VERSION}
    return canonical({**head, "datasets": datasets, **sections})
