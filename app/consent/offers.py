"""What is put before a person who decides: the text of a notice, and an offer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.kernel.canonical import canonical, digest, parse_canonical
from app.kernel.facts import decode_part, encode, fact, require_only


@dataclass(frozen=True)
class Offer:
    """What is offered to a person: what is in force for them at the moment of showing.

    Everybody under the same regions and layers is offered the same, and exports carry it: nothing
    in it may come from one person alone.

    Attributes:
        region: the home region.
        regions: home, place of work, establishment.
        retention_days: longest keeping of raw data per signal, days.
        bases: names of ``Basis``.
        policy: digests of the layers in force.
        terms: every value that is agreed to, who decided it, and how apps and exclusions are
            recognised (app/policy/agreement.py); None in offers of release 0.1.
        decision_content: what a yes says besides, such as that the notice is acknowledged.
    """

    region: str
    regions: tuple[str, ...]
    signals: tuple[str, ...] = field(metadata=fact(unordered=True))
    purposes: tuple[str, ...] = field(metadata=fact(unordered=True))
    apps: tuple[str, ...] = field(metadata=fact(unordered=True))
    retention_days: Mapping[str, int]
    bases: tuple[str, ...] = field(metadata=fact(unordered=True))
    policy: tuple[str, ...] = field(metadata=fact(unordered=True))
    terms: Mapping[str, Any] | None = field(default=None, metadata=fact(apart=True))
    decision_content: tuple[str, ...] = field(
        default=(), metadata=fact(unordered=True, sparse=True)
    )

    @property
    def canonical(self) -> bytes:
        """The bytes that are kept and named; only in ``regions`` does the order mean something."""
        if self.terms is None:
            return canonical({"v": 1, **encode(self)})
        return canonical({"v": 2, **encode(self), "terms": self.terms})

    @property
    def digest(self) -> str:
        """The name of what is offered."""
        return digest(self.canonical)

    @property
    def modes(self) -> Mapping[str, str]:
        """How much of each offered signal is kept, ``redact`` or ``allow``; empty in older offers.

        Raises:
            KeyError: the terms lack a signal of the offer.
        """
        if self.terms is None:
            return {}
        knobs = self.terms["knobs"]
        return {signal: knobs[f"signals.{signal}.mode"]["value"] for signal in self.signals}

    @property
    def never(self) -> Mapping[str, str]:
        """The places that are never recorded under it, name by id; empty in offers of release 0.1.

        Whoever agrees to it agrees to all of them: policy can open none to them later
        (app/policy/agreement.py). One that nobody describes bears its id as its name.
        """
        if self.terms is None:
            return {}
        knobs = self.terms["knobs"]
        described = {item["id"]: item["name"] for item in self.terms["exclusions"]}
        never = {name: described.get(name, name) for name in knobs["exclusions"]["value"]}
        own = knobs["own_exclusions"]["value"] if "own_exclusions" in knobs else ()
        for item in own:  # several policies may use one id: then each name is told
            name = f"own.{item['id']}"
            names = [*filter(None, (never.get(name), item["name"]))]
            never[name] = " / ".join(dict.fromkeys(names))
        return never

    @classmethod
    def read(cls, data: bytes) -> "Offer":
        """Read the bytes of ``canonical`` back.

        Raises:
            ValueError: other bytes.
        """
        document = parse_canonical(data)
        require_only(document, cls, also=("v", "terms"))
        if document.get("v") != (2 if "terms" in document else 1):
            raise ValueError("the offer is of a form that this release does not know")
        return decode_part(cls, document, terms=document.get("terms"))


@dataclass(frozen=True)
class NoticeName:
    """Names one text of a notice; ``digest`` is that of its bytes."""

    id: str
    version: int
    language: str
    digest: str


@dataclass(frozen=True)
class Notice:
    """One text of a notice: what a person reads before deciding.

    Attributes:
        digest: of the file's bytes.
        content: ids of the content items that the text covers.
        source: the file's bytes.
    """

    id: str
    version: int
    language: str
    title: str
    markdown: str
    digest: str
    content: tuple[str, ...]
    source: bytes = field(repr=False)

    @property
    def name(self) -> NoticeName:
        """What a decision keeps of it."""
        return NoticeName(self.id, self.version, self.language, self.digest)


@dataclass(frozen=True)
class Shown:
    """A notice and an offer that were put before a person."""

    id: str
    person_id: str
    notice: Notice
    offer: Offer
    shown_at: datetime
    event_id: str


def notice_chain(notice_id: str) -> str:
    """The chain of all texts of a notice."""
    return f"notice:{notice_id}"
