"""The counterparty document as an agent reads it: strictly, in the form of its lease.

Rules:
1. It has a row for each region that it knows, and one for whoever is nobody knows where. Each row
   says a mode for exactly the signals of the form. A signal that is missing might be allowed by
   mistake, and one that is not known might be a rule, so both are faults.
2. A region is a place: nobody is in a region above countries.
3. The row for the unknown is at most as wide as any other: who is nobody knows where may be in any
   of these regions.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, TypeAlias

from app.kernel.forms import COUNTERPARTY_KIND
from app.kernel.shapes import PARENTS, REGION, fits
from app.kernel.vocabulary import MODES, Mode
from app.policy.knobs import KnobRegistry
from app.sdk.agent.document import read_named
from app.sdk.lease import Lease

Row: TypeAlias = Mapping[str, Mode]


def read_counterparties(
    lease: Lease, data: bytes | None, registry: KnobRegistry
) -> Mapping[str, Any] | None:
    """Read the counterparty document of a lease; None, if the lease names none.

    Raises:
        Refused: it is not the one that the lease names, or cannot be understood whole.
    """
    if lease.counterparties is None:
        return None
    understood = partial(_is_of_form, form=lease.form, registry=registry)
    return read_named(lease.counterparties, data, understood, "what others allow")


def _is_of_form(document: Any, form: int, registry: KnobRegistry) -> bool:
    """Whether it has the fields of a form (rules 1 to 3).

    Raises:
        KeyError, TypeError, AttributeError: something in it has another shape.
    """
    signals = frozenset(signal.value for signal in registry.signals_in(form))
    rows = [_row(row) for row in document["regions"].values()]
    unknown = _row(document["unknown"])
    return (
        document.keys() == {"kind", "v", "regions", "unknown"}
        and document["kind"] == COUNTERPARTY_KIND
        and type(document["v"]) is int
        and document["v"] == form
        and all(fits(REGION, name) and name not in PARENTS for name in document["regions"])
        and all(row.keys() == signals for row in (*rows, unknown))
        and all(unknown[name] <= row[name] for row in rows for name in signals)
    )


def _row(raw: Mapping[str, str]) -> Row:
    return {name: MODES[word] for name, word in raw.items()}
