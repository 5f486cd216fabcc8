"""What a person agreed to: the mask that no later, wider policy can reach beyond."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scope:
    """Signals, purposes and apps of one decision; what is not in it is not agreed to."""

    signals: frozenset[str]
    purposes: frozenset[str]
    apps: frozenset[str]
