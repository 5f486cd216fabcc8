"""What must be so for an approval or a tightening (pure): each check raises with the reason.

Rules:
1. An approval binds the text, what the text replaces, and the terms that were shown.
2. Nobody approves their own change, and nobody supplies two approvals.
3. A tightening holds at once, or it is no tightening.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from app.kernel.errors import Conflict, Fault, Forbidden, InvalidInput
from app.policy.changes.model import Step, StepTaken
from app.policy.law.layer import CompanyPolicy, Direction
from app.policy.model import KnobChange


def require_read(read: str, bound: str) -> None:
    """Return if the text that was read is the one that would be published (rule 1).

    >>> require_read("sha256:1", "sha256:1")

    Raises:
        Conflict: it is another.
    """
    if read != bound:
        raise Conflict(
            "you read another text than the one this change would publish",
            cure="Load the change again, read it, then approve it.",
        )


def require_base(written_on: str | None, latest: str | None) -> None:
    """Return if the change still replaces what it was written to replace (rule 1).

    >>> require_base(None, "sha256:1")
    Traceback (most recent call last):
    app.kernel.errors.Conflict: another policy was published after this change was written

    Raises:
        Conflict: another policy was published meanwhile.
    """
    if written_on != latest:
        raise Conflict(
            "another policy was published after this change was written",
            cure="Withdraw it and propose it again on top of what holds now.",
        )


def require_terms(shown: str | None, bound: str) -> None:
    """Return if the terms that were shown are those of now; None: the text alone was read (rule 1).

    >>> require_terms(None, "sha256:1")

    Raises:
        Conflict: what the change does, or its day, is another by now.
    """
    if shown is not None and shown != bound:
        raise Conflict(
            "what this change does, or the day on which it begins, is not what you read any more",
            cure="Read the page as it is now, then approve it.",
        )


def require_another(actor: str, author: str, taken: Iterable[StepTaken]) -> None:
    """Return if this person may add an approval (rule 2).

    >>> require_another("anna", "anna", ())
    Traceback (most recent call last):
    app.kernel.errors.Forbidden: you wrote this change; two people must agree on it

    Raises:
        Forbidden: they wrote the change.
        Conflict: they approved it before.
    """
    if actor == author:
        raise Forbidden(
            "you wrote this change; two people must agree on it",
            cure="Ask a second person to approve it.",
        )
    if any(step.step is Step.APPROVED and step.actor == actor for step in taken):
        raise Conflict(
            "you approved this change before; nobody supplies two approvals",
            cure="Ask another person to approve it.",
        )


def require_at_once(policy: CompanyPolicy, now: datetime) -> None:
    """Return if a tightening would hold at once (rule 3).

    >>> from datetime import UTC
    >>> from app.policy.law.layer import Layer
    >>> day = datetime(2026, 12, 1, tzinfo=UTC)
    >>> layer = Layer("company/DE", "company", "DE", "", {})
    >>> require_at_once(CompanyPolicy("DE", "", "", day, None, layer, (), b""), day)

    Raises:
        InvalidInput: its first day is to come; names the field ``valid_from``.
    """
    if policy.valid_from is None or policy.valid_from <= now:
        return
    begins = policy.valid_from.date().isoformat()
    cure = "Take the day out, or propose the text for approval by a second person."
    raise InvalidInput(
        f"tightening holds at once, and this text begins on {begins} only",
        faults=(Fault("valid_from", f"{begins} is a day to come", cure),),
        cure="Nothing was changed; your text is kept.",
    )


def require_narrow(direction: Direction, changes: Iterable[KnobChange]) -> None:
    """Return if nothing becomes wider (``workflow``, rule 4).

    >>> require_narrow("widens", [])
    Traceback (most recent call last):
    app.kernel.errors.InvalidInput: this is more than a tightening: something becomes wider

    Raises:
        InvalidInput: something does; one fault for each knob, or for the region's first policy.
    """
    if direction != "widens":
        return
    faults = tuple(
        Fault(
            change.knob,
            f"becomes wider: {_told(change.before, change.after)}",
            "Leave it as it is or make it stricter.",
        )
        for change in changes
        if change.direction == "widens"
    )
    first = Fault("region", "has no company policy yet; the first one widens", "Propose it.")
    raise InvalidInput(
        "this is more than a tightening: something becomes wider",
        faults=faults or (first,),
        cure="Take these knobs out, or propose it for approval by a second person.",
    )


def _told(before: object, after: object) -> str:
    """What differs, as files write it; of two lists only what they do not share."""
    if not (isinstance(before, list) and isinstance(after, list)):
        return f"{_short(before)} before, {_short(after)} after"
    old, new = _by_name(before), _by_name(after)
    parts = {
        "without": [name for name in old if name not in new],
        "with": [name for name in new if name not in old],
        "other": [name for name in old if name in new and old[name] != new[name]],
    }
    return "; ".join(f"{word} {', '.join(names)}" for word, names in parts.items() if names)


def _short(value: object) -> str:
    if value is None:
        return "not named"
    return ", ".join(_by_name(value)) or "none" if isinstance(value, list) else str(value)


def _by_name(items: Iterable[object]) -> dict[str, object]:
    """Members of a list by what names them: places by their ids."""
    return {str(item["id"] if isinstance(item, Mapping) else item): item for item in items}


def missing_roles(needed: Iterable[str], taken: Iterable[StepTaken]) -> tuple[str, ...]:
    """The roles that have not approved yet, in the order in which they are needed.

    >>> missing_roles(("legal", "dpo"), ())
    ('legal', 'dpo')
    """
    supplied = {step.role for step in taken if step.step is Step.APPROVED}
    return tuple(name for name in needed if name not in supplied)
