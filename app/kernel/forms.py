"""Numbered forms: what a service and an agent of different age can say to each other (pure).

Rules:
1. A form is a number. It names the fields of the policy document, the signals in it and the reasons
   of a lease. Nothing is taken out of a form or added to it; what is new makes the next one.
2. An agent names the forms that it understands. It is answered in the newest of them that the
   service writes. An agent that names none understands the first: it is older than this rule.
3. What is newer than a form is not in it, and whoever is told in that form is told something
   stricter instead: a signal is absent, a reason is replaced by an older reason, and what a knob
   governs is denied (app/policy/knobs.py).
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from app.kernel.vocabulary import Reason

FIRST_FORM = 1
AGENT_FORM = 2
"""The oldest form that our own agents understand. No agent of an older form was ever in the field;
the service still writes form 1, in which all is denied that it cannot say."""

COUNTERPARTY_KIND = "counterparties"
"""The kind of document that says what may be kept by where the other side is."""

MAX_FORMS = 64
MAX_LENGTH = 500
"""Characters of a list of forms. A number may be as long as fits: it is only unknown."""
_FORMS = re.compile(r"[1-9][0-9]*(,[1-9][0-9]*)*")


@dataclass(frozen=True)
class ReasonRow:
    """A reason of a lease that says off.

    Attributes:
        since: the first form that has it.
        older: the reason that agents of an older form are given; empty only in the first form.
    """

    reason: str
    since: int = FIRST_FORM
    older: str = ""


REASONS = tuple(ReasonRow(reason) for reason in Reason)
"""All of them belong to the first form. A later reason says which older reason replaces it."""


def read_forms(text: str) -> frozenset[int]:
    """Read the numbers of forms, ``1,2``.

    >>> sorted(read_forms("1,2,7"))
    [1, 2, 7]

    Raises:
        ValueError: it is no list of whole numbers from 1, or too long a list.
    """
    too_long = len(text) > MAX_LENGTH or text.count(",") >= MAX_FORMS
    if too_long or not _FORMS.fullmatch(text):
        raise ValueError("not a list of whole numbers from 1, separated by commas")
    return frozenset(int(number) for number in text.split(","))


def newest_common(named: Collection[int], newest: int) -> int | None:
    """The newest form that both understand; None if there is none.

    >>> newest_common({1, 2, 7}, newest=3)
    2
    """
    return max((form for form in named if form <= newest), default=None)


def reasons_in(form: int, reasons: Iterable[str], rows: Iterable[ReasonRow]) -> tuple[str, ...]:
    """Write reasons in a form: each that is newer is replaced, and none is given twice.

    >>> rows = [ReasonRow("stopped"), ReasonRow("halted", since=2, older="stopped")]
    >>> reasons_in(1, ["halted", "stopped"], rows), reasons_in(2, ["halted"], rows)
    (('stopped',), ('halted',))
    """
    known = {row.reason: row for row in rows}
    return tuple(dict.fromkeys(_reason_in(form, reason, known) for reason in reasons))


def _reason_in(form: int, reason: str, known: dict[str, ReasonRow]) -> str:
    row = known[reason]
    return row.reason if row.since <= form else _reason_in(form, row.older, known)
