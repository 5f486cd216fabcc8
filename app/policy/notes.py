"""What people write next to an act of policy, and what no database keeps."""

from app.kernel.errors import Fault, InvalidInput

MAX_NOTE = 2_000


def unstorable(text: str) -> str | None:
    """Say what stands in a text that cannot be kept; None if it can.

    PostgreSQL keeps no NUL, and half of a surrogate pair is no character in UTF-8.
    """
    if "\0" in text:
        return "holds a NUL character"
    if any("\ud800" <= character <= "\udfff" for character in text):
        return "holds half a character (a lone surrogate)"
    return None


def require_note(note: str) -> None:
    """Return if a note can be kept.

    Raises:
        InvalidInput: it is too long, or holds what no database keeps; names the field ``note``.
    """
    problem = unstorable(note)
    if problem is not None:
        fault = Fault("note", problem, "Type the note again instead of pasting it.")
        raise InvalidInput("the note cannot be kept", faults=(fault,))
    if len(note) > MAX_NOTE:
        fault = Fault("note", f"has {len(note)} characters", f"At most {MAX_NOTE}.")
        raise InvalidInput("the note is too long", faults=(fault,))
