"""The policy document as an agent reads it: strictly, in a form that it understands.

Rules:
1. A document has exactly the knobs, signals and matchers of its form (app/policy/knobs.py), and
   each signal, app and exclusion in it has exactly its fields. A field that is not known might be a
   rule, so it is a fault; so is one that is missing.
2. Every value has the shape of its knob's row, and every name of a closed set is of the form. What
   a value means is the guard's affair.
3. A knob or a matcher that this agent has no code for is one that it cannot keep to: no document
   with it is understood.
4. What a document of an older form does not name, the service has denied in it already.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from app.event.recognition import MATCHED
from app.event.rules import JUDGED
from app.kernel.canonical import digest, parse_canonical
from app.kernel.forms import AGENT_FORM
from app.kernel.refusals import Refusal
from app.kernel.vocabulary import MODES
from app.policy.catalogue.matchers import MatcherRow
from app.policy.catalogue.model import OTHERS
from app.policy.document import app_fields
from app.policy.knob_row import Judged, Knob
from app.policy.knob_shapes import NameSet
from app.policy.knobs import APPS, EXCLUSIONS, OWN_EXCLUSIONS, KnobRegistry
from app.sdk.lease import Lease, Refused


def read_document(lease: Lease, data: bytes | None, registry: KnobRegistry) -> Mapping[str, Any]:
    """Read the policy document of a lease; nothing, if the lease names none.

    Raises:
        Refused: it is not the one that the lease names, or cannot be understood whole.
    """
    if lease.policy is None:
        return {}
    understood = partial(_is_of_form, form=lease.form, registry=registry)
    return read_named(lease.policy, data, understood, "the policy document")


def read_named(
    name: str, data: bytes | None, understood: Callable[[Any], bool], what: str
) -> Mapping[str, Any]:
    """Read a document that a lease names.

    Args:
        name: its digest, as the lease says it.
        data: its bytes, if any came.
        understood: whether it has the fields of its form; whatever it raises of values that have
            another shape, it is not understood.
        what: the document in words.

    Raises:
        Refused: it is not the one that the lease names, or cannot be understood whole.
    """
    if data is None or digest(data) != name:
        raise Refused(Refusal.POLICY_MISMATCH, f"{what} is not the one the lease names")
    try:
        document = parse_canonical(data)
        whole = understood(document)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Refused(Refusal.POLICY_UNREADABLE, f"{what} cannot be read") from error
    if not whole:
        raise Refused(Refusal.POLICY_UNREADABLE, f"{what} is of an unknown form")
    return dict(document)


def _is_of_form(document: Any, form: int, registry: KnobRegistry) -> bool:
    """Whether a document has the fields of a form (rules 1 to 3).

    Raises:
        ValueError, KeyError, TypeError, AttributeError: a value has not its knob's shape.
    """
    rows = registry.told_in(form)
    of_apps = registry.matchers_of_apps(form)
    matchers = registry.matchers_of_exclusions(form)
    return (
        AGENT_FORM <= form <= registry.newest
        and document["v"] == form
        and document.keys() == {"v", "signals", "layers", *(row.name for row in rows)}
        and all(_keeps(row, document[row.name], form) for row in rows)
        and all(row.name in MATCHED for row in (*of_apps, *matchers))
        and document["signals"].keys() == set(registry.signals_in(form))
        and all(_is_signal(rule) for rule in document["signals"].values())
        and _are_texts(document["layers"])
        and all(_is_app(app, form, of_apps) for app in document[APPS.name])
        and all(
            _is_place(item, ("id", "name"), matchers)
            for row in rows
            if row.name in {EXCLUSIONS.name, OWN_EXCLUSIONS.name}
            for item in document[row.name]
        )
    )


def _keeps(row: Knob[Any], value: Any, form: int) -> bool:
    """Whether a value is one of its knob in a form, and the guard has code for the knob."""
    row.shape.check(value)
    newer = row.shape.newer_than(form) if isinstance(row.shape, NameSet) else frozenset()
    return (
        (value is not None or row.unnamed is None)
        and (not newer or newer.isdisjoint(value))
        and (not isinstance(row.use, Judged) or row.name in JUDGED)
    )


def _is_signal(rule: Any) -> bool:
    days = rule["retention_days"]
    return (
        rule.keys() == {"mode", "retention_days"}
        and rule["mode"] in MODES
        and type(days) is int
        and days >= 0
    )


def _is_app(app: Any, form: int, matchers: tuple[MatcherRow, ...]) -> bool:
    """Whether an app has exactly the fields of a form."""
    flags = {"private_accounts"} & {*app_fields(form)}
    texts = tuple(name for name in app_fields(form) if name not in flags)
    plain = {name: value for name, value in app.items() if name not in flags}
    return (
        app.keys() == {*app_fields(form), "match"}
        and all(isinstance(app[name], bool) for name in flags)
        and app.get("others", "") in {"", *OTHERS}
        and _is_place(plain, texts, matchers)
    )


def _is_place(place: Any, texts: tuple[str, ...], matchers: tuple[MatcherRow, ...]) -> bool:
    """Whether an app or an exclusion has exactly these texts and these matchers."""
    match = place["match"]
    return (
        place.keys() == {*texts, "match"}
        and all(isinstance(place[name], str) for name in texts)
        and match.keys() == {row.name for row in matchers}
        and all(row.reads(match[row.name]) for row in matchers)
    )


def _are_texts(raw: Any) -> bool:
    return isinstance(raw, list) and all(isinstance(text, str) for text in raw)
