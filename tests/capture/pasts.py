"""Floors, policies, histories and people by the hundred, for whoever compares what holds."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.vendor.pretty import RepresentationPrinter

from app.capture.effect import PolicyEffect, effect_if_published
from app.directory.model import headcounts
from app.kernel.vocabulary import Mode
from app.policy.catalogue.model import App, Catalogue, Matchers
from app.policy.law.layer import Claim, CompanyPolicy, Evidence, Floor, Layer, Why
from app.policy.model import KnobChange
from app.policy.prospect import outlook_of, published
from app.policy.timeline import STOPPED, FloorRow, History, StopRow

START = datetime(2026, 3, 2, tzinfo=UTC)
CATALOGUE = Catalogue({name: App(name, name, "design", Matchers()) for name in ("a", "b")}, {})
SIGNALS = ("click", "screenshot")
MODES = st.sampled_from(Mode)
DPIA = Evidence("dpia", "D", "0" * 64, None)
PARENTS = {"GLOBAL": None, "EU": "GLOBAL", "DE": "EU", "FR": "EU", "JP": "GLOBAL"}
REGIONS = st.sampled_from([*["DE"] * 6, *["FR"] * 3, *["JP"] * 2, "ZZ", "EU"])


def day(number: float) -> datetime:
    return START + timedelta(days=number)


KNOBS: dict[str, st.SearchStrategy[Any]] = {
    **{f"signals.{signal}.mode": MODES for signal in SIGNALS},
    **{f"signals.{signal}.retention_days": st.sampled_from([0, 5, 9, 30]) for signal in SIGNALS},
    "apps": st.sampled_from([frozenset("a"), frozenset("ab"), frozenset("b"), frozenset()]),
    "purposes": st.sampled_from([frozenset("p"), frozenset("pq"), frozenset("q")]),
    "bases": st.sampled_from([frozenset({"consent"}), frozenset({"consent", "notice"})]),
    "hours": st.sampled_from([frozenset({9}), frozenset({9, 10}), frozenset({10})]),
    "off_hours": MODES,
    "personal_device": MODES,
    "counterparty": MODES,
    "screenshot_min_interval_s": st.sampled_from([0, 60]),
    "notice_lead_days": st.sampled_from([0, 4]),
    "preconditions": st.sampled_from([frozenset(), frozenset({"dpia"})]),
    "status": st.sampled_from([1] * 5 + [0]),
    "cohort_min": st.sampled_from([1, 5]),
}
OPEN: dict[str, Any] = {
    **{f"signals.{signal}.mode": Mode.ALLOW for signal in SIGNALS},
    **{f"signals.{signal}.retention_days": 9 for signal in SIGNALS},
    "apps": frozenset({"a", "b"}),
    "purposes": frozenset({"p", "q"}),
    "bases": frozenset({"consent"}),
    "off_hours": Mode.ALLOW,
    "personal_device": Mode.ALLOW,
    "counterparty": Mode.ALLOW,
    "status": 1,
}
FEW = st.lists(st.sampled_from(sorted(KNOBS)), min_size=1, max_size=4, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: KNOBS[name] for name in names})
)
"""What a layer says otherwise than everybody."""
SOME = st.one_of(st.just({}), st.just({}), FEW)


def layer(identity: str, knobs: dict[str, Any]) -> Layer:
    kind, _, region = identity.partition("/")
    claims = {name: Claim(value, Why(identity)) for name, value in knobs.items()}
    text = str(sorted((name, str(value)) for name, value in knobs.items()))
    return Layer(identity, kind, region, text, claims)  # type: ignore[arg-type]


def floor(region: str, knobs: dict[str, Any]) -> Floor:
    usual = {**OPEN, "apps": frozenset("abc")} if region == "GLOBAL" else {"status": 1}
    law = layer(f"floor/{region}", {**usual, **knobs})
    return Floor(region, region, PARENTS[region], "approved", "", "", day(-90), None, law, b"")


def _brief(policy: CompanyPolicy) -> str:
    days = [None if at is None else f"{at:%d %b}" for at in (policy.valid_from, policy.valid_to)]
    kinds = [item.kind for item in policy.evidence]
    return f"{policy.region} {_otherwise(policy.layer)}, days {days}, evidence {kinds}"


def _otherwise(layer: Layer) -> dict[str, Any]:
    """What a layer says otherwise than everybody."""
    said = {name: claim.value for name, claim in layer.knobs.items()}
    return {name: value for name, value in said.items() if OPEN.get(name) != value}


class Brief:
    """Is printed as its ``repr`` says; Hypothesis prints every field of a dataclass otherwise."""

    def _repr_pretty_(self, printer: RepresentationPrinter, *_: object) -> None:
        printer.text(repr(self))


@dataclass(frozen=True, repr=False)
class Past(Brief, History):
    """A history that prints no more than what is particular to it."""

    def __repr__(self) -> str:
        floors = {row.floor.region: _otherwise(row.floor.layer) for row in self.floors}
        company = [f"{row.recorded_at:%d %b}: {_brief(row.policy)}" for row in self.company]
        stops = [stop.region for stop in self.stops]
        return f"Past(floors={floors}, company={company}, stops={stops})"


@dataclass(frozen=True, repr=False)
class Draft(Brief):
    """A company policy on a day, as somebody could write it."""

    policy: CompanyPolicy
    names: tuple[str, ...]
    at: datetime

    def __repr__(self) -> str:
        return f"Draft({self.at:%d %b}: {_brief(self.policy)})"


def policy(region: str, knobs: dict[str, Any], **fields: Any) -> CompanyPolicy:
    usual: dict[str, Any] = {"valid_from": None, "valid_to": None, "evidence": ()}
    own = layer(f"company/{region}", {**OPEN, **knobs})
    return CompanyPolicy(region, region, "", layer=own, body=b"", **{**usual, **fields})


@st.composite
def drafts(draw: st.DrawFn, at: float) -> Draft:
    region = draw(st.sampled_from([*["DE"] * 6, "EU", "GLOBAL", "FR"]))
    first = draw(st.sampled_from([None, None, at + 3, at - 3]))
    last = draw(st.sampled_from([None, None, at + 20]))
    shown = draw(st.sampled_from([(DPIA,), (DPIA,), (DPIA,), ()]))
    written = policy(
        region,
        draw(FEW),
        valid_from=None if first is None else day(first),
        valid_to=None if last is None else day(last),
        evidence=shown,
    )
    names = [region]
    while (parent := PARENTS[names[-1]]) is not None:
        names.append(parent)
    return Draft(written, tuple(names), day(at))


@st.composite
def pasts(draw: st.DrawFn) -> History:
    """Floors, a policy for everybody, one or two more, now and then a stop."""
    laws = {"GLOBAL": {}, **{region: draw(SOME) for region in ("EU", "DE", "FR", "JP")}}
    rows = tuple(
        FloorRow(number, floor(region, knobs), day(-90))
        for number, (region, knobs) in enumerate(laws.items())
    )
    everywhere = Draft(policy("GLOBAL", {}, evidence=(DPIA,)), ("GLOBAL",), day(-30))
    past = publish(Past(rows, (), (), 1), everywhere)
    for number in range(draw(st.integers(1, 2))):
        past = publish(past, draw(drafts(at=-9 + 2 * number)))
    if draw(st.sampled_from([False] * 7 + [True])):
        stop = StopRow(1, "s", 1, draw(st.sampled_from(["FR", "EU"])), STOPPED, "ines", "", day(-1))
        past = replace(past, stops=(stop,))
    return past


def publish(past: History, draft: Draft) -> History:
    after, _ = published(past, draft.policy, draft.names, draft.at)
    rows = [replace(row, change_id=row.change_id or f"c{row.id}") for row in after.company]
    return replace(after, company=tuple(rows))


NOW = drafts(at=0)
PEOPLE = st.lists(st.tuples(REGIONS, REGIONS, REGIONS), min_size=1, max_size=6)
"""Home, place of work, establishment of each."""


def effect_on(past: History, draft: Draft, people: list[tuple[str, str, str]]) -> PolicyEffect:
    counted = headcounts((home, place, f"{entity}/X", 1) for home, place, entity in people)
    return effect_if_published(past, draft.policy, draft.names, counted, draft.at, CATALOGUE)


def draft_changes(past: History, draft: Draft) -> tuple[KnobChange, ...]:
    return outlook_of(past, draft.names, draft.at).compare(draft.policy)[1]


def law_in_germany(**knobs: Any) -> History:
    """Floors that are as wide as everywhere, but for what Germany says."""
    floors = {"GLOBAL": {}, "EU": {}, "DE": knobs, "FR": {}, "JP": {}}
    rows = [
        FloorRow(n, floor(name, said), day(-90)) for n, (name, said) in enumerate(floors.items())
    ]
    return Past(tuple(rows), (), (), 1)


CHAIN = ("DE", "EU", "GLOBAL")


def no_narrower_law() -> History:
    """Floors that are as wide as everywhere."""
    return law_in_germany()


def german(at: float = 0, /, **knobs: Any) -> Draft:
    return Draft(
        policy("DE", {name.replace("__", "."): v for name, v in knobs.items()}), CHAIN, day(at)
    )
