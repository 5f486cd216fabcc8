"""Everything that is folded from the log, together."""

from collections.abc import Callable
from dataclasses import dataclass, field

from app.access.recorded import consumer_chain
from app.policy.knobs import KnobRegistry
from app.sdk.verify.folded.alarms import Alarms
from app.sdk.verify.folded.law import Law
from app.sdk.verify.folded.people import Documents, People
from app.sdk.verify.folded.registry import Registry
from app.sdk.verify.folded.roles import RolesHeld


@dataclass(frozen=True)
class Folded:
    """What the entries up to now add up to.

    Attributes:
        names: those that the log has had, the present one last.
    """

    people: People
    law: Law
    registry: Registry
    roles: RolesHeld
    alarms: Alarms
    names: list[str] = field(default_factory=list)

    @classmethod
    def begun(
        cls, documents: Documents, knobs: KnobRegistry, version: Callable[[], int]
    ) -> "Folded":
        """Nothing is folded yet; ``version`` says which rules the present entry follows."""
        alarms = Alarms()
        return cls(
            People(documents, alarms.was_on),
            Law(documents, knobs, version, alarms.is_on),
            Registry(documents, lambda name: alarms.was_on(consumer_chain(name))),
            RolesHeld(documents),
            alarms,
        )
