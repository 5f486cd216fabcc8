"""A company policy as text to edit: the published policy, or a starting text.

What is kept is the canonical document, not the text somebody typed; its comments are gone. The text
written here reads back to the same document (tested), so that a draft starts without a difference.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from app.kernel.canonical import parse_canonical
from app.kernel.vocabulary import Signal
from app.policy.changes.model import RegionView
from app.policy.knob_shapes import DAYS
from app.policy.knobs import REGISTRY
from app.policy.own_exclusions import WAYS

_WHY = ("cite", "confidence")
_ORDER = ("signals", *REGISTRY.in_files)
"""What is captured first; then the order of the region page."""


def published_text(body: bytes) -> str:
    """Write the canonical bytes of a company policy as YAML."""
    document = parse_canonical(body)
    lines = [
        f"region: {_scalar(document['region'])}",
        f"name: {_scalar(document['name'])}",
        f"status: {_scalar(document['status'])}",
        f"valid_from: {_day(document['valid_from'])}",
        f"valid_to: {_day(document['valid_to'])}",
        *([f"summary: {_scalar(document['summary'])}"] if document["summary"] else ()),
        *_knobs(document["knobs"]),
        *_evidence(document["evidence"]),
    ]
    return "\n".join(lines) + "\n"


def starting_text(view: RegionView) -> str:
    """A text to begin with, for a region that has no company policy yet.

    It asks for the two things that nothing works without, apps and purposes, and shows the rest as
    comments; what is left out stays as the floors have it.
    """
    return f"""\
# A company policy for {view.floor.name}. It can only tighten the floors above it:
# {", ".join(view.chain)}. What you leave out stays as they have it.
region: {_scalar(view.region)}
name: {_scalar(view.floor.name)}
status: approved
valid_from: null
valid_to: null
summary: "One plain sentence for people."
knobs:
  # Signals: deny, redact or allow; days of retention. Never wider than the floors.
  # signals:
  #   pointer: {{mode: redact, retention_days: 14}}
  # Without apps and purposes nothing is captured. Pages count in a listed browser only.
  apps: {{value: []}}
  purposes: {{value: [ai_training.computer_use]}}
  # An app that private people use, too, is captured in your accounts only.
  # tenants: {{value: ["slack: account example", "google_docs: domain example.com"]}}
  # Places that you leave out; each example must be excluded by what stands above it.
  # own_exclusions:
  #   value:
  #     - id: hr_wiki
  #       name: HR pages of the wiki
  #       why: They hold personnel files.
  #       pages: ["wiki.example.com/spaces/HR"]
  #       examples: ["https://wiki.example.com/spaces/HR/lane"]
  # Hours of the working week, whole hours; a day that is not named has none.
  # hours: {{value: {{mon: "08-18", tue: "08-18", wed: "08-18", thu: "08-18", fri: "08-18"}}}}
# What shows that a precondition is met; the document itself stays with you, its digest stands here.
# evidence:
#   - kind: dpia
#     reference: DPIA-2026-001
#     sha256: "64 hexadecimal digits"
#     valid_to: 2027-12-31
"""


def _knobs(knobs: Mapping[str, Any]) -> Iterator[str]:
    if not knobs:
        yield "knobs: {}"
        return
    yield "knobs:"
    for knob in (name for name in _ORDER if name in knobs):
        setting = knobs[knob]
        if knob == "signals" and setting:
            yield "  signals:"
            for signal in (name for name in Signal if name in setting):
                yield f"    {signal}: {_flow(_named(setting[signal]))}"
        elif knob == "signals":
            yield "  signals: {}"
        elif _is_long(setting["value"]):
            yield f"  {knob}:"
            yield "    value:"
            yield from (line for member in setting["value"] for line in _member(member))
            yield from (f"    {key}: {_scalar(setting[key])}" for key in _WHY if setting.get(key))
        else:
            yield f"  {knob}: {_flow(_named(setting))}"


def _member(member: Any) -> Iterator[str]:
    """One member of a list: a scalar, or a place of the company's own."""
    if not isinstance(member, Mapping):
        yield f"      - {_scalar(member)}"
        return
    keys = [key for key in ("id", "name", "why", *WAYS, "examples") if key in member]
    for place, key in enumerate(keys):
        yield f"      {'-' if place == 0 else ' '} {key}: {_flow(member[key])}"


def _evidence(evidence: Any) -> Iterator[str]:
    if not evidence:
        yield "evidence: []"
        return
    yield "evidence:"
    for item in evidence:
        for place, (key, value) in enumerate(item.items()):
            written = _day(value) if key == "valid_to" else _scalar(value)
            yield f"  {'-' if place == 0 else ' '} {key}: {written}"


def _named(setting: Mapping[str, Any]) -> dict[str, Any]:
    """A setting with its value first and empty citations left out."""
    order = ("mode", "retention_days", "value", *_WHY)
    return {
        key: setting[key] for key in order if key in setting and (key not in _WHY or setting[key])
    }


_LONG = 3
"""A list of more members is written one to a line, so that a difference is easy to see."""


def _is_long(value: Any) -> bool:
    if not isinstance(value, list):
        return False
    return len(value) > _LONG or any(isinstance(member, Mapping) for member in value)


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        keys = sorted(value, key=DAYS.index) if value.keys() <= set(DAYS) else list(value)
        return "{" + ", ".join(f"{key}: {_flow(value[key])}" for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(member) for member in value) + "]"
    return _scalar(value)


def _day(value: str | None) -> str:
    """Write a day, or that there is none."""
    return value or "null"


_WORD = re.compile(r"[a-z]+([_.][a-z0-9]+)+|[a-z]{4,}")
"""Ids and purposes: the same in YAML with and without quotes, unless they are words of YAML."""


def _scalar(value: Any) -> str:
    """Write a scalar so that YAML reads the same back: ids plain, other text in quotes.

    JSON's quotes and escapes are a part of YAML's (YAML 1.2 §1.3).
    """
    if isinstance(value, str) and _WORD.fullmatch(value) and value not in _NOT_WORDS:
        return value
    return json.dumps(value, ensure_ascii=False)


_NOT_WORDS = frozenset({"null", "true", "false"})
