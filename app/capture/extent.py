"""What can be captured at all: what is in force, within what was agreed to (pure).

Rules:
1. Where the region is not blocked, it is what the policy document of agents lists: pages that name
   signals, apps and purposes name those.
2. An exclusion that the catalogue does not describe cannot be kept to, so then nothing is listed.
3. Without a signal, without an app or without a purpose nothing may be captured.
"""

from dataclasses import dataclass

from app.consent.model import State, suffices
from app.kernel.vocabulary import Mode
from app.policy.agreement import Limits
from app.policy.knobs import EXCLUSIONS
from app.policy.model import Compiled


@dataclass(frozen=True)
class Extent:
    """Signals, apps (ids of the catalogue) and purposes; each sorted, signals in their order."""

    signals: tuple[str, ...]
    apps: tuple[str, ...]
    purposes: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Whether nothing may be captured (rule 3)."""
        return not (self.signals and self.apps and self.purposes)


def extent(limits: Limits) -> Extent:
    """Say what can be captured.

    >>> from app.policy.catalogue.model import Catalogue
    >>> from app.policy.lattice import compile_layers
    >>> extent(Limits(compile_layers([]), Catalogue({}, {}))).empty
    True
    """
    compiled, catalogue = limits.compiled, limits.catalogue
    signals = [
        signal.value for signal, rule in compiled.signals.items() if rule.mode is not Mode.DENY
    ]
    apps, purposes = compiled.apps & catalogue.apps.keys(), compiled.purposes
    if not compiled[EXCLUSIONS] <= catalogue.exclusions.keys():
        apps, purposes = frozenset(), frozenset()
    return Extent(tuple(signals), tuple(sorted(apps)), tuple(sorted(purposes)))


def barring_knob(compiled: Compiled) -> str:
    """Which knob bars it: no sufficient basis, or a layer that is not approved.

    >>> from app.policy.lattice import compile_layers
    >>> barring_knob(compile_layers([]))
    'bases'
    """
    return "status" if suffices(compiled.bases, State.GIVEN) else "bases"
