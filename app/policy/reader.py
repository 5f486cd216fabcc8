"""Reads what is in force, with a memory that cannot be wrong.

The rows change only with a policy event, and each event has an id of its own that never comes
back, not even if its transaction is undone. So rows remembered under the id of the last event are
right for as long as that event is the last.
"""

from datetime import datetime

from app.db.engine import Tx
from app.kernel.errors import NotFound
from app.policy import store
from app.policy.compile import compile_layers
from app.policy.layer import Layer
from app.policy.model import Compiled, InForce
from app.policy.timeline import History, chain, in_force

_MOST_COMPILED = 4096


class PolicyReader:
    """Answers from the rows; safe to share between threads."""

    def __init__(self) -> None:
        self._remembered: tuple[str, History] | None = None
        self._compiled: dict[object, Compiled] = {}

    def history(self, tx: Tx) -> History:
        """Every row that bears on what is in force."""
        head = store.head(tx)
        remembered = self._remembered
        if remembered is not None and remembered[0] == head.event:
            return remembered[1]
        history = store.history(tx, head.seq)
        self._remembered = (head.event, history)
        return history

    def in_force(
        self, tx: Tx, regions: tuple[str, ...], at: datetime, known_at: datetime | None = None
    ) -> InForce:
        """What holds for somebody with these regions at an instant, as known at another."""
        if known_at is None:
            history = self.history(tx)
        else:
            history = store.history(tx, store.head(tx, known_at).seq).known(known_at)
        return in_force(history, regions, at, self._compile)

    def chain(self, tx: Tx, region: str, at: datetime) -> tuple[str, ...]:
        """The region and those above it.

        Raises:
            NotFound: there is no floor for it, or for one above it.
        """
        floors = self.history(tx).floors_at(at)
        found = chain({name: floor.parent for name, floor in floors.items()}, region)
        if found is None:
            raise NotFound(
                f"there is no floor for the region {region}",
                cure="Only regions with a floor in policies/regions can have a policy.",
            )
        return found

    def _compile(self, layers: tuple[Layer, ...], others: tuple[Layer, ...]) -> Compiled:
        key = (_names(layers), _names(others))
        found = self._compiled.get(key)
        if found is None:
            found = compile_layers(layers, others)
            if len(self._compiled) >= _MOST_COMPILED:
                self._compiled.clear()
            self._compiled[key] = found
        return found


def _names(layers: tuple[Layer, ...]) -> tuple[object, ...]:
    # An expired layer has the digest it had, but another status.
    return tuple((layer.id, layer.digest, layer.knobs["status"]) for layer in layers)
