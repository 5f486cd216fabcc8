"""The people of the auditor's pages, and what the log says after a visit."""

from app.audit.entries.model import EntryFilter
from app.audit.reading.service import ReadingService
from app.wiring import Services
from tests import make

ALF, DORA, EVE, LEA = "E-1", "E-2", "E-3", "E-4"

PEOPLE = (
    make.person(ALF, "auditor", name="Alf Sample"),
    make.person(DORA, "dpo@GB", name="Dora Example"),
    make.person(EVE, name="Eve Sample"),
    make.person(LEA, "legal@GB", name="Lea Example"),
)


def newest(services: Services, kind: str) -> dict[str, object]:
    """The last entry of a kind."""
    services.integrator.integrate()
    with services.database.read() as tx:
        return dict(
            ReadingService(services.log).search(tx, EntryFilter(kind=kind, limit=1))[0].leaf
        )


def log_size(services: Services) -> int:
    """How many entries the log has."""
    services.integrator.integrate()
    with services.database.read() as tx:
        return services.log.size(tx)
