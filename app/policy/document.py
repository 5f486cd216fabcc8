"""The policy document that agents fetch, in a numbered form.

Rules:
1. A document is canonical and shared by everybody with the same result. Its form is in ``v``.
2. It names the knobs and signals of its form and nothing else: an agent that meets a field which it
   does not know must turn off.
3. What a form cannot say is denied in it: a newer signal is absent, and where a newer knob limits
   anything, the signals that it governs are denied.
4. An app of which the form cannot say how it is recognised, or what must be known of it, is left
   out. An exclusion that the
   catalogue does not describe, or that the form cannot say, cannot be kept to, so then no app is
   listed.
5. Where a knob has a name that is newer than the form, the name is left out and the signals that
   depend on it are denied.
"""

from typing import Any

from app.kernel.forms import FIRST_FORM
from app.kernel.vocabulary import Mode
from app.policy.agreement import Limits
from app.policy.catalogue.matchers import MatcherRow
from app.policy.catalogue.model import App, Catalogue, Exclusion, Matchers
from app.policy.knob_row import Knob
from app.policy.knob_shapes import NameSet, NameSource, OwnExclusions
from app.policy.knobs import APPS, EXCLUSIONS, PURPOSES, KnobRegistry
from app.policy.model import Compiled
from app.policy.own_exclusions import as_exclusions

FLAGS_FORM = 2
"""The first form that says of apps whose words they show and whether private people use them."""


def document(limits: Limits, form: int = FIRST_FORM) -> dict[str, Any]:
    """Write the policy document of a form.

    >>> from app.policy.lattice import compile_layers
    >>> written = document(Limits(compile_layers([]), Catalogue({}, {})))
    >>> written["v"], written["signals"]["click"], written["apps"]
    (1, {'mode': 'deny', 'retention_days': 0}, [])

    Args:
        limits: what binds the recorder.
        form: a number that the agent understands.
    """
    compiled, catalogue = limits.compiled, limits.catalogue
    registry = compiled.registry
    values = {**compiled.values, **_tellable(limits, form)}
    return {
        "v": form,
        "signals": _signals(compiled, form),
        "layers": sorted(compiled.layers),
        **{
            row.name: _in_document(row, values[row.name], catalogue, registry, form)
            for row in registry.told_in(form)
        },
    }


def _tellable(limits: Limits, form: int) -> dict[str, frozenset[str]]:
    """What of the apps, purposes and exclusions can be told to an agent."""
    compiled, catalogue = limits.compiled, limits.catalogue
    apps, purposes = compiled[APPS], compiled[PURPOSES]
    newer = compiled.registry.matchers_newer_than(form)
    known = frozenset(
        name
        for name in compiled[EXCLUSIONS] & catalogue.exclusions.keys()
        if not _uses(catalogue.exclusions[name].match, newer)
    )
    apps = frozenset(
        name for name in apps & catalogue.apps.keys() if _sayable(catalogue.apps[name], newer, form)
    )
    if compiled.blocked or known != compiled[EXCLUSIONS]:
        apps, purposes = frozenset(), frozenset()
    return {APPS.name: apps, PURPOSES.name: purposes, EXCLUSIONS.name: known}


def _sayable(app: App, newer: tuple[MatcherRow, ...], form: int) -> bool:
    """Whether a form can say all that must be known of an app (rule 4)."""
    told = form >= FLAGS_FORM or not (app.others or app.private_accounts)
    return told and not _uses(app.match, newer)


def _uses(match: Matchers, rows: tuple[MatcherRow, ...]) -> bool:
    return any(getattr(match, row.name) for row in rows)


def _in_document(
    row: Knob[Any], value: Any, catalogue: Catalogue, registry: KnobRegistry, form: int
) -> Any:
    match row.shape:
        case NameSet(known=NameSource.APPS):
            return [_app(catalogue.apps[name], registry, form) for name in sorted(value)]
        case NameSet(known=NameSource.EXCLUSIONS):
            of_exclusions = registry.matchers_of_exclusions(form)
            return [_exclusion(catalogue.exclusions[name], of_exclusions) for name in sorted(value)]
        case OwnExclusions():
            of_exclusions = registry.matchers_of_exclusions(form)
            return [_exclusion(item, of_exclusions) for item in as_exclusions(value)]
        case NameSet() as shape:
            return row.readable(value - shape.newer_than(form))
        case _:
            return row.readable(value)


def _signals(compiled: Compiled, form: int) -> dict[str, Any]:
    denied = _denied(compiled, form)
    signals: dict[str, Any] = {}
    for signal in compiled.registry.signals_in(form):
        rule = compiled.signals[signal]
        mode = Mode.DENY if compiled.blocked or signal in denied else rule.mode
        days = 0 if mode is Mode.DENY else rule.retention_days
        signals[str(signal)] = {"mode": mode.word, "retention_days": days}
    return signals


def _denied(compiled: Compiled, form: int) -> frozenset[str]:
    """The signals that are limited in a way that this form cannot say (rules 3 and 5)."""
    registry = compiled.registry
    limiting = [row for row in registry.newer_than(form) if row.limits(compiled[row])]
    named = [row for row in registry.told_in(form) if row.names_newer(compiled[row], form)]
    return frozenset(
        signal
        for signal in compiled.signals
        if any(row.governs(signal) for row in limiting)
        or any(row.names_govern(signal) for row in named)
    )


def app_fields(form: int) -> tuple[str, ...]:
    """What a document of a form says of an app next to its matchers.

    >>> app_fields(1), app_fields(2)[3:]
    (('id', 'name', 'group'), ('others', 'private_accounts'))
    """
    return ("id", "name", "group", *(("others", "private_accounts") if form >= FLAGS_FORM else ()))


def _app(app: App, registry: KnobRegistry, form: int) -> dict[str, Any]:
    said: dict[str, Any] = {name: getattr(app, name) for name in app_fields(form)}
    if "others" in said:
        said["others"] = app.words
    return {**said, "match": _match(app.match, registry.matchers_of_apps(form))}


def _exclusion(item: Exclusion, rows: tuple[MatcherRow, ...]) -> dict[str, Any]:
    return {"id": item.id, "name": item.name, "match": _match(item.match, rows)}


def _match(match: Matchers, rows: tuple[MatcherRow, ...]) -> dict[str, Any]:
    return {row.name: row.write(getattr(match, row.name)) for row in rows}
