"""The catalogue: the apps and exclusions that policies can name, and how each is recognised."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, lru_cache

from app.kernel.canonical import canonical, digest, parse_canonical
from app.kernel.facts import decode, encode, fact

BROWSER = "browser"
"""The group of programs that show pages."""
COMMUNICATION = "communication"
"""The group by which older catalogues said that an app shows what other people write."""
SHARED_DOCUMENTS = "shared_documents"
OTHERS = ("mail", "chat", "meetings", "tickets", "customer_records", SHARED_DOCUMENTS)
"""In what an app can show other people's words. Documents do where somebody else has a part."""


@dataclass(frozen=True)
class Matchers:
    """How an app or an exclusion is recognised; one matcher that fits is enough.

    What each is, and whose, is in the rows of app/policy/catalogue/matchers.py.
    """

    bundle_ids: tuple[str, ...] = field(default=(), metadata=fact(unordered=True))
    executables: tuple[str, ...] = field(default=(), metadata=fact(unordered=True))
    urls: tuple[str, ...] = field(default=(), metadata=fact(unordered=True))
    fields: tuple[str, ...] = field(default=(), metadata=fact(unordered=True))
    private: bool = False
    programs: tuple[str, ...] = field(default=(), metadata=fact(unordered=True, sparse=True))
    pages: tuple[str, ...] = field(default=(), metadata=fact(unordered=True, sparse=True))
    titles: tuple[str, ...] = field(default=(), metadata=fact(unordered=True, sparse=True))


@dataclass(frozen=True)
class App:
    """A work application or site of the catalogue.

    Attributes:
        others: in what it shows other people's words, one of ``OTHERS``; empty: it does not.
        private_accounts: private people use it, too, so that the account decides.
        source: where the ways to recognise it were checked.
    """

    id: str
    name: str
    group: str
    match: Matchers
    others: str = field(default="", metadata=fact(sparse=True))
    private_accounts: bool = field(default=False, metadata=fact(sparse=True))
    source: str = field(default="", metadata=fact(sparse=True))

    @property
    def browser(self) -> bool:
        """Whether it shows pages: it then is no app itself."""
        return self.group == BROWSER

    @property
    def words(self) -> str:
        """In what it shows other people's words; older catalogues said so by the group alone."""
        always = self.group == COMMUNICATION and self.others in {"", SHARED_DOCUMENTS}
        return OTHERS[0] if always else self.others

    @property
    def shows_others(self) -> int:
        """How much of others' words it shows: 0 nothing, 1 in shared documents, 2 always."""
        return 0 if not self.words else 1 if self.words == SHARED_DOCUMENTS else 2


@dataclass(frozen=True)
class Exclusion:
    """A place or field that is never captured."""

    id: str
    name: str
    why: str
    match: Matchers
    source: str = field(default="", metadata=fact(sparse=True))


@dataclass(frozen=True)
class Catalogue:
    """The apps and exclusions that policies can name, by id."""

    apps: Mapping[str, App]
    exclusions: Mapping[str, Exclusion]

    @cached_property
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

    @cached_property
    def digest(self) -> str:
        """The name of its bytes."""
        return digest(self.body)

    @classmethod
    @lru_cache(maxsize=8)
    def read(cls, body: bytes) -> "Catalogue":
        """Read the bytes of ``body`` back; the same bytes once.

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
