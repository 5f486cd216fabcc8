"""Regions in words: their names, who decided a value there, what is listed in vain.

Pure: views in, words out.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from app.capture.gaps import Gap, GapKind
from app.kernel.places import name_of
from app.policy.agreement import AGREEMENT
from app.policy.catalogue.model import Catalogue
from app.policy.changes.model import RegionView
from app.policy.law.layer import Why
from app.web.words.policy_words import counted, listed

Names = Mapping[str, str]
"""Region code to the region's name."""


class Decider(NamedTuple):
    """Who decided a value: shaped as the macro ``chain`` shows it."""

    place: str
    kind: str
    rule: str
    citation: str
    confidence: str
    code: str


def names_of(views: Iterable[RegionView]) -> Names:
    """Region code to name, for every region with a floor; wider regions first."""
    return {view.region: view.floor.name for _, view in in_tree_order(views)}


def named(region: str, names: Names) -> str:
    """The name of a region, also of one without a floor."""
    return names.get(region) or name_of(region)


def in_tree_order(views: Iterable[RegionView]) -> tuple[tuple[int, RegionView], ...]:
    """Regions below their parents, siblings by name, each with its depth.

    A region whose parent is not among them stands at the top: it must not vanish from the page.
    """
    below: dict[str | None, list[RegionView]] = {}
    known = {view.region: view for view in views}
    for view in known.values():
        parent = view.chain[1] if len(view.chain) > 1 else None
        below.setdefault(parent if parent in known else None, []).append(view)
    rows: list[tuple[int, RegionView]] = []

    def descend(parent: str | None, depth: int) -> None:
        for view in sorted(below.get(parent, ()), key=lambda child: child.floor.name):
            rows.append((depth, view))
            descend(view.region, depth + 1)

    descend(None, 0)
    return tuple(rows)


def reasons(whys: Iterable[Why], names: Names) -> tuple[Decider, ...]:
    """Say who decided: ``floor/DE`` becomes Germany, floor. Wider regions first, floors first."""
    deciders = []
    for why in sorted(whys, key=lambda why: why.layer.startswith("company/")):
        kind, _, region = why.layer.partition("/")
        if region:
            place, code = named(region, names), region
            kind_word = {"floor": "floor", "company": "company policy"}.get(kind, kind)
        elif why == AGREEMENT:
            place, code, kind_word = "You", "—", "agreed to no more"
        else:
            place, code, kind_word = "Habeas", "—", "closed by default"
        deciders.append(Decider(place, kind_word, "", why.cite, why.confidence, code))
    order = list(names)
    deciders.sort(key=lambda decider: order.index(decider.code) if decider.code in order else -1)
    return tuple(deciders)


_MOST = 4
"""Apps that a sentence names; of more it says how many."""


def gap_in_words(gap: Gap, catalogue: Catalogue) -> str:
    """What is listed in vain, and the way out, as a sentence.

    >>> gap_in_words(Gap(GapKind.NO_TENANT, ("slack",)), Catalogue({}, {}))
    'slack is captured nowhere: name the accounts that are yours under tenants.'
    """
    names = [catalogue.apps[name].name if name in catalogue.apps else name for name in gap.apps]
    rest = len(names) - _MOST
    who = listed([*names[:_MOST], counted(rest, "more app")] if rest > 0 else names)
    match gap.kind:
        case GapKind.NO_BROWSER:
            browsers = sorted(app.id for app in catalogue.apps.values() if app.browser)
            such = f", such as {browsers[0]}" if browsers else ""
            return f"No page of {who} can be captured: list a browser under apps{such}."
        case GapKind.NO_TENANT:
            verb = "is" if len(names) == 1 else "are"
            return f"{who} {verb} captured nowhere: name the accounts that are yours under tenants."
