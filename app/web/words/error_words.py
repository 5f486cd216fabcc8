"""Errors in words for people: one function makes each sentence. Pure.

Rules:
1. A field that nobody types has no name on a page; one that people type has a name in words.
   Machines read the names of the interface (app/api/problems.py).
2. A problem is a whole sentence: it begins with a capital letter and ends with a stop.
"""

from collections.abc import Mapping

from app.kernel.errors import Fault, HabeasError
from app.web.words.text import upper_first

FIELDS: Mapping[str, str] = {
    "code": "The code on the laptop",
    "note": "The note",
    "person": "The pseudonym",
    "reason": "The reason",
    "since": "The first day",
    "text": "The text of the policy",
    "until": "The last day",
    "who": "Name, e-mail or id",
}
"""What people type, by the field's name in the interface."""

_PREDICATES = ("is ", "has ", "must ", "was ")


def problem_in_words(error: HabeasError) -> str:
    """Say what is wrong.

    >>> from app.kernel.errors import wrong_field
    >>> problem_in_words(wrong_field("seq", "the number is missing", ""))
    'The number is missing.'

    Args:
        error: its problem may begin with the name of its first field, as machines are told it.
    """
    for fault in error.faults[:1]:
        if error.problem in {f"{fault.field}: {fault.problem}", f"{fault.field} {fault.problem}"}:
            return fault_in_words(fault)
    return _sentence(error.problem)


def fault_in_words(fault: Fault) -> str:
    """Say what is wrong with one field.

    >>> fault_in_words(Fault("note", "has 9 characters"))
    'The note has 9 characters.'
    >>> fault_in_words(Fault("csrf", "is given twice"))
    'A field of the form is given twice.'
    """
    name = FIELDS.get(fault.field, "")
    if fault.problem.startswith(_PREDICATES):
        return _sentence(f"{name or 'a field of the form'} {fault.problem}")
    return _sentence(f"{name}: {fault.problem}" if name else fault.problem)


def _sentence(words: str) -> str:
    return upper_first(words) + ("" if words[-1:] in ".!?" else ".") if words else ""
