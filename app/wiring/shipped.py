"""The shipped files: floors, catalogue, purposes, notices, and who may do what."""

from dataclasses import dataclass
from pathlib import Path

from app.access.decision.rules import CURRENT, Rules
from app.access.enforcer import CasbinAuthority
from app.access.floor.purposes import PurposeFile, load_purposes
from app.access.floor.terms import ALLOWED
from app.consent.offers import Notice
from app.consent.packs import load_notices
from app.policy.catalogue.model import Catalogue
from app.policy.catalogue.packs import load_catalogue
from app.policy.knobs import REGISTRY, KnobRegistry
from app.policy.law.layer import Floor
from app.policy.law.packs import load_floors


@dataclass(frozen=True)
class Shipped:
    """What the files of the folder ``policies`` say. They do not change while a process lives."""

    authority: CasbinAuthority
    catalogue: Catalogue
    floors: tuple[Floor, ...]
    purposes: PurposeFile
    notices: tuple[Notice, ...]
    registry: KnobRegistry = REGISTRY
    """The knobs that policies can name, which are the program's own."""
    rules: Rules = CURRENT
    """What leases and access decisions are made by, which is the program's own."""


def read_shipped(policies: Path) -> Shipped:
    """Read the shipped files.

    Raises:
        Unreadable: one of them cannot be read.
    """
    catalogue = load_catalogue(policies / "apps")
    return Shipped(
        CasbinAuthority(policies / "access" / "model.conf", policies / "access" / "policy.csv"),
        catalogue,
        load_floors(policies / "regions", catalogue, ALLOWED),
        load_purposes(policies / "purposes.yaml"),
        load_notices(policies / "notices"),
    )
