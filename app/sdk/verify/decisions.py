"""Whether every decision in the log was one that could be made.

Two questions of each access decision. May the purpose be permitted at all: by the floor in code,
and by the list of purposes that was in force when it was decided? And does the outcome follow from
the facts that the entry records, decided again here? For leases, and for people who had said no,
see capture.py.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from app.access.floor import ALLOWED, PROHIBITED, TERMS, Outcome, verdict
from app.access.model import CAPTURED_DATA
from app.access.record import recompute, recorded
from app.audit.model import Kind
from app.sdk.verify.capture import LastWord, why_not_this_lease
from app.sdk.verify.report import Findings, Verdict

_NEVER = "performance_evaluation"
# What a forged entry can make a pure function of its facts raise.
_UNFIT = (ValueError, TypeError, KeyError, AttributeError, OverflowError)


class DecisionCheck:
    """Takes leaves in order; keeps the figures of the third verdict."""

    def __init__(self) -> None:
        self.decisions = 0
        self.permits = 0
        self.prohibited = 0
        self.unfounded = 0
        self._purposes: dict[str, frozenset[str]] = {}
        self._last_word = LastWord()
        self._findings = Findings()

    def see(self, position: int, leaf: Mapping[str, Any]) -> None:
        """Take the leaf at a position of the file."""
        try:
            if leaf["kind"] == Kind.POLICY_PURPOSES_ADOPTED:
                self._adopt(position, leaf["facts"])
            elif leaf["kind"] == Kind.ACCESS_DECIDED:
                self._decided(position, leaf)
            elif leaf["kind"] == Kind.LEASE_CHANGED:
                self._leased(position, leaf)
            elif leaf["kind"].startswith("consent."):
                self._last_word.see(position, leaf)
        except _UNFIT as error:
            self._findings.add(f"entry {position} lacks what its kind must say: {error}", position)

    def _adopt(self, position: int, facts: Mapping[str, Any]) -> None:
        allowed, prohibited = frozenset(facts["allowed"]), frozenset(facts["prohibited"])
        self._purposes[facts["policy"]] = allowed - prohibited
        if not allowed <= ALLOWED:
            names = ", ".join(sorted(allowed - ALLOWED))
            self._findings.add(
                f"entry {position} allows what the floor does not: {names}", position
            )
        if _NEVER not in prohibited:
            self._findings.add(f"entry {position} does not prohibit {_NEVER}", position)

    def _decided(self, position: int, leaf: Mapping[str, Any]) -> None:
        facts = leaf["facts"]
        self.decisions += 1
        if facts["outcome"] == "permit":
            self.permits += 1
            problems = tuple(self._why_never(leaf))
            self.prohibited += bool(problems)
            for problem in problems:
                self._findings.add(f"entry {position} permits {problem}", position)
            self._heard(position, leaf)
        elif facts["grant"] is not None:
            self._found_unfounded(position, "refuses and yet names a grant")
        try:
            again, then = recompute(facts), recorded(facts)
        except _UNFIT as error:
            self._found_unfounded(position, f"cannot be decided again: {error}")
        else:
            if again != then:
                reasons = ", ".join(again.reasons) or "a permit"
                self._found_unfounded(position, f"does not follow from its facts: {reasons}")

    def _heard(self, position: int, leaf: Mapping[str, Any]) -> None:
        """Hold a permit for a purpose that needs the person's yes against what they said last."""
        terms = TERMS.get(leaf["purpose"] or "")
        if leaf["facts"]["resource"] != CAPTURED_DATA or terms is None or not terms.consent:
            return
        for problem in self._last_word.against(leaf):
            self._found_unfounded(position, f"permits the use of {problem}")

    def _leased(self, position: int, leaf: Mapping[str, Any]) -> None:
        other = why_not_this_lease(leaf)
        if other is not None:
            self._found_unfounded(position, f"does not follow from its facts: capture is {other}")

    def _why_never(self, leaf: Mapping[str, Any]) -> Iterator[str]:
        purpose, facts = leaf["purpose"], leaf["facts"]
        if facts["purpose"] != purpose:
            yield f"{facts['purpose']!r} but is filed under {purpose!r}"
        for named in {purpose, facts["purpose"]}:
            word = verdict(named)
            if word.outcome is Outcome.PROHIBITED:
                yield f"{named!r}, which is {word.key}"
            elif facts["resource"] == CAPTURED_DATA and word.outcome is not Outcome.ALLOWED:
                yield f"{named!r}, which is not on the list"
        if facts["resource"] == CAPTURED_DATA and purpose not in self._purposes.get(
            facts["purposes"], frozenset()
        ):
            yield f"{purpose!r}, which the purposes it names did not allow by then"

    def _found_unfounded(self, position: int, problem: str) -> None:
        self.unfounded += 1
        self._findings.add(f"entry {position} {problem}", position)

    def verdict(self, *, whole: bool) -> Verdict:
        """The third verdict; it holds only of a log that is whole."""
        said = f"{self.prohibited} of {self.decisions} decisions allowed a prohibited purpose"
        good = f"{said}; each follows from the facts it records."
        bad = f"{said}; {self.unfounded} do not follow from the facts they record."
        found = self._findings.verdict(good, bad)
        if whole:
            return found
        sentence = f"Not established, for the log is not whole. Of what could be read: {said}."
        return Verdict(False, sentence, found.first_bad, found.findings)


assert _NEVER in PROHIBITED
