"""The shapes that a knob's value can have, and the ways in which layers meet on it (pure).

Rules:
1. A shape reads what a canonical document says, writes it for agents, pages and offers, reads that
   again, and checks what an agent was given. Nothing else in the program knows how a value is
   written.
2. A meet is commutative, associative and idempotent: the stricter of two numbers or modes, what two
   sets share, or all that either names.
3. ``None`` means that nothing limits the knob. It is never the result of a layer that names it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from app.kernel.vocabulary import MODES, Mode
from app.policy.own_exclusions import OwnExclusion, in_order, read_own, write_own
from app.policy.tenants import read_tenant

APPROVED = 1
NOT_APPROVED = 0

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOURS_OF_WEEK = 168

Value: TypeAlias = int | frozenset[str] | frozenset[int] | frozenset[OwnExclusion]
Meet: TypeAlias = Callable[[Any, Any], Value]


def least(a: int, b: int) -> int:
    """The smaller one is the stricter one.

    >>> least(30, 90)  # days of retention
    30
    """
    return min(a, b)


def most(a: int, b: int) -> int:
    """The larger one is the stricter one.

    >>> most(0, 300)  # seconds between two screenshots
    300
    """
    return max(a, b)


def shared(a: frozenset[str], b: frozenset[str]) -> frozenset[str]:
    """Only what both name remains.

    >>> sorted(shared(frozenset({"consent", "notice"}), frozenset({"notice"})))
    ['notice']
    """
    return a & b


def united(a: frozenset[str], b: frozenset[str]) -> frozenset[str]:
    """All that either names.

    >>> sorted(united(frozenset({"dpia"}), frozenset({"permit"})))
    ['dpia', 'permit']
    """
    return a | b


@dataclass(frozen=True)
class ApprovalStatus:
    """Whether a layer is approved. It is at the head of a document, not among its knobs."""

    def read(self, raw: Any) -> Value:
        """Read a document's ``status``; a draft is not approved."""
        return APPROVED if raw == "approved" else NOT_APPROVED

    def write(self, value: Value) -> str:
        """Write it for pages."""
        return "approved" if value == APPROVED else "blocked"

    def check(self, raw: Any) -> None:
        """Return if an agent can read it."""
        _require(raw in {"approved", "blocked"})


@dataclass(frozen=True)
class Number:
    """A whole number in a range; the unit is a noun in the singular."""

    lowest: int
    highest: int
    unit: str

    def read(self, raw: Any) -> Value:
        """Read it."""
        return int(raw)

    def write(self, value: Value) -> Value:
        """Write it."""
        return value

    def check(self, raw: Any) -> None:
        """Return if an agent can read it. The range may grow without a new form."""
        _require(raw is None or (type(raw) is int and raw >= 0))


@dataclass(frozen=True)
class Modes:
    """``deny < redact < allow``."""

    def read(self, raw: Any) -> Mode:
        """Read a mode as files write it."""
        return MODES[raw]

    def write(self, value: Mode) -> str:
        """Write it as files do."""
        return value.word

    def check(self, raw: Any) -> None:
        """Return if an agent can read it."""
        _require(isinstance(raw, str) and raw in MODES)


class NameSource(StrEnum):
    """Where the names come from that a set may hold, if they are known at run time only."""

    APPS = "apps"
    EXCLUSIONS = "exclusions"
    PURPOSES = "purposes"
    TENANTS = "tenants"
    """Texts with a grammar of their own (tenants.py)."""
    ANY = "any"


@dataclass(frozen=True)
class NameSet:
    """A set of names.

    Attributes:
        what: what one of them is called in a problem: ``'x' is no …``.
        known: all that there are, or where to ask for them.
        void: names that a layer may use and that count for nothing in the result.
        later: the names that came after the first document form, each with its first form.
    """

    what: str
    known: tuple[str, ...] | NameSource
    void: frozenset[str] = frozenset()
    later: tuple[tuple[str, int], ...] = ()

    @property
    def described(self) -> bool:
        """Whether agents get the catalogue's entries, not the bare names."""
        return self.known in {NameSource.APPS, NameSource.EXCLUSIONS}

    def read(self, raw: Any) -> frozenset[str]:
        """Read a list."""
        return frozenset(str(item) for item in raw)

    def write(self, value: frozenset[str]) -> list[str]:
        """Write it sorted."""
        return sorted(value)

    def check(self, raw: Any) -> None:
        """Return if an agent can read it."""
        kind = Mapping if self.described else str
        _require(isinstance(raw, list) and all(isinstance(item, kind) for item in raw))
        _require(isinstance(self.known, NameSource) or set(raw) <= set(self.known))
        if self.known is NameSource.TENANTS:
            for text in raw:
                read_tenant(text)

    def newer_than(self, form: int) -> frozenset[str]:
        """The names that documents of a form cannot say."""
        return frozenset(name for name, since in self.later if since > form)


@dataclass(frozen=True)
class Week:
    """Hours of the week: 0 is Monday 00:00 to 00:59, 167 is Sunday 23:00 to 23:59."""

    def read(self, raw: Mapping[str, str] | list[int]) -> frozenset[int]:
        """Read ``{"mon": "08-18"}``, where a day that is not named has no hours; or a list."""
        if isinstance(raw, list):
            return frozenset(raw)
        hours: set[int] = set()
        for name, span in raw.items():
            first, last = (int(part) for part in span.split("-"))
            start = 24 * DAYS.index(name)
            hours.update(range(start + first, start + last))
        return frozenset(hours)

    def write(self, value: frozenset[int]) -> list[int]:
        """Write the hours in order."""
        return sorted(value)

    def check(self, raw: Any) -> None:
        """Return if an agent can read it."""
        _require(raw is None or isinstance(raw, list))
        _require(all(type(hour) is int and 0 <= hour < HOURS_OF_WEEK for hour in raw or ()))


@dataclass(frozen=True)
class OwnExclusions:
    """Places that the company excludes by itself (own_exclusions.py)."""

    def read(self, raw: Iterable[Mapping[str, Any]]) -> frozenset[OwnExclusion]:
        """Read a list, as policies and offers write it."""
        return frozenset(map(read_own, raw))

    def write(self, value: frozenset[OwnExclusion]) -> list[dict[str, Any]]:
        """Write them in order."""
        return [write_own(item) for item in in_order(value)]

    def check(self, raw: Any) -> None:
        """Return if an agent can read it: it is told them as it is told exclusions."""
        _require(isinstance(raw, list) and all(isinstance(item, Mapping) for item in raw))


Shape: TypeAlias = ApprovalStatus | Number | Modes | NameSet | Week | OwnExclusions


def _require(holds: bool) -> None:
    """Return if something holds.

    Raises:
        ValueError: it does not.
    """
    if not holds:
        raise ValueError("not a value of this knob")
