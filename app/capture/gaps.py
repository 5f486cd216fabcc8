"""What is listed and yet captured nowhere, so that whoever lists it is told (pure).

Rules:
1. A page counts in a listed browser only (app/event/verdict.py). Where no browser is listed that
   agents can recognise, no page of any app is captured.
2. An app that private people use counts in the company's accounts only. Where none is named, it is
   captured nowhere.
3. It says what agents do with the same values, and decides nothing itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from app.policy.agreement import Limits
from app.policy.knobs import TENANTS
from app.policy.tenants import read_tenant


class GapKind(StrEnum):
    """Why nothing of an app is captured, or nothing of its pages."""

    NO_BROWSER = "no_browser"
    NO_TENANT = "no_tenant"


@dataclass(frozen=True)
class Gap:
    """Apps, by id, that are captured nowhere, or whose pages are not."""

    kind: GapKind
    apps: tuple[str, ...]


def gaps(limits: Limits) -> tuple[Gap, ...]:
    """What limits list in vain.

    >>> from app.policy.catalogue.model import Catalogue
    >>> from app.policy.lattice import compile_layers
    >>> gaps(Limits(compile_layers([]), Catalogue({}, {})))
    ()
    """
    return tuple(gap for gap in _gaps(limits) if gap.apps)


def reached(limits: Limits) -> frozenset[str]:
    """The apps, by id, in which anything can be captured: no browser, and not listed in vain.

    >>> from app.policy.catalogue.model import Catalogue
    >>> from app.policy.lattice import compile_layers
    >>> sorted(reached(Limits(compile_layers([]), Catalogue({}, {}))))
    []
    """
    vain = {gap.kind: {*gap.apps} for gap in gaps(limits)}
    paged, closed = (vain.get(kind, set()) for kind in (GapKind.NO_BROWSER, GapKind.NO_TENANT))
    known = limits.catalogue.apps
    return frozenset(
        name
        for name in limits.compiled.apps & known.keys()
        if not known[name].browser
        and name not in closed
        and (known[name].match.programs or (known[name].match.urls and name not in paged))
    )


def _gaps(limits: Limits) -> Iterator[Gap]:
    compiled, catalogue = limits.compiled, limits.catalogue
    known = compiled.apps & catalogue.apps.keys()
    apps = [catalogue.apps[name] for name in sorted(known)]
    if not any(app.browser and app.match.programs for app in apps):
        paged = (app.id for app in apps if app.match.urls and not app.browser)
        yield Gap(GapKind.NO_BROWSER, tuple(paged))
    named = {read_tenant(text).app for text in compiled[TENANTS]}
    shared = (app.id for app in apps if app.private_accounts and app.id not in named)
    yield Gap(GapKind.NO_TENANT, tuple(shared))
