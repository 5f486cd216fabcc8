"""What a knob is: one row of the registry (pure).

Rules:
1. A row says the knob's name, its shape with the range, how layers meet on it, its value where no
   layer names it, what an agent does with it, and since which document form agents are told.
2. Which way a value goes, what it limits and how it is written follow from the row. The rows
   themselves are in knobs.py.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeAlias, TypeVar, cast

from app.kernel.forms import FIRST_FORM
from app.kernel.refusals import Refusal
from app.kernel.vocabulary import Mode, Reason
from app.policy.knob_shapes import (
    Meet,
    Modes,
    NameSet,
    NameSource,
    Number,
    OwnExclusions,
    Shape,
    Value,
    most,
    united,
)
from app.policy.own_exclusions import OwnExclusion, covers

T = TypeVar("T")
_Own: TypeAlias = frozenset[OwnExclusion]


class When(StrEnum):
    """What must be so for a mode to bind."""

    OFF_HOURS = "off_hours"
    PERSONAL_DEVICE = "personal_device"
    COUNTERPARTY = "counterparty"


@dataclass(frozen=True)
class ModeCap:
    """The guard allows no more than this mode when something is so."""

    when: When
    refusal: Reason | Refusal


@dataclass(frozen=True)
class LeastInterval:
    """The guard lets this many seconds pass between two events of a governed signal."""

    refusal: Refusal


@dataclass(frozen=True)
class Judged:
    """The guard has code of its own for it: places, hours, that there is a purpose at all."""


@dataclass(frozen=True)
class Applied:
    """The recorder applies it to what it keeps; the guard hands it on with each allowed event."""


AgentUse: TypeAlias = ModeCap | LeastInterval | Judged | Applied


@dataclass(frozen=True)
class AgentPart:
    """How agents take part in a knob.

    Attributes:
        use: what they do with it.
        governs: the signals that are denied to an agent that cannot judge it; None: every signal.
        names_govern: the signals that are denied to an agent that does not know one of the names
            in it; None: every signal.
    """

    use: AgentUse
    governs: frozenset[str] | None = None
    names_govern: frozenset[str] | None = None


@dataclass(frozen=True)
class Knob(Generic[T]):
    """One knob; T is the type of its compiled value.

    Attributes:
        unnamed: its value where no layer names it.
        agent: None if agents are not told.
        since: the first document form that has it.
        of_signal: agents are told it with the signal that it is about.
        companys: only company policies name it, because it is about the company's own accounts and
            places; what the law excludes is in the catalogue, with a citation.
    """

    name: str
    shape: Shape
    meet: Meet
    unnamed: T
    agent: AgentPart | None = None
    since: int = FIRST_FORM
    of_signal: bool = False
    companys: bool = False

    @property
    def agreed(self) -> bool:
        """Whether people agree to its value with the offer (rule 6)."""
        return self.agent is not None or self.of_signal

    @property
    def unites(self) -> bool:
        """Whether each layer adds to it, so that no layer has to close it."""
        return self.meet is united

    @property
    def use(self) -> AgentUse | None:
        """What agents do with it; None if they are not told."""
        return None if self.agent is None else self.agent.use

    def governs(self, signal: str) -> bool:
        """Whether agents keep to it for events of a signal."""
        part = self.agent
        return part is not None and (part.governs is None or signal in part.governs)

    def names_govern(self, signal: str) -> bool:
        """Whether agents that do not know one of its names may not capture a signal."""
        part = self.agent
        return part is not None and (part.names_govern is None or signal in part.names_govern)

    @property
    def names_since(self) -> tuple[int, ...]:
        """The forms that brought a name of it."""
        later = self.shape.later if isinstance(self.shape, NameSet) else ()
        return tuple(form for _, form in later)

    def names_newer(self, value: Any, form: int) -> bool:
        """Whether a value has a name that agents of a form do not know."""
        return isinstance(self.shape, NameSet) and bool(value & self.shape.newer_than(form))

    def compiled(self, value: Value | None) -> T:
        """The typed value of the meet; what nobody names is as the row says."""
        if value is None:
            return self.unnamed
        if isinstance(self.shape, NameSet) and isinstance(value, frozenset):
            return cast("T", value - self.shape.void)
        return cast("T", value)

    def readable(self, value: Value | None) -> Any:
        """Write a value as files and pages do; None is what nobody names."""
        return None if value is None else self.shape.write(cast("Any", value))

    def limits(self, value: Value | None) -> bool:
        """Whether a value asks anything of an agent."""
        match self.shape:
            case Modes():
                return value is not Mode.ALLOW
            case Number() if self.meet is most:
                return value != 0
            case NameSet() | OwnExclusions() if self.unites:
                return bool(value)
            case NameSet(known=NameSource.TENANTS):
                # Where none is named, the apps that they decide about are in no older form.
                return bool(value)
            case _:
                return value is not None

    def no_looser(self, before: Value | None, after: Value | None) -> bool:
        """Whether a value allows no more than another; None is what nothing limits.

        >>> from app.policy.knob_shapes import least
        >>> mode = Knob("off_hours", Modes(), least, Mode.DENY)
        >>> mode.no_looser(Mode.REDACT, Mode.DENY), mode.no_looser(Mode.DENY, None)
        (True, False)
        """
        if before is None or after is None:
            return before is None
        if isinstance(self.shape, OwnExclusions):
            return covers(cast("_Own", after), cast("_Own", before))
        return self.meet(before, after) == after
