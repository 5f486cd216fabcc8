"""What can go wrong, in words of the domain. HTTP is not known here (see app/api/problems.py).

HabeasError
├── InvalidInput      a field is wrong; names the field and the way out
│   └── Unreadable    the bytes are not what they claim to be (YAML, CSV, JSON, a token's form)
├── Unauthenticated   nobody known is asking
├── Forbidden         somebody known asks for what is not theirs
├── NotFound          there is no such thing, or none the asker may know of
├── Conflict          the thing changed meanwhile, or was done before
├── TooLarge          more bytes than a request may carry
├── TooSlow           a request that did not come in time
├── TooMany           more requests than one may send in a while
└── Unavailable       a part that must answer does not; nothing was changed
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One wrong field: where it is, what is wrong, how to mend it."""

    field: str
    problem: str
    cure: str = ""


class HabeasError(Exception):
    """Base of all errors of the domain.

    Attributes:
        kind: stable name, the last part of the problem document's ``type``.
        faults: the wrong fields, in the order of the input; empty where no field is to blame.
        cure: the way forward in one sentence.
    """

    kind = "internal"

    def __init__(
        self, problem: str, *, faults: tuple[Fault, ...] = (), cure: str = "", kind: str = ""
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.faults = faults
        self.cure = cure
        if kind:
            self.kind = kind


class InvalidInput(HabeasError):
    """A field is wrong."""

    kind = "invalid-input"


def wrong_field(field: str, problem: str, cure: str) -> InvalidInput:
    """The error of one wrong field."""
    return InvalidInput(f"{field}: {problem}", faults=(Fault(field, problem, cure),), cure=cure)


class Unreadable(InvalidInput):
    """The bytes are not what they claim to be."""

    kind = "unreadable"


class Unauthenticated(HabeasError):
    """Nobody known is asking."""

    kind = "unauthenticated"


class Forbidden(HabeasError):
    """Somebody known asks for what is not theirs."""

    kind = "forbidden"


class NotFound(HabeasError):
    """There is no such thing, or none the asker may know of."""

    kind = "not-found"


class Conflict(HabeasError):
    """The thing changed meanwhile, or was done before."""

    kind = "conflict"


class TooLarge(HabeasError):
    """More bytes than a request may carry."""

    kind = "too-large"


class TooSlow(HabeasError):
    """A request that did not come in time."""

    kind = "too-slow"


class TooMany(HabeasError):
    """More requests than one may send in a while; nothing was done.

    Attributes:
        retry_after_s: when the next is answered, seconds.
    """

    kind = "too-many"

    def __init__(self, problem: str, *, retry_after_s: int, cure: str = "") -> None:
        super().__init__(problem, cure=cure)
        self.retry_after_s = retry_after_s


class Unavailable(HabeasError):
    """A part that must answer does not."""

    kind = "unavailable"
