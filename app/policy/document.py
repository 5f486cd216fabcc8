"""The policy document that agents fetch, in a numbered form.

Rules:
1. A document is canonical and shared by everybody with the same result. Its form is in ``v``.
2. It names the knobs and signals of its form and nothing else: an agent that meets a field which it
   does not know must turn off.
3. What a form cannot say is denied in it: a newer signal is absent, and where a newer knob limits
   anything, the signals that it governs are denied.
4. An exclusion that the catalogue does not describe cannot be kept to, so then no app is listed.
"""

from typing import Any

from app.kernel.forms import FIRST_FORM
from app.kernel.scope import Scope
from app.kernel.vocabulary import Mode
from app.policy.catalogue.model import App, Catalogue, Exclusion, Matchers
from app.policy.knob_shapes import NameSet, NameSource
from app.policy.knobs import APPS, EXCLUSIONS, PURPOSES, Knob
from app.policy.model import Compiled


def document(
    compiled: Compiled, scope: Scope | None, catalogue: Catalogue, form: int = FIRST_FORM
) -> dict[str, Any]:
    """Write the policy document of a form.

    >>> from app.policy.lattice import compile_layers
    >>> written = document(compile_layers([]), None, Catalogue({}, {}))
    >>> written["v"], written["signals"]["click"], written["apps"]
    (1, {'mode': 'deny', 'retention_days': 0}, [])

    Args:
        compiled: what holds.
        scope: what the person agreed to; nothing outside it is allowed. None: no person is meant.
        catalogue: where apps and exclusions are described.
        form: a number that the agent understands.
    """
    values = {**compiled.values, **_masked(compiled, scope, catalogue)}
    return {
        "v": form,
        "signals": _signals(compiled, scope, form),
        "layers": sorted(compiled.layers),
        **{
            row.name: _in_document(row, values[row.name], catalogue)
            for row in compiled.registry.told_in(form)
        },
    }


def _masked(
    compiled: Compiled, scope: Scope | None, catalogue: Catalogue
) -> dict[str, frozenset[str]]:
    """What of the apps, purposes and exclusions can be told to an agent."""
    apps, purposes = compiled[APPS], compiled[PURPOSES]
    if scope is not None:
        apps, purposes = apps & scope.apps, purposes & scope.purposes
    known = compiled[EXCLUSIONS] & catalogue.exclusions.keys()
    if compiled.blocked or known != compiled[EXCLUSIONS]:
        apps, purposes = frozenset(), frozenset()
    return {APPS.name: apps, PURPOSES.name: purposes, EXCLUSIONS.name: known}


def _in_document(row: Knob[Any], value: Any, catalogue: Catalogue) -> Any:
    match row.shape:
        case NameSet(known=NameSource.APPS):
            return [_app(catalogue.apps[name]) for name in sorted(value) if name in catalogue.apps]
        case NameSet(known=NameSource.EXCLUSIONS):
            return [_exclusion(catalogue.exclusions[name]) for name in sorted(value)]
        case _:
            return row.readable(value)


def _signals(compiled: Compiled, scope: Scope | None, form: int) -> dict[str, Any]:
    denied = _denied(compiled, form)
    signals: dict[str, Any] = {}
    for signal in compiled.registry.signals_in(form):
        rule = compiled.signals[signal]
        outside = compiled.blocked or (scope is not None and signal not in scope.signals)
        mode = Mode.DENY if outside or signal in denied else rule.mode
        days = 0 if mode is Mode.DENY else rule.retention_days
        signals[str(signal)] = {"mode": mode.word, "retention_days": days}
    return signals


def _denied(compiled: Compiled, form: int) -> frozenset[str]:
    """The signals that a newer knob limits in a way that this form cannot say (rule 3)."""
    limiting = [row for row in compiled.registry.newer_than(form) if row.limits(compiled[row])]
    return frozenset(
        signal for signal in compiled.signals if any(row.governs(signal) for row in limiting)
    )


def _app(app: App) -> dict[str, Any]:
    return {"id": app.id, "name": app.name, "group": app.group, "match": _app_match(app.match)}


def _exclusion(item: Exclusion) -> dict[str, Any]:
    return {"id": item.id, "name": item.name, "match": _exclusion_match(item.match)}


def _app_match(match: Matchers) -> dict[str, Any]:
    return {
        "bundle_ids": sorted(match.bundle_ids),
        "executables": sorted(match.executables),
        "urls": sorted(match.urls),
    }


def _exclusion_match(match: Matchers) -> dict[str, Any]:
    return {**_app_match(match), "fields": sorted(match.fields), "private": match.private}
