"""The policy document as an agent reads it: strictly, in a form that it understands.

Rules:
1. A document names exactly the knobs and signals of its form (app/policy/knobs.py). A field that is
   not known might be a rule, so it is a fault; so is one that is missing.
2. Every value has the shape of its knob's row. What a value means is the guard's affair.
3. What a document of an older form does not name, the service has denied in it already.
"""

from collections.abc import Mapping
from typing import Any

from app.kernel.canonical import digest, parse_canonical
from app.kernel.forms import FIRST_FORM
from app.kernel.refusals import Refusal
from app.kernel.vocabulary import Mode
from app.policy.knobs import KnobRegistry
from app.sdk.lease import Lease, Refused


def read_document(lease: Lease, data: bytes | None, registry: KnobRegistry) -> Mapping[str, Any]:
    """Read the policy document of a lease; nothing, if the lease names none.

    Raises:
        Refused: it is not the one that the lease names, or cannot be understood whole.
    """
    if lease.policy is None:
        return {}
    if data is None or digest(data) != lease.policy:
        raise Refused(Refusal.POLICY_MISMATCH, "the document is not the one the lease names")
    try:
        document = parse_canonical(data)
        understood = _is_of_form(document, lease.form, registry)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Refused(Refusal.POLICY_UNREADABLE, "the policy document cannot be read") from error
    if not understood:
        raise Refused(Refusal.POLICY_UNREADABLE, "the policy document is of an unknown form")
    return dict(document)


def read_mode(word: str) -> Mode:
    """Read a mode; an unknown one is an error, so whatever it was for is denied."""
    return Mode[word.upper()]


def _is_of_form(document: Any, form: int, registry: KnobRegistry) -> bool:
    """Whether a document has the fields of a form (rule 1).

    Raises:
        ValueError, KeyError, TypeError, AttributeError: a value has not its knob's shape (rule 2).
    """
    rows = registry.told_in(form)
    for row in rows:
        row.shape.check(document[row.name])
    for rule in document["signals"].values():
        read_mode(rule["mode"])
    return (
        FIRST_FORM <= form <= registry.newest
        and document["v"] == form
        and document.keys() == {"v", "signals", "layers", *(row.name for row in rows)}
        and document["signals"].keys() == set(registry.signals_in(form))
        and isinstance(document["layers"], list)
    )
