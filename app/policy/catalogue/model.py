"""The catalogue: the apps and exclusions that policies can name, and how each is recognised."""

from collections.abc import Mapping
from dataclasses import dataclass, field

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


@dataclass(frozen=True)
class CatalogueAdoption:
    """``policy.catalogue_adopted``: the digest of the catalogue in force from here on."""

    policy: str
