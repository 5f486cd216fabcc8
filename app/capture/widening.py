"""What is offered beyond what somebody agreed to (pure).

Rules:
1. It is the difference between two results: what is offered, and the same within the agreement. The
   second can only be narrower, so each difference widens.
2. A difference that nothing could be captured by is none: days of a signal that is not offered, or
   another name of a place that stays excluded.
3. Programs and sites may be recognised more widely than was shown, and places excluded less widely,
   under the same name. That is a difference, too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from app.kernel.vocabulary import Mode
from app.policy.agreement import Limits
from app.policy.catalogue.model import App, Exclusion
from app.policy.knobs import EXCLUSIONS, retention_of
from app.policy.lattice import changes_in
from app.policy.model import Compiled, KnobChange


@dataclass(frozen=True)
class Wider:
    """What is offered beyond an agreement; false where nothing is.

    Attributes:
        knobs: from what was agreed to, to what is offered.
        apps: that are recognised in more ways.
        exclusions: that are recognised in fewer ways.
    """

    knobs: tuple[KnobChange, ...] = ()
    apps: tuple[str, ...] = ()
    exclusions: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything is."""
        return bool(self.knobs or self.apps or self.exclusions)


NOTHING_WIDER = Wider()

_Described: TypeAlias = App | Exclusion


def wider(agreed: Limits, offered: Limits) -> Wider:
    """Compare what is offered with the same within an agreement.

    >>> from app.policy.catalogue.model import Catalogue
    >>> from app.policy.lattice import compile_layers
    >>> nothing = Limits(compile_layers([]), Catalogue({}, {}))
    >>> bool(wider(nothing, nothing))
    False

    Args:
        agreed: what binds the recorder (``Situation.limits``).
        offered: what would without an agreement (``Situation.open``).
    """
    before, after = agreed.compiled, offered.compiled
    registry = after.registry
    names = {row.name for row in registry.agreed} - _without_effect(after)
    changes = changes_in(registry, before.values.get, after.values.get)
    left_out: frozenset[str] = before[EXCLUSIONS]
    shown, now = agreed.catalogue, offered.catalogue
    return Wider(
        knobs=tuple(
            change for change in changes if change.knob in names and change.direction != "same"
        ),
        apps=_differing(shown.apps, now.apps, before.apps & after.apps),
        exclusions=_differing(shown.exclusions, now.exclusions, left_out),
    )


def _without_effect(offered: Compiled) -> set[str]:
    """The days of signals that are not offered (rule 2)."""
    signals = offered.signals.items()
    return {retention_of(signal).name for signal, rule in signals if rule.mode is Mode.DENY}


def _differing(
    before: Mapping[str, _Described], after: Mapping[str, _Described], names: frozenset[str]
) -> tuple[str, ...]:
    """The names under which two catalogues recognise something else."""
    both = names & before.keys() & after.keys()
    return tuple(sorted(name for name in both if before[name].match != after[name].match))
