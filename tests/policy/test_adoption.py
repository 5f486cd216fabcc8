"""Floors and catalogue enter the database once, with an entry, and never leave it."""

from collections.abc import Iterable
from datetime import timedelta

import pytest

from app.access.floor.terms import ALLOWED
from app.kernel.canonical import canonical, parse_canonical
from app.kernel.errors import NotFound
from app.kernel.forms import AGENT_FORM
from app.policy.catalogue.model import Catalogue
from app.policy.law.layer import Floor
from app.policy.service import PolicyService
from tests.agreements import agreed_to
from tests.policy.house import BERND, GERMAN, House, policy_text


def restarted(house: House, floors: Iterable[Floor], catalogue: Catalogue | None = None) -> House:
    """The same database under a program that ships other files."""
    policy = PolicyService.join(
        log=house.log,
        authority=house.authority,
        floors=floors,
        catalogue=catalogue or house.policy.shipped,
        allowed_purposes=ALLOWED,
    )
    other = House(house.database, house.clock, house.log, house.authority, policy)
    other.adopt()
    return other


def changed(floor: Floor, **fields: object) -> Floor:
    return Floor.read(canonical(parse_canonical(floor.body) | fields))


def test_every_floor_and_the_catalogue_get_one_entry(
    house: House, floors: tuple[Floor, ...]
) -> None:
    adopted = house.entries("policy.floor_adopted")

    assert {entry["facts"]["region"] for entry in adopted} == {floor.region for floor in floors}
    assert len(house.entries("policy.catalogue_adopted")) == 1
    germany = next(entry for entry in adopted if entry["facts"]["region"] == "DE")
    assert germany["facts"]["parent"] == "EU"
    assert germany["facts"]["policy"].startswith("sha256:")
    assert germany["actor"] == {"kind": "system", "id": "habeas"}


def test_a_restart_with_the_same_files_adopts_nothing(
    house: House, floors: tuple[Floor, ...]
) -> None:
    before = house.in_force("DE")
    again = restarted(house, floors)
    assert len(again.entries()) == len(floors) + 1
    assert again.in_force("DE") == before


def test_a_changed_floor_is_adopted_and_holds_from_its_first_day(
    house: House, floors: tuple[Floor, ...]
) -> None:
    shipped = {floor.region: floor for floor in floors}
    draft = changed(shipped["DE"], status="draft", valid_from="2026-12-01")
    before = house.in_force("DE")
    other = restarted(house, [*(shipped | {"DE": draft}).values()])

    assert other.in_force("DE").seq == before.seq + 1
    assert other.in_force("DE").compiled == before.compiled
    house.clock.advance(timedelta(days=20))
    assert other.in_force("DE").compiled.blocked
    assert other.in_force("DE").compiled.why["status"][0].layer == "floor/DE"


def test_a_floor_that_no_file_names_any_more_stays_in_force(
    house: House, floors: tuple[Floor, ...]
) -> None:
    other = restarted(house, [floor for floor in floors if floor.region != "DE"])
    assert other.in_force("DE").compiled == house.in_force("DE").compiled
    assert other.policy.chain("DE") == ("DE", "EU", "GLOBAL")


def test_going_back_to_an_older_program_is_an_adoption_too(
    house: House, floors: tuple[Floor, ...]
) -> None:
    shipped = {floor.region: floor for floor in floors}
    before = house.in_force("DE").compiled
    restarted(house, [changed(shipped["DE"], status="blocked")])
    assert house.in_force("DE").compiled.blocked
    assert restarted(house, floors).in_force("DE").compiled == before


def test_a_changed_catalogue_is_adopted(house: House, floors: tuple[Floor, ...]) -> None:
    catalogue = house.policy.shipped
    fewer = Catalogue(dict(list(catalogue.apps.items())[1:]), catalogue.exclusions)
    other = restarted(house, floors, fewer)
    assert len(other.entries("policy.catalogue_adopted")) == 2
    assert other.in_force("DE").seq == len(floors) + 2


def test_every_adopted_document_is_kept_under_its_digest(
    house: House, floors: tuple[Floor, ...]
) -> None:
    with house.database.read() as tx:
        kept = dict(house.policy.documents(tx))
        for floor in floors:
            assert house.policy.document(tx, floor.digest) == floor.body
    assert kept[house.policy.shipped.digest] == house.policy.shipped.body


