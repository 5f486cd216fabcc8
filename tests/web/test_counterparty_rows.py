"""The page about the other side: its marks are those that agents are told, and each says why."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from app.kernel.canonical import parse_canonical
from app.kernel.vocabulary import Signal
from app.policy.catalogue.model import OTHERS, App, Catalogue, Matchers
from app.policy.changes.model import RegionView
from app.policy.counterparties import Counterparties, counterparties, counterparty_document
from app.policy.lattice import compile_layers
from app.policy.law.layer import Floor
from app.web.legal.counterparty_rows import (
    OtherSideRow,
    headline,
    other_rows,
    region_rows,
    showing_apps,
)
from app.web.words.text import OTHERS_WORDS
from app.wiring import Services
from tests import make
from tests.policy.layers import LAYERS
from tests.policy.pace import unhurried
from tests.web.test_legal_rows import _view, catalogue, floors
from tests.web.visiting import Visit, employ, text_of, visit

__all__ = ["catalogue", "floors"]

PAGE = "/legal/counterparties"


def table(views: list[RegionView]) -> Counterparties:
    known = {view.region: view for view in views}
    return counterparties(known, lambda region: known[region].in_force)


def rows(floors: dict[str, Floor], **changes: object) -> dict[str, OtherSideRow]:
    """The rows where something else holds in Germany."""
    views = [
        _view(floors, region, **(changes if region == "DE" else {})) for region in sorted(floors)
    ]
    return {row.code: row for row in region_rows(table(views), views)}


def marks(row: OtherSideRow) -> dict[str, str]:
    return {cell.signal: cell.mode for cell in row.cells}


@unhurried
@given(st.lists(LAYERS, max_size=3), st.booleans())
def test_the_marks_are_those_of_the_document_that_agents_fetch(
    floors: dict[str, Floor], layers: list, stopped: bool
) -> None:
    view = _view(floors, "DE")
    compiled = compile_layers([*view.in_force.layers, *layers])
    in_force = replace(view.in_force, compiled=compiled, stopped=("DE",) if stopped else ())
    views = [replace(view, in_force=in_force), _view(floors, "US-CA"), _view(floors, "US")]
    held = table(views)
    document = counterparty_document(held)
    shown = {row.code: marks(row) for row in region_rows(held, views)}
    assert shown == document["regions"]
    unknown, elsewhere = other_rows(held)
    assert marks(unknown) == document["unknown"]
    assert set(marks(elsewhere).values()) == {"deny"}


def test_each_row_says_who_narrowed_it(floors: dict[str, Floor]) -> None:
    found = rows(floors)
    assert found["DE"].why == "decided by European Union and EEA and Germany"
    assert found["NO"].why == "no basis for capture is left"
    assert (
        found["US"].why == "the strictest of its own rules and of those of California and New York"
    )
    assert list(found) == ["US-CA", "FR", "DE", "IN", "US-NY", "NO", "GB", "US"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"stopped": ("DE",)}, "capture is stopped for Germany"),
        ({"unknown": ("DE",), "compiled": compile_layers([])}, "a region above it has no floor"),
    ],
)
def test_a_row_of_nothing_says_why(
    floors: dict[str, Floor], changes: dict[str, object], why: str
) -> None:
    row = rows(floors, **changes)["DE"]
    assert row.nothing
    assert row.why == why


def test_without_a_purpose_there_is_nothing(floors: dict[str, Floor]) -> None:
    compiled = _view(floors, "DE").in_force.compiled
    without = replace(compiled, values={**compiled.values, "purposes": frozenset()})
    row = rows(floors, compiled=without)["DE"]
    assert row.nothing
    assert row.why == "no purpose is left"


def test_the_sentence_counts_where_something_may_be_kept(floors: dict[str, Floor]) -> None:
    found = tuple(rows(floors).values())
    assert (
        headline(found)
        == "With the other side in 7 of 8 regions something may be kept, elsewhere nothing."
    )
    assert headline([row for row in found if row.code == "NO"]) == (
        "Nothing is kept where other people's words are in view, wherever they are."
    )
    assert headline(()) == (
        "No region has rules, so nothing is kept where other people's words are in view."
    )
    unknown, _ = other_rows(Counterparties({}))
    assert set(marks(unknown).values()) == {"deny"}
    assert unknown.why == "no region has rules"


def test_the_apps_are_listed_by_what_shows_the_words_of_others() -> None:
    def app(name: str, **kind: str) -> App:
        return App(name.lower(), name, kind.pop("group", "documents"), Matchers(), **kind)

    apps = [
        app("Zeta", others="chat"),
        app("alpha", others="chat"),
        app("Editor"),
        app("Older", group="communication"),
        app("Wiki", others="shared_documents"),
    ]
    catalogue = Catalogue({each.id: each for each in apps}, {})
    assert showing_apps(catalogue) == (
        ("Mail", ("Older",)),
        ("Chats", ("alpha", "Zeta")),
        ("Shared documents, as soon as somebody else has a part in them", ("Wiki",)),
    )
    assert set(OTHERS_WORDS) == set(OTHERS)
    assert showing_apps(Catalogue({}, {})) == ()


class TestPage:
    @pytest.fixture(autouse=True)
    def people(self, services: Services) -> None:
        employ(services, [make.person("E-1", "legal@DE"), make.person("E-2")])

    @pytest.fixture
    def legal(self, client: TestClient, services: Services) -> Visit:
        return visit(client, services, "E-1")

    def test_it_says_what_an_agent_would_be_told_now(self, legal, services: Services) -> None:
        with services.database.read() as tx:
            memory = services.policy.memory(tx)
        _, body = memory.counterparty_document(services.clock.now(), 2)
        regions = parse_canonical(body)["regions"]
        text = text_of(legal.get(PAGE))
        for region, row in regions.items():
            told = " ".join(row[signal.value] for signal in Signal)
            assert f"{region} {told}" in text

    def test_the_regions_and_the_rule_lead_to_it(self, legal) -> None:
        assert f'href="{PAGE}"' in legal.get("/legal").text
        rule = legal.get("/legal/regions/DE").text.partition('id="counterparty"')[2]
        assert f'href="{PAGE}"' in rule[:600]

    def test_whoever_may_not_read_policy_does_not_see_it(self, client, services) -> None:
        assert visit(client, services, "E-2").get(PAGE).status_code == 403
