"""Whether capture and access stopped where a person had refused.

Two questions. Does each lease's directive follow from the circumstances its entry records? Was any
permit given for data of a person whose last word in the log, before that entry, was no?
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from app.access.decision.rules import Rules
from app.agents.leases.record import LeaseRecord
from app.audit.entries.model import Kind
from app.capture.directive import Directive
from app.kernel.clock import instant
from app.kernel.facts import decode
from app.kernel.forms import FIRST_FORM
from app.policy.knobs import KnobRegistry

_YES = frozenset({Kind.CONSENT_GIVEN, Kind.CONSENT_ACKNOWLEDGED})
_NO = frozenset({Kind.CONSENT_REFUSED, Kind.CONSENT_WITHDRAWN, Kind.CONSENT_REVOKED})


class NewerForm(Exception):
    """A lease is written in a form that this verifier does not know."""


def form_of(record: LeaseRecord, registry: KnobRegistry) -> int:
    """The form of a lease's reasons and document.

    Raises:
        NewerForm: this verifier does not know it.
        ValueError: it is no form.
    """
    if record.form < FIRST_FORM:
        msg = f"{record.form} is no form"
        raise ValueError(msg)
    if record.form > registry.newest:
        raise NewerForm
    return record.form


def directive_facts(again: Directive, form: int, registry: KnobRegistry) -> dict[str, Any]:
    """What the entry of a lease has to say of its directive, in a form."""
    return {
        "capture": "on" if again.capture else "off",
        "reasons": registry.reasons_in(form, again.reasons),
    }


def why_not_this_lease(leaf: Mapping[str, Any], rules: Rules, registry: KnobRegistry) -> str | None:
    """Decide the directive of a ``lease.changed`` entry again; None where it comes out the same.

    Raises:
        NewerForm: this verifier does not know its form.
        ValueError: the entry lacks what it must say.
    """
    record = decode(LeaseRecord, leaf["facts"])
    form = form_of(record, registry)
    again = rules.directive(record.circumstances, instant(leaf["occurred_at"]))
    known = directive_facts(again, form, registry)
    if all(getattr(record, name) == value for name, value in known.items()):
        return None
    return ", ".join([known["capture"], *known["reasons"]])


class LastWord:
    """What each person decided last, in the order of the index.

    A person's decisions and the decisions about them are made under one lock, so their order in the
    log is the order in which they were made.
    """

    def __init__(self) -> None:
        self._no: dict[str, tuple[int, str]] = {}
        self._pauses: dict[str, tuple[int, datetime]] = {}

    def see(self, position: int, leaf: Mapping[str, Any]) -> None:
        """Take a ``consent.*`` entry."""
        kind = leaf["kind"]
        for person in leaf["subjects"]:
            if kind == Kind.CONSENT_PAUSED:
                # When it ends, what stood before it stands again.
                self._pauses[person] = (position, instant(leaf["facts"]["until"]))
            elif kind == Kind.CONSENT_RESUMED:
                self._pauses.pop(person, None)
            elif kind in _YES:
                self._no.pop(person, None)
                self._pauses.pop(person, None)
            elif kind in _NO:
                self._no[person] = (position, kind.removeprefix("consent."))

    def against(self, leaf: Mapping[str, Any]) -> Iterator[str]:
        """Yield why data of the people of a permit may not be used at its instant."""
        at = instant(leaf["facts"]["asked_at"])
        people = {*leaf["subjects"], *(member["person"] for member in leaf["facts"]["people"])}
        for person in sorted(people):
            position, word = self._no.get(person, (None, ""))
            if position is None and person in self._pauses and at < self._pauses[person][1]:
                position, word = self._pauses[person][0], "paused"
            if position is not None:
                yield f"data of {person}, whose last word is {word} (entry {position})"
