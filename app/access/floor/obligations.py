"""What a permit obliges the consumer to: one list (docs/law.md, Purposes).

The purpose file names it for each allowed purpose, the answer and the grant carry it, and the store
opens nothing where one of them is missing, unknown or not kept. To add an obligation is to add a
field; ``obligations_of`` says what a permit puts there, ``keeps`` what a store may accept.
"""

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Obligations:
    """What a permit obliges the consumer to."""

    retain_days: int | None
    purpose: str
    no_individual_evaluation: bool


OBLIGATIONS = tuple(field.name for field in fields(Obligations))
"""Their names, in the order in which the purpose file lists them."""


def obligations_of(purpose: str, retain_days: int | None) -> Obligations:
    """The obligations of a permit.

    Args:
        purpose: the key of the allowed purpose.
        retain_days: whole days after which what was read must be gone; None: no limit was set.
    """
    return Obligations(retain_days, purpose, no_individual_evaluation=True)


def keeps(given: Obligations, purpose: str) -> bool:
    """Say whether obligations are those of a permit for a purpose, none of them relaxed."""
    return given == obligations_of(purpose, given.retain_days)