def test_unknown_regions_have_no_chain(house: House) -> None:
    assert house.policy.chain("NO") == ("NO", "EU", "GLOBAL")
    assert house.policy.chain("XX") is None


class TestDocuments:
    def test_what_agents_fetch_is_kept_once_and_within_the_agreement(self, house: House) -> None:
        house.publish("DE", GERMAN)
        found = house.in_force("DE")
        agreed = agreed_to({"click"}, {"ai_training.computer_use"}, {"github"})
        limits = house.policy.within(found, agreed)
        with house.database.write() as tx:
            name, body = house.policy.publish_document(tx, limits, house.clock.now(), AGENT_FORM)
            again, _ = house.policy.publish_document(tx, limits, house.clock.now(), AGENT_FORM)
            assert house.policy.document(tx, name) == body
        assert name == again == house.policy.document_for(limits, AGENT_FORM)[0]
        written = parse_canonical(body)
        assert [app["id"] for app in written["apps"]] == ["github"]
        assert written["signals"]["click"] == {"mode": "allow", "retention_days": 14}
        assert written["signals"]["pointer"] == {"mode": "deny", "retention_days": 0}
        assert written["layers"] == sorted(layer.digest for layer in found.layers)

    def test_a_digest_that_was_never_published_is_not_found(self, house: House) -> None:
        with house.database.read() as tx, pytest.raises(NotFound):
            house.policy.document(tx, "sha256:" + "0" * 64)


class TestRegionViews:
    def test_every_region_is_shown_with_its_chain_and_what_holds(
        self, house: House, floors: tuple[Floor, ...]
    ) -> None:
        house.publish("DE", GERMAN)
        with house.database.read() as tx:
            views = house.policy.regions(tx, house.clock.now())
        assert views[0].region == "GLOBAL"
        assert {view.region for view in views} == {floor.region for floor in floors}
        germany = next(view for view in views if view.region == "DE")
        assert germany.chain == ("DE", "EU", "GLOBAL")
        assert germany.policy is not None
        assert germany.scheduled is None
        assert len(germany.changes) == 1
        assert germany.in_force.company

    def test_an_unknown_region_is_not_found(self, house: House) -> None:
        with house.database.read() as tx, pytest.raises(NotFound):
            house.policy.region_view(tx, "XX", house.clock.now())

    def test_the_view_says_what_is_scheduled_and_stopped(self, house: House) -> None:
        house.publish("DE", policy_text("DE", {"notice_lead_days": {"value": 14}}))
        house.stop(BERND, "DE")
        with house.database.read() as tx:
            view = house.policy.region_view(tx, "DE", house.clock.now())
        assert view.scheduled == house.clock.now() + timedelta(days=14)
        assert view.stop is not None
        assert view.stop.stopped_by == "bernd"


class TestWhatIsRemembered:
    def test_a_change_that_was_undone_is_forgotten(self, house: House) -> None:
        """Rows remembered from a transaction that never committed must not come back."""
        with pytest.raises(RuntimeError), house.database.write() as tx:
            house.policy.stops.stop(tx, BERND, "DE", "", house.clock.now())
            assert house.policy.in_force(tx, ("DE",), house.clock.now()).stopped == ("DE",)
            raise RuntimeError
        assert house.in_force("DE").stopped == ()
        house.publish("FR", GERMAN.replace("region: DE", "region: FR"))
        assert house.in_force("DE").stopped == ()

    def test_another_process_sees_a_stop_at_once(
        self, house: House, floors: tuple[Floor, ...]
    ) -> None:
        other = restarted(house, floors)
        assert other.in_force("DE").stopped == ()
        house.stop(BERND, "DE")
        assert other.in_force("DE").stopped == ("DE",)

    def test_what_was_known_then_can_be_asked(self, house: House) -> None:
        before = house.clock.now()
        house.clock.advance(60)
        house.stop(BERND, "DE")
        with house.database.read() as tx:
            now = house.clock.now()
            then = house.policy.in_force(tx, ("DE",), now, known_at=before)
            assert then.stopped == ()
            assert then.seq < house.policy.in_force(tx, ("DE",), now).seq
