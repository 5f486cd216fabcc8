"""What agents write and read, as JSON Schemas (draft 2020-12), computed from the registries (pure).

Rules:
1. A schema takes what our own reader takes. Both are made from the same lists, patterns and bounds,
   and tests hold the two against each other.
2. What a schema cannot say, our reader asks for besides. Of an event: that the day of its instant
   exists, that a text has no half of a surrogate pair, and that no member is given twice. Of the
   documents: that they are canonical JSON with the digest that the lease names, that the texts of
   matchers can be read (app/policy/catalogue/patterns.py), and that the row for an unknown region
   allows no more than any other.
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
from app.policy.catalogue.matchers import MatcherRow
from app.policy.catalogue.model import OTHERS
from app.policy.counterparties import SINCE
from app.policy.document import app_fields
from app.policy.knob_row import Knob
from app.policy.knob_shapes import (
    HOURS_OF_WEEK,
    ApprovalStatus,
    Modes,
    NameSet,
    NameSource,
    Number,
    OwnExclusions,
    Shape,
    Week,
)
from app.policy.knobs import REGISTRY, KnobRegistry

Schema: TypeAlias = dict[str, Any]

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_TEXT: Schema = {"type": "string", "minLength": 1, "maxLength": MAX_TEXT}
_NULL: Schema = {"type": "null"}
_STRING: Schema = {"type": "string"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
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


def policy_schema(registry: KnobRegistry = REGISTRY) -> Schema:
    """The schema of a policy document in the newest form.

    >>> schema = policy_schema()
    >>> schema["properties"]["off_hours"], schema["properties"]["layers"]["type"]
    ({'enum': ['deny', 'redact', 'allow']}, 'array')

    Args:
        registry: the knobs, signals and matchers that a form has.
    """
    form = registry.newest
    signals = tuple(str(signal) for signal in registry.signals_in(form))
    members = {
        "v": {"const": form},
        "signals": _object(dict.fromkeys(signals, _ref("signal")), required=signals),
        "layers": {"type": "array", "items": _STRING},
        **{row.name: _knob(row, form) for row in registry.told_in(form)},
    }
    return {
        "$schema": _DRAFT,
        "title": f"What a recorder must obey, form {form}",
        **_object(members, required=tuple(members)),
        "$defs": {
            "signal": _exactly(mode=_MODE, retention_days=_COUNT),
            "app": _exactly(**_app_members(form), match=_match(registry.matchers_of_apps(form))),
            "exclusion": _exactly(
                id=_STRING, name=_STRING, match=_match(registry.matchers_of_exclusions(form))
            ),
        },
    }


def _knob(row: Knob[Any], form: int) -> Schema:
    shape = _shape(row.shape, form)
    return shape if row.unnamed is not None else _or_null(shape)


def _shape(shape: Shape, form: int) -> Schema:
    """The values of a shape, as ``Shape.check`` takes them."""
    match shape:
        case ApprovalStatus():
            return {"enum": ["approved", "blocked"]}
        case Number(unit=unit):
            return {**_COUNT, "description": f"A number of {unit}s."}
        case Modes():
            return _MODE
        case NameSet():
            return {"type": "array", "items": _name(shape, form)}
        case OwnExclusions():
            return {"type": "array", "items": _ref("exclusion")}
        case Week():
            hour = {"type": "integer", "minimum": 0, "maximum": HOURS_OF_WEEK - 1}
            return {
                "type": "array",
                "items": hour,
                "description": "Hours of the week; 0 begins on Monday at 00:00.",
            }


def _name(shape: NameSet, form: int) -> Schema:
    match shape.known:
        case NameSource.APPS:
            return _ref("app")
        case NameSource.EXCLUSIONS:
            return _ref("exclusion")
        case NameSource.TENANTS:
            return {
                **_STRING,
                "description": "An account of an app that is the company's.",
                "examples": ["slack: account example", "google_docs: domain example.com"],
            }
        case NameSource():
            return _STRING
        case names:
            newer = shape.newer_than(form)
            return {"enum": [name for name in names if name not in newer]}


def _app_members(form: int) -> Schema:
    said: Schema = dict.fromkeys(app_fields(form), _STRING)
    said["others"] = {
        "enum": ["", *OTHERS],
        "description": "In what the app shows other people's words; empty: it shows none.",
    }
    said["private_accounts"] = {"type": "boolean"}
    return said


def _match(rows: tuple[MatcherRow, ...]) -> Schema:
    return _exactly(**{row.name: _matcher(row) for row in rows})


def _matcher(row: MatcherRow) -> Schema:
    if row.flag:
        return {"type": "boolean"}
    texts: Schema = {"type": "array", "items": _STRING}
    return {**texts, "examples": [[row.sample]]} if row.sample else texts


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


def _exactly(**properties: Schema) -> Schema:
    return _object(properties, required=tuple(properties))


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items, "maxItems": MAX_ITEMS}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, _NULL]}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}
