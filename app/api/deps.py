"""What a handler asks for: the services, one transaction, the present instant, who is asking.

``scope="function"`` is the point: FastAPI then commits before it sends the answer, and a commit
that fails becomes an error. With the default scope the 200 would leave first.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Annotated, cast

from fastapi import Depends, Request

from app.api.admission import LANE
from app.db.engine import Tx
from app.kernel.errors import Fault, InvalidInput
from app.kernel.lanes import Lane
from app.wiring import Services


def get_services(request: Request) -> Services:
    """The services of this application."""
    return cast("Services", request.app.state.services)


ServicesDep = Annotated[Services, Depends(get_services)]


def lane_of(request: Request) -> Lane:
    """The lane in which the request was let in (app/api/admission.py)."""
    return cast("Lane", request.scope.get(LANE, Lane.PEOPLE))


LaneDep = Annotated[Lane, Depends(lane_of)]


def _write(services: ServicesDep, lane: LaneDep) -> Iterator[Tx]:
    services.log.halt.require()  # also where nothing would be recorded, as for a lease that holds
    with services.database.write(lane) as tx:
        yield tx


def _read(services: ServicesDep, lane: LaneDep) -> Iterator[Tx]:
    with services.database.read(lane) as tx:
        yield tx


def _now(services: ServicesDep) -> datetime:
    return services.clock.now()


WriteTx = Annotated[Tx, Depends(_write, scope="function")]
"""The request's transaction; committed before the answer is sent."""

ReadTx = Annotated[Tx, Depends(_read, scope="function")]
"""One snapshot; keeps nothing."""

Now = Annotated[datetime, Depends(_now)]


def _room(services: ServicesDep, now: Now) -> None:
    services.backlog.require_room(services.database, now)


MachineRoom = Depends(_room)
"""For what machines ask by the thousand: refused while the log cannot keep up. Never for people."""


def require_once(names: Iterable[str]) -> None:
    """Refuse a field that is named twice: one value was meant, and nobody can say which.

    Raises:
        InvalidInput: with a fault for each such field.
    """
    counted = Counter(names)
    twice = [name for name, count in counted.items() if count > 1]
    if twice:
        faults = tuple(Fault(name, "is given twice", "Send it once.") for name in twice)
        raise InvalidInput(
            f"{twice[0]} is given twice", faults=faults, cure="Nothing was changed. Send it once."
        )
