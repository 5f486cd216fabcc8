"""Regions in words: the rows say what the compiled policy says, and who decided it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.access.floor.terms import ALLOWED
from app.kernel.vocabulary import Mode
from app.policy.catalogue.model import Catalogue
from app.policy.catalogue.packs import load_catalogue
from app.policy.changes.model import RegionView
from app.policy.knobs import REGISTRY
from app.policy.lattice import compile_layers
from app.policy.law.layer import Evidence, Floor, Why
from app.policy.law.packs import load_floors
from app.policy.model import InForce
from app.web.legal.region import evidence_rows, region_sentence
from app.web.legal.region_table import obstacle_rows, region_rows
from app.web.words.knob_words import (
    knob_in_words,
    meet_in_words,
    number_in_words,
    value_in_words,
    week_in_words,
)
from app.web.words.policy_words import counted, duration_in_words, listed
from app.web.words.region_words import in_tree_order, reasons

POLICIES = Path(__file__).resolve().parents[2] / "policies"
NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue(POLICIES / "apps")


@pytest.fixture(scope="module")
def floors(catalogue: Catalogue) -> dict[str, Floor]:
    found = load_floors(POLICIES / "regions", catalogue, ALLOWED)
    return {floor.region: floor for floor in found}


def _view(floors: dict[str, Floor], region: str, **changes: object) -> RegionView:
    chain = [region]
    while (parent := floors[chain[-1]].parent) is not None:
        chain.append(parent)
    layers = tuple(floors[name].at(NOW) for name in chain)
    in_force: dict[str, object] = {
        "compiled": compile_layers(layers),
        "layers": layers,
        "unknown": (),
        "company": False,
        "evidence": (),
        "missing": (),
        "stopped": (),
        "lead_until": None,
        "seq": 1,
    }
    return RegionView(
        region=region,
        chain=tuple(chain),
        floor=floors[region],
        in_force=InForce(**{**in_force, **changes}),  # type: ignore[arg-type]
        policy=None,
        scheduled=None,
        stop=None,
        changes=(),
    )


@pytest.fixture
def views(floors: dict[str, Floor]) -> tuple[RegionView, ...]:
    return tuple(_view(floors, region) for region in sorted(floors))


def test_every_region_stands_below_its_parent(views: tuple[RegionView, ...]) -> None:
    ordered = [(depth, view.region) for depth, view in in_tree_order(views)]
    assert ordered[0] == (0, "GLOBAL")
    assert len(ordered) == len(views)
    places = {region: place for place, (_, region) in enumerate(ordered)}
    for view in views:
        if len(view.chain) > 1:
            assert places[view.chain[1]] < places[view.region]


def test_a_region_without_its_parent_does_not_vanish(views: tuple[RegionView, ...]) -> None:
    orphans = [view for view in views if view.region not in {"GLOBAL", "EU"}]
    assert {view.region for _, view in in_tree_order(orphans)} == {v.region for v in orphans}


def test_a_cell_names_the_region_that_narrows_it(
    views: tuple[RegionView, ...], catalogue: Catalogue
) -> None:
    germany = next(row for row in region_rows(views, catalogue) if row.code == "DE")
    cells = {cell.signal: cell for cell in germany.cells}
    assert cells["key_content"].mode == "deny"
    assert cells["key_content"].decided_by == "EU DE"
    assert "decided by European Union and EEA and Germany" in cells["key_content"].sentence
    assert cells["click"].mode == "allow"
    assert cells["click"].decided_by == ""


def test_a_prohibited_region_is_blocked_in_every_cell(
    views: tuple[RegionView, ...], catalogue: Catalogue
) -> None:
    norway = next(row for row in region_rows(views, catalogue) if row.code == "NO")
    assert {cell.mode for cell in norway.cells} == {"blocked"}
    assert {cell.decided_by for cell in norway.cells} == {"NO"}
    assert norway.basis == "prohibited"
    assert norway.kept == ""


def test_without_a_company_policy_a_row_says_that_capture_is_off(
    views: tuple[RegionView, ...], catalogue: Catalogue
) -> None:
    rows = region_rows(views, catalogue)
    assert len(rows) == len(views) > 5
    for region in rows:
        assert region.policy == "none: capture off"
        assert "policy_missing" in [row.obstacle for row in region.obstacles]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"stopped": ("EU",)}, "stopped"),
        ({"unknown": ("XX",)}, "region_unknown"),
        ({"company": False}, "policy_missing"),
        ({"missing": ("dpia",)}, "precondition_missing"),
        ({"lead_until": NOW}, "lead_time"),
    ],
)
def test_everything_that_keeps_capture_off_is_said(
    floors: dict[str, Floor], catalogue: Catalogue, changes: dict[str, object], code: str
) -> None:
    view = _view(floors, "GB", **{"company": True, **changes})
    names = {"GB": "United Kingdom", "GLOBAL": "Everywhere"}
    assert code in [row.obstacle for row in obstacle_rows(view.in_force, names, catalogue)]
    sentence = region_sentence(view, names, catalogue)
    assert sentence.startswith("United Kingdom: nothing can be captured, because")


def test_wider_regions_and_floors_come_first_among_the_reasons() -> None:
    names = {"GLOBAL": "Everywhere", "EU": "European Union", "DE": "Germany"}
    whys = [Why("company/DE"), Why("floor/DE"), Why("habeas"), Why("floor/EU", "GDPR", "C")]
    assert [(reason.place, reason.kind) for reason in reasons(whys, names)] == [
        ("Habeas", "closed by default"),
        ("European Union", "floor"),
        ("Germany", "floor"),
        ("Germany", "company policy"),
    ]


def test_evidence_says_when_it_ends(floors: dict[str, Floor]) -> None:
    shown = (
        Evidence("dpia", "D-1", "a" * 64, "2026-11-17"),
        Evidence("permit", "P-1", "a" * 64, "2026-11-16"),
        Evidence("consultation", "C-1", "a" * 64),
    )
    rows = evidence_rows(_view(floors, "GB", evidence=shown), NOW)
    assert [row.state for row in rows] == ["expires in 1 day", "expires today", "does not expire"]


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        ((), "never"),
        (range(168), "Monday to Sunday 00:00 to 24:00"),
        (
            [24 * day + hour for day in range(5) for hour in range(8, 18)],
            "Monday to Friday 08:00 to 18:00",
        ),
        (
            [8, 9, 12, 24 * 6 + 20],
            "Monday 08:00 to 10:00 and 12:00 to 13:00; Sunday 20:00 to 21:00",
        ),
        (
            [8, 24 + 9, 48 + 8],
            "Monday 08:00 to 09:00; Tuesday 09:00 to 10:00; Wednesday 08:00 to 09:00",
        ),
    ],
)
def test_hours_of_the_week_are_said_as_people_do(hours: list[int], said: str) -> None:
    assert week_in_words(hours) == said


@pytest.mark.parametrize(
    ("knob", "value", "said"),
    [
        ("lease_ttl_s", 900, "15 minutes"),
        ("lease_ttl_s", 61, "61 seconds"),
        ("screenshot_min_interval_s", 3600, "1 hour"),
        ("notice_lead_days", 14, "14 days"),
        ("notice_lead_days", 0, "none"),
        ("signals.click.retention_days", 1, "1 day"),
        ("cohort_min", 1, "1 person"),
        ("cohort_min", 5, "5 people"),
        ("off_hours", Mode.REDACT, "redact"),
        ("hours", None, "at any hour"),
        ("apps", None, "not named"),
        ("evidence.dpia", None, "none"),
        ("evidence.dpia", "D-1 until 2027-12-31", "D-1 until 2027-12-31"),
        ("valid_to", None, "no last day"),
        ("bases", frozenset({"notice", "consent"}), "consent and notice"),
        ("bases", [], "none"),
    ],
)
def test_values_are_said_in_words(knob: str, value: object, said: str) -> None:
    assert value_in_words(knob, value) == said


@pytest.mark.parametrize(
    ("knob", "said"),
    [
        ("status", "Approved only if every layer is."),
        ("bases", "Only what every layer lists."),
        ("hours", "Only the hours that every layer allows."),
        ("exclusions", "All that any layer names."),
        ("off_hours", "The strictest of all layers."),
        ("screenshot_min_interval_s", "The longest of all layers."),
        ("lease_ttl_s", "The shortest of all layers."),
        ("cohort_min", "The largest of all layers."),
    ],
)
def test_how_layers_meet_is_said_by_what_a_knob_measures(knob: str, said: str) -> None:
    assert meet_in_words(REGISTRY.rows[knob]) == said


def test_a_number_is_said_with_its_unit() -> None:
    assert number_in_words(1280, "pixel") == "1,280 pixels"


@pytest.mark.parametrize(
    ("knob", "said"),
    [
        ("signals.key_content.mode", "Typed text"),
        ("signals.key_content.retention_days", "Typed text, kept"),
        ("evidence.works_agreement", "Evidence: works agreement"),
        ("off_hours", "Outside these hours"),
        ("something_new", "Something new"),
    ],
)
def test_knobs_are_named(knob: str, said: str) -> None:
    assert knob_in_words(knob) == said


def test_numbers_and_lists_read_as_people_write_them() -> None:
    nouns = ("hash", "box", "match", "process", "time")
    assert [counted(9, noun) for noun in nouns] == [
        "9 hashes", "9 boxes", "9 matches", "9 processes", "9 times",
    ]  # fmt: skip
    assert [counted(1, "entry"), counted(1204, "entry"), counted(2, "day")] == [
        "1 entry",
        "1,204 entries",
        "2 days",
    ]
    assert [listed([]), listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"], "or")] == [
        "",
        "a",
        "a and b",
        "a, b or c",
    ]
    assert duration_in_words(0) == "0 seconds"
