"""An invented next form, with a knob, a signal and a reason that no agent of today knows."""

from dataclasses import dataclass, replace
from typing import Any, cast

from hypothesis import strategies as st

from app.kernel.forms import REASONS, ReasonRow
from app.kernel.vocabulary import Mode, Signal
from app.policy.catalogue.matchers import MATCHERS, MatcherRow
from app.policy.catalogue.model import Matchers
from app.policy.knob_row import AgentPart, Applied, Knob
from app.policy.knob_shapes import NameSet, Number, Value, least
from app.policy.knobs import REDACTORS, REDACTORS_ASKED, REGISTRY, KnobRegistry
from app.policy.law.layer import Claim, Layer, Why
from tests.policy.layers import LAYERS

PRESENT = REGISTRY.newest
LATER = PRESENT + 1


class _InventedSignal(str):
    """A signal of the next form; a closed list cannot be lengthened, so it only looks like one."""

    __slots__ = ()

    @property
    def value(self) -> str:
        return str(self)


GAZE = cast("Signal", _InventedSignal("gaze"))
WIDTH: Knob[int | None] = Knob(
    "invented_max_width_px",
    Number(1, 100_000, "pixel"),
    least,
    None,
    AgentPart(Applied(), frozenset({Signal.SCREENSHOT})),
    since=LATER,
)
COUNCIL_ASKED = "council_asked"
NEXT = KnobRegistry(
    knobs=(*REGISTRY.knobs, WIDTH),
    signals={**REGISTRY.signals, GAZE: LATER},
    reasons=(*REASONS, ReasonRow(COUNCIL_ASKED, since=LATER, older="policy_missing")),
)


@dataclass(frozen=True)
class NextMatchers(Matchers):
    """Matchers of the next form: windows are recognised by their colours, too."""

    colours: tuple[str, ...] = ()


NEXT_MATCHER = replace(NEXT, matchers=(*MATCHERS, MatcherRow("colours", since=LATER)))

FACES = "faces"
_REDACTORS = replace(
    REDACTORS_ASKED,
    shape=NameSet("redactor", (*REDACTORS, FACES), later=((FACES, LATER),)),
)
NEXT_REDACTOR = replace(
    NEXT,
    knobs=tuple(_REDACTORS if row == REDACTORS_ASKED else row for row in NEXT.knobs),
)

_NEW: dict[str, Any] = {
    WIDTH.name: st.integers(1, 4_000),
    "signals.gaze.mode": st.sampled_from(Mode),
    "signals.gaze.retention_days": st.integers(0, 5),
}


@st.composite
def _layers(draw: st.DrawFn) -> Layer:
    layer = draw(LAYERS)
    new: dict[str, Value] = draw(st.fixed_dictionaries({}, optional=_NEW))
    claims = {knob: Claim(value, Why(layer.id)) for knob, value in new.items()}
    return Layer(layer.id, layer.kind, layer.region, layer.digest, {**layer.knobs, **claims}, NEXT)


NEXT_LAYERS = _layers()
