"""Rules have a version: by which functions leases and access decisions are made.

Rules:
1. What a signed entry follows from never changes: a version that was released keeps its functions
   and its answers. Another answer to the same facts is another version.
2. A log says from where on which version holds (``rules.adopted``). Before the first such entry it
   is version 1.
3. The service decides by one version. A verifier carries as many as it can and replays each stretch
   of the log by its own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from app.access.decision.decide import decide
from app.access.decision.model import AccessDecision, Facts, Question
from app.capture.directive import Circumstances, Directive, directive


@dataclass(frozen=True)
class Rules:
    """One version.

    Attributes:
        version: 1, 2, 3 …
        release: the first release of Habeas that carries it.
        directive: makes a lease's directive of its circumstances.
        decide: makes an access decision of its facts.
        whole_offer: a decision binds all that its offer showed; before, only the signals, apps and
            purposes.
        places: a home or place of work that is too wide to be a place prevents capture, and a
            region without a floor is told as unknown, not as forbidden too.
        every_decision: a lease is numbered by the person's last decision. Before, it was by the one
            that its state rested on: the number fell when a pause ended, and the laptop, which has
            to refuse a number below one that it has seen, stayed off.
    """

    version: int
    release: str
    directive: Callable[[Circumstances, datetime], Directive]
    decide: Callable[[Question, Facts], AccessDecision]
    whole_offer: bool
    places: bool
    every_decision: bool


RULES_1 = Rules(1, "0.1", directive, decide, whole_offer=False, places=False, every_decision=False)
"""What release 0.1 decided by."""

RULES_2 = Rules(2, "0.2", directive, decide, whole_offer=True, places=True, every_decision=True)
"""Nothing wider than agreed (docs/adr/0023); a catalogue that loosens takes two people (0026)."""

CURRENT = RULES_2
"""What the service decides by: always the live functions, as pages name obstacles by them."""

CARRIED: Mapping[int, Rules] = MappingProxyType({1: RULES_1, 2: RULES_2})
"""Every version that a verifier of this release can replay."""

FIRST_VERSION, FIRST_RELEASE = 1, "0.1"
"""What holds in a log before it says anything else, and what release can replay that."""
