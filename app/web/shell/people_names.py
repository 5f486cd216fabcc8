"""Names for ids: pages show people by name, services know them by id."""

from collections.abc import Iterable, Mapping

from app.db.engine import Tx
from app.kernel.errors import NotFound
from app.kernel.shapes import PSEUDONYM
from app.wiring import Services


def named(services: Services, tx: Tx, ids: Iterable[str]) -> Mapping[str, str]:
    """Person id to name; somebody the directory does not know keeps the id.

    Where somebody was erased, the pseudonym stands in place of the id (app/rights).
    """
    return {person: _name(services, tx, person) for person in sorted(set(ids))}


def _name(services: Services, tx: Tx, person_id: str) -> str:
    try:
        return services.directory.person(tx, person_id).name
    except NotFound:
        return "somebody erased" if PSEUDONYM.fullmatch(person_id) else person_id
