"""The catalogue: the apps and exclusions that policies can name, and how each is recognised."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from app.kernel.canonical import canonical, digest, parse_canonical
from app.kernel.facts import decode, encode, fact


@dataclass(frozen=True)
class Matchers:
    """How an app or an exclusion is recognised; one matcher that fits is enough."""

    bundle_ids: tuple[str, ...] = field(default=(), metadata=fact(unordered=True))
    executables: tuple[str, ...] = field(default=(), metadata=fact(unordered=True))
    urls: tuple[str, ...] = field(default=(), metadata=fact(unordered=True))
    fields: tuple[str, ...] = field(default=(), metadata=fact(unordered=True))
    private: bool = False


@dataclass(frozen=True)
class App:
    """A work application or site of the catalogue."""

    id: str
    name: str
    group: str
    match: Matchers


@dataclass(frozen=True)
class Exclusion:
    """A place or field that is never captured."""

    id: str
    name: str
    why: str
    match: Matchers


@dataclass(frozen=True)
class Catalogue:
    """The apps and exclusions that policies can name, by id."""

    apps: Mapping[str, App]
    exclusions: Mapping[str, Exclusion]

    @property
    def body(self) -> bytes:
        """The canonical bytes."""
        return canonical(
            {
                "v": 1,
                "kind": "catalogue",
                "apps": [encode(app) for _, app in sorted(self.apps.items())],
                "exclusions": [encode(item) for _, item in sorted(self.exclusions.items())],
            }
        )

    @property
    def digest(self) -> str:
        """The name of its bytes."""
        return digest(self.body)

    @classmethod
    def read(cls, body: bytes) -> "Catalogue":
        """Read the bytes of ``body`` back.

        Raises:
            ValueError: other bytes.
        """
        document = parse_canonical(body)
        if document.get("kind") != "catalogue":
            msg = "the document is no catalogue"
            raise ValueError(msg)
        apps = [decode(App, item) for item in document["apps"]]
        exclusions = [decode(Exclusion, item) for item in document["exclusions"]]
        return cls({app.id: app for app in apps}, {item.id: item for item in exclusions})


NO_CATALOGUE = Catalogue({}, {})
"""Before one was adopted: nothing is an app."""


@dataclass(frozen=True)
class CatalogueAdoption:
    """``policy.catalogue_adopted``: the digest of the catalogue in force from here on."""

    policy: str


SHIPPED, PROPOSED, DECLINED, APPROVED = "shipped", "proposed", "declined", "approved"
ITS_REGION = "GLOBAL"
"""The catalogue is one for all regions: whose legal agrees to it."""


@dataclass(frozen=True)
class CatalogueStep:
    """One step of a catalogue on its way.

    Attributes:
        digest: of the catalogue that the files have.
        base: of the one in force then; the same digest where nothing waits any more.
        step: ``SHIPPED``, ``PROPOSED``, ``DECLINED`` or ``APPROVED``.
        actor: a person's id, or that of the system for what was shipped.
        proposer: who proposed what is approved.
    """

    digest: str
    base: str
    step: str
    actor: str
    proposer: str | None
    note: str
    at: datetime
