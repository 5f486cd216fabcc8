"""What may be kept where another person's words are in view: the strictest that can hold there."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.canonical import canonical, digest, parse_canonical
from app.kernel.shapes import PARENTS
from app.kernel.vocabulary import Basis, Mode, Signal
from app.policy.counterparties import (
    SINCE,
    Counterparties,
    ModesBySignal,
    counterparties,
    counterparty_document,
)
from app.policy.knobs import REGISTRY
from app.policy.lattice import compile_layers
from app.policy.law.layer import Claim, CompanyPolicy, Floor, Layer, Why
from app.policy.memory import PolicyMemory
from app.policy.model import InForce
from app.policy.timeline import (
    RESUMED,
    STOPPED,
    CompanyRow,
    FloorRow,
    History,
    StopRow,
    in_force,
)
from tests.policy.layers import LAYERS, NAMES
from tests.policy.next_form import GAZE, LATER, NEXT, PRESENT
from tests.policy.pace import unhurried
from tests.policy.test_timeline import day, floor, policy

NOON = datetime(2026, 11, 16, 12, tzinfo=UTC)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
DENIED = dict.fromkeys(Signal, Mode.DENY)
PURPOSE = "ai_training.computer_use"


def rows_of(
    floors: Iterable[Floor],
    *company: CompanyPolicy,
    stops: tuple[StopRow, ...] = (),
    at: datetime = NOON,
    taken: datetime = LONG_AGO,
) -> Counterparties:
    """The rows under floors and policies that were all recorded long ago."""
    history = History(
        tuple(FloorRow(number, each, taken) for number, each in enumerate(floors)),
        tuple(
            CompanyRow(number, each.region, each, f"c{number}", "narrows", taken, taken)
            for number, each in enumerate(company)
        ),
        stops,
        seq=1,
    )
    return PolicyMemory.of("now", history).counterparties(at)


def stopped(region: str, step: str = STOPPED) -> StopRow:
    return StopRow(1, "s", 1, region, step, "ines", "", LONG_AGO)


def words(row: ModesBySignal) -> dict[str, str]:
    return {signal.value: mode.word for signal, mode in row.items()}


@pytest.fixture(scope="module")
def shipped(floors: tuple[Floor, ...]) -> Counterparties:
    return rows_of(floors)


class TestShippedFloors:
    def test_every_region_where_somebody_can_be_has_a_row(
        self, shipped: Counterparties, floors: tuple[Floor, ...]
    ) -> None:
        assert set(shipped.regions) == {each.region for each in floors} - set(PARENTS)

    def test_with_germany_no_text_and_no_picture_and_the_rest_as_its_floor_says(
        self, shipped: Counterparties
    ) -> None:
        assert words(shipped.regions["DE"]) == {
            "pointer": "redact",
            "click": "allow",
            "menu": "allow",
            "shortcut": "allow",
            "key_timing": "redact",
            "key_content": "deny",
            "screenshot": "deny",
            "app_url": "redact",
        }

    def test_with_norway_nothing(self, shipped: Counterparties) -> None:
        assert shipped.regions["NO"] == DENIED

    def test_with_france_no_picture(self, shipped: Counterparties) -> None:
        assert shipped.mode("FR", Signal.SCREENSHOT) is Mode.DENY
        assert shipped.mode("FR", Signal.CLICK) is Mode.ALLOW

    def test_with_california_text_without_what_is_sensitive(self, shipped: Counterparties) -> None:
        assert shipped.mode("US-CA", Signal.KEY_CONTENT) is Mode.REDACT

    @pytest.mark.parametrize("region", ["JP", "US-TX", "EU", "GLOBAL", "DE-BY", "", "de"])
    def test_with_a_region_that_nobody_described_nothing(
        self, shipped: Counterparties, region: str
    ) -> None:
        assert {shipped.mode(region, signal) for signal in Signal} == {Mode.DENY}

    def test_where_the_region_is_not_known_nothing_because_of_norway(
        self, shipped: Counterparties
    ) -> None:
        assert {shipped.mode(None, signal) for signal in Signal} == {Mode.DENY}

    def test_a_country_is_as_strict_as_the_strictest_of_its_parts(
        self, floors: tuple[Floor, ...]
    ) -> None:
        rows = rows_of(floors, CompanyPolicy.read(with_signals(policy("", region="US-NY"), "deny")))
        assert rows.mode("US-NY", Signal.CLICK) is Mode.DENY
        assert rows.mode("US", Signal.CLICK) is Mode.DENY
        assert rows.mode("US-CA", Signal.CLICK) is Mode.ALLOW


def with_signals(plain: Floor | CompanyPolicy, mode: str) -> bytes:
    """The same document with one mode for every signal."""
    document = parse_canonical(plain.body)
    document["knobs"]["signals"] = {
        signal.value: {"mode": mode, "retention_days": 1, "cite": "", "confidence": ""}
        for signal in Signal
    }
    return canonical(document)


def open_floor(
    region: str = "DE", parent: str | None = None, mode: str = "allow", **changes: Any
) -> Floor:
    """A floor that names every signal in one mode."""
    plain = floor(region, parent, **{"purposes": [PURPOSE], **changes})
    return Floor.read(with_signals(plain, mode))


class TestWhatCounts:
    def test_a_floor_alone_counts_without_policy_consent_or_evidence(self) -> None:
        rows = rows_of([open_floor(preconditions=["dpia", "works_agreement"])], at=day(0))
        assert set(rows.regions["DE"].values()) == {Mode.ALLOW}

    def test_neither_do_lead_time_apps_hours_or_what_is_said_of_the_other_side_there(self) -> None:
        closed = open_floor(
            notice_lead_days=90, apps=[], counterparty="deny", off_hours="deny", hours=[]
        )
        assert set(rows_of([closed], at=day(0)).regions["DE"].values()) == {Mode.ALLOW}

    @pytest.mark.parametrize(
        ("why", "knobs"),
        [("no basis is left", {"bases": []}), ("no purpose is left", {"purposes": []})],
    )
    def test_nothing_may_be_kept_where_nothing_may_be_captured(
        self, why: str, knobs: dict[str, list[str]]
    ) -> None:
        rows = rows_of([open_floor()], policy("a", **knobs), at=day(0))
        assert rows.regions["DE"] == DENIED, why

    def test_nor_after_the_last_day_of_a_floor(self) -> None:
        expiring = open_floor(last=5)
        assert rows_of([expiring], at=day(5)).regions["DE"] != DENIED
        assert rows_of([expiring], at=day(6)).regions["DE"] == DENIED

    def test_nor_after_the_last_day_of_a_company_policy(self) -> None:
        ours = policy("a", last=5)
        assert rows_of([open_floor()], ours, at=day(5)).regions["DE"] != DENIED
        assert rows_of([open_floor()], ours, at=day(6)).regions["DE"] == DENIED

    def test_nor_where_a_floor_above_is_missing(self) -> None:
        assert rows_of([open_floor(parent="EU")], at=day(0)).regions["DE"] == DENIED

    @pytest.mark.parametrize("region", ["DE", "EU", "GLOBAL"])
    def test_nor_while_it_is_stopped_there_or_above(
        self, floors: tuple[Floor, ...], region: str
    ) -> None:
        rows = rows_of(floors, stops=(stopped(region),))
        assert rows.regions["DE"] == DENIED
        assert (rows.regions["US-CA"] == DENIED) == (region == "GLOBAL")
        assert rows_of(floors, stops=(stopped(region, RESUMED),)) == rows_of(floors)

    def test_a_floor_that_has_not_begun_has_no_row(self) -> None:
        later = open_floor(first=5)
        assert "DE" not in rows_of([later], at=day(4)).regions
        assert "DE" in rows_of([later], at=day(5)).regions

    def test_without_any_row_everything_is_denied(self) -> None:
        nothing = rows_of([])
        assert nothing.regions == {}
        assert counterparty_document(nothing)["unknown"] == words(DENIED)


# Laws

CODES = ("DE", "FR", "US", "US-CA", "US-NY", "CA-QC")
NOTHING = in_force(History((), (), (), 0), ("DE",), NOON, compile_layers)
EVERYTHING = Layer(
    "floor/GLOBAL",
    "floor",
    "GLOBAL",
    "sha256:0",
    {
        knob: Claim(value, Why("floor/GLOBAL"))
        for knob, value in {
            "status": 1,
            "bases": frozenset(Basis),
            "purposes": frozenset(NAMES),
            **{f"signals.{signal}.mode": Mode.ALLOW for signal in Signal},
        }.items()
    },
)
"""Every region stands on it, as it stands on GLOBAL: what nobody names at all is closed."""

REGIONS = st.dictionaries(st.sampled_from(CODES), st.lists(LAYERS, max_size=3), min_size=1)


def table(regions: dict[str, list[Layer]], stop: str = "") -> Counterparties:
    def holding(region: str) -> InForce:
        compiled = compile_layers([EVERYTHING, *regions[region]])
        stopped = ("DE",) if region == stop else ()
        return replace(NOTHING, compiled=compiled, stopped=stopped, unknown=())

    return counterparties(regions, holding)


def narrower(one: Counterparties, other: Counterparties) -> bool:
    """Whether one table allows nothing, of any region, that the other denies."""
    return all(
        one.mode(region, signal) <= other.mode(region, signal)
        for region in (*CODES, "JP", None)
        for signal in Signal
    )


@unhurried
@given(REGIONS, st.data())
def test_another_layer_never_allows_more(regions: dict[str, list[Layer]], data: Any) -> None:
    where, layer = data.draw(st.sampled_from(sorted(regions))), data.draw(LAYERS)
    assert narrower(table({**regions, where: [*regions[where], layer]}), table(regions))


@unhurried
@given(REGIONS, st.sampled_from(CODES), st.lists(LAYERS, max_size=3))
def test_a_described_region_never_allows_more_for_those_that_were_described_before(
    regions: dict[str, list[Layer]], where: str, layers: list[Layer]
) -> None:
    before, after = table(regions), table({where: layers, **regions})
    for signal in Signal:
        for region in (*regions, None):
            assert after.mode(region, signal) <= before.mode(region, signal)


@unhurried
@given(REGIONS, st.sampled_from(CODES))
def test_a_stop_never_allows_more(regions: dict[str, list[Layer]], where: str) -> None:
    assert narrower(table(regions, stop=where), table(regions))


@unhurried
@given(REGIONS)
def test_what_is_not_known_is_as_strict_as_everything_it_can_be(
    regions: dict[str, list[Layer]],
) -> None:
    rows = table(regions)
    for signal in Signal:
        each = [rows.mode(region, signal) for region in rows.regions]
        assert rows.mode(None, signal) == min(each)
        for part in ("US-CA", "US-NY"):
            if "US" in regions and part in regions:
                assert rows.mode("US", signal) <= rows.mode(part, signal)


# The document


def test_a_document_names_the_signals_of_its_form(floors: tuple[Floor, ...]) -> None:
    rows = Counterparties({"DE": dict.fromkeys(NEXT.signals, Mode.ALLOW)})
    for form, named in ((PRESENT, set(REGISTRY.signals)), (LATER, set(NEXT.signals))):
        written = counterparty_document(rows, form, NEXT)
        assert written["v"] == form
        assert set(written["unknown"]) == set(written["regions"]["DE"]) == named
    assert GAZE in NEXT.signals


def test_a_document_is_canonical_and_says_what_the_rows_say(shipped: Counterparties) -> None:
    written = counterparty_document(shipped)
    assert written["kind"] == "counterparties"
    assert written["v"] == SINCE
    assert written["regions"] == {region: words(row) for region, row in shipped.regions.items()}
    assert canonical(written) == canonical(dict(reversed(written.items())))


class TestMemory:
    def remembered(self) -> PolicyMemory:
        floors = (open_floor(), open_floor("FR", first=3, mode="redact"))
        taken = tuple(FloorRow(number, each, day(-20)) for number, each in enumerate(floors))
        return PolicyMemory.of("now", History(taken, (), (), 1))

    def test_rows_are_worked_out_once_between_two_moments(self) -> None:
        memory = self.remembered()
        assert memory.counterparties(day(1)) is memory.counterparties(day(2))
        assert memory.counterparties(day(2)) != memory.counterparties(day(3))

    def test_a_document_is_written_once_and_named_by_its_bytes(self) -> None:
        memory = self.remembered()
        name, body = memory.counterparty_document(day(1), SINCE)
        assert name == digest(body)
        assert body == canonical(counterparty_document(memory.counterparties(day(1))))
        assert memory.counterparty_document(day(2), SINCE)[1] is body
        assert memory.counterparty_document(day(3), SINCE)[0] != name

    def test_it_says_when_other_rows_will_hold(self) -> None:
        memory, hour = self.remembered(), timedelta(hours=1)
        assert memory.counterparties_change_at(day(2), hour) is None
        assert memory.counterparties_change_at(day(3) - hour, hour) == day(3)
        assert memory.counterparties_change_at(day(3), timedelta(days=30)) is None
