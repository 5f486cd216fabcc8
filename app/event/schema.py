"""What agents write and read, as JSON Schemas (draft 2020-12), computed from the registries (pure).

Rules:
1. A schema takes what our own reader takes. Both are made from the same lists, patterns and bounds,
   and tests hold the two against each other.
2. What a schema cannot say, our reader asks for besides: that the day of an instant exists, that a
   text has no half of a surrogate pair, and that no member is given twice (JSON text only).
3. A pattern holds for a whole text, also in programs where ``$`` fits before a final line break.
"""

import re
from typing import Any, TypeAlias

from app.event.model import WindowKind
from app.event.reading import (
    AT,
    MAX_ITEMS,
    MAX_TEXT,
    MEMBERS,
    PICTURED,
    PLACE_MEMBERS,
    PROGRAM_MEMBERS,
)
from app.kernel.forms import COUNTERPARTY_KIND
from app.kernel.shapes import PARENTS, REGION, whole
from app.kernel.vocabulary import FieldKind, Mode, Signal
from app.policy.counterparties import SINCE
from app.policy.knobs import REGISTRY, KnobRegistry

Schema: TypeAlias = dict[str, Any]

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_TEXT: Schema = {"type": "string", "minLength": 1, "maxLength": MAX_TEXT}
_NULL: Schema = {"type": "null"}
_MODE: Schema = {"enum": [mode.word for mode in Mode]}


def _pattern(shape: re.Pattern[str]) -> Schema:
    return {"type": "string", "pattern": whole(shape) + r"(?!\n)"}


_REGION: Schema = {**_pattern(REGION), "not": {"enum": list(PARENTS)}}


def event_schema() -> Schema:
    """The schema of an event, form 2.

    >>> schema = event_schema()
    >>> schema["required"][:3], schema["$defs"]["window"]
    (['at', 'signal', 'program'], {'enum': ['private', 'ordinary', 'unknown']})
    """
    members = {
        "at": {
            **_pattern(AT),
            "description": "An instant with its offset (RFC 3339). The offset has no meaning.",
        },
        "signal": {"enum": [str(signal) for signal in Signal]},
        **{name: _ref(name) for name in PLACE_MEMBERS},
        PICTURED: {
            **_or_null(_list(_ref("place"))),
            "description": "Of screenshots only: the other windows that are visible in the "
            "picture. An empty list: it shows one window alone. Null or left out: not known.",
        },
    }
    return {
        "$schema": _DRAFT,
        "title": "An event of the user interface, form 2",
        **_object(members, required=MEMBERS),
        "if": {"properties": {"signal": {"const": Signal.SCREENSHOT.value}}},
        "else": {"properties": {PICTURED: False}},
        "$defs": {**_place_members(), "place": _place()},
    }


def counterparties_schema(registry: KnobRegistry = REGISTRY) -> Schema:
    """The schema of a counterparty document in the newest form.

    >>> sorted(counterparties_schema()["properties"])
    ['kind', 'regions', 'unknown', 'v']

    Args:
        registry: says which signals a form has.
    """
    form = max(SINCE, registry.newest)
    members = {
        "kind": {"const": COUNTERPARTY_KIND},
        "v": {"const": form},
        "regions": {
            "type": "object",
            "propertyNames": _REGION,
            "additionalProperties": _ref("row"),
            "description": "By region of the other side. A region that is not here is denied.",
        },
        "unknown": _ref("row"),
    }
    signals = tuple(str(signal) for signal in registry.signals_in(form))
    return {
        "$schema": _DRAFT,
        "title": f"What may be kept where another person's words are in view, form {form}",
        **_object(members, required=tuple(members)),
        "$defs": {"row": _object(dict.fromkeys(signals, _MODE), required=signals)},
    }


def _place_members() -> Schema:
    program = {name: _or_null(_TEXT) for name in PROGRAM_MEMBERS}
    return {
        "program": _object(program, required=PROGRAM_MEMBERS),
        "address": {
            **_or_null(_TEXT),
            "description": "Of the page that this very program shows; null if there is none, or it "
            "is not known.",
        },
        "frames": {
            **_or_null(_list(_TEXT)),
            "description": "Addresses of the frames from the page down to where the event "
            "happened. An empty list: in the page itself, or there is no page.",
        },
        "window": {"enum": [str(kind) for kind in WindowKind]},
        "title": {
            **_or_null({**_TEXT, "minLength": 0}),
            "description": "Judged, never kept or reported.",
        },
        "account": {
            **_or_null(_TEXT),
            "description": "The account or workspace in use, as the app shows it. Judged, never "
            "kept or reported.",
        },
        "field": {
            **_TEXT,
            "description": "What the field that has the focus is for. A word that is not among the "
            "examples is read as unknown.",
            "examples": [str(kind) for kind in FieldKind],
        },
        "counterparties": {
            **_or_null(_list(_REGION)),
            "description": "Countries, or parts of them, of the other people whose words are in "
            "view. An empty list: there is nobody else.",
        },
    }


def _place() -> Schema:
    return _object({name: _ref(name) for name in PLACE_MEMBERS}, required=PLACE_MEMBERS)


def _object(properties: Schema, *, required: tuple[str, ...]) -> Schema:
    """An object that has the required members and no other than these properties."""
    return {
        "type": "object",
        "required": list(required),
        "properties": properties,
        "additionalProperties": False,
    }


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items, "maxItems": MAX_ITEMS}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, _NULL]}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}
