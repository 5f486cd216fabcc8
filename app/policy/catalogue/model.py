"""The catalogue: the apps and exclusions that policies can name, and how each is recognised."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.kernel.canonical import canonical, digest, parse_canonical


@dataclass(frozen=True)
class Matchers:
    """How an app or an exclusion is recognised; one matcher that fits is enough."""

    bundle_ids: tuple[str, ...] = ()
    executables: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
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
                "apps": [
                    {"id": app.id, "name": app.name, "group": app.group, "match": _match(app.match)}
                    for _, app in sorted(self.apps.items())
                ],
                "exclusions": [
                    {"id": item.id, "name": item.name, "why": item.why, "match": _match(item.match)}
                    for _, item in sorted(self.exclusions.items())
                ],
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
        apps = [
            App(item["id"], item["name"], item["group"], _read_match(item["match"]))
            for item in document["apps"]
        ]
        exclusions = [
            Exclusion(item["id"], item["name"], item["why"], _read_match(item["match"]))
            for item in document["exclusions"]
        ]
        return cls({app.id: app for app in apps}, {item.id: item for item in exclusions})


def _match(match: Matchers) -> dict[str, Any]:
    return {
        "bundle_ids": sorted(match.bundle_ids),
        "executables": sorted(match.executables),
        "urls": sorted(match.urls),
        "fields": sorted(match.fields),
        "private": match.private,
    }


def _read_match(found: Mapping[str, Any]) -> Matchers:
    return Matchers(
        bundle_ids=tuple(found["bundle_ids"]),
        executables=tuple(found["executables"]),
        urls=tuple(found["urls"]),
        fields=tuple(found["fields"]),
        private=found["private"],
    )
