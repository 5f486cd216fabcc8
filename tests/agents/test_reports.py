"""Reports: what an agent says it did is taken once, counted, and shown to its person."""

import json
import threading
from dataclasses import replace

import pytest
from sqlalchemy import select

from app.agents.reports.model import AgentReport, Captured, ExcludedEvents, Totals
from app.db.metadata import metadata
from app.kernel.canonical import canonical, digest
from app.kernel.errors import Conflict, InvalidInput
from app.kernel.vocabulary import Signal
from tests.make import person

pytestmark = pytest.mark.slow


def a_report(report_id="r-00000001", **changes):
    fields = {
        "lease": "0" * 32,
        "policy": None,
        "allowed": (
            Captured("vscode", Signal.CLICK, 12),
            Captured("vscode", Signal.MENU, 3),
            Captured("slack", Signal.CLICK, 1),
        ),
        "refused": {"app_unlisted": 40, "excluded": 2},
        **changes,
    }
    return AgentReport(report_id, **fields)


def send(company, device, report):
    with company.write() as tx:
        return company.services.reports.take(tx, device, report, company.now)


def totals(company, person_id="E-1000"):
    with company.read() as tx:
        return company.services.reports.totals(tx, person_id)


def test_a_report_is_an_entry_with_totals_and_without_apps(company):
    device = company.pair()
    event_id = send(company, device, a_report())
    (leaf,) = company.entries("agent.reported")
    assert leaf["event"] == event_id
    assert leaf["facts"] == {
        "device": device.id,
        "report": "r-00000001",
        "lease": "0" * 32,
        "policy": None,
        "allowed": 16,
        "refused": {"app_unlisted": 40, "excluded": 2},
    }
    assert len(leaf["subjects"]) == 1


def test_law_1_what_was_captured_without_a_lease_is_marked_in_the_log(company):
    device = company.pair()
    send(company, device, a_report(lease=None))
    send(company, device, a_report("r-00000002", lease=None, allowed=()))
    first, second = company.entries("agent.reported")
    assert first["facts"]["unleased"] is True
    assert "unleased" not in second["facts"]


def test_a_report_names_a_policy_document_for_agents(open_company):
    device = open_company.pair()
    open_company.lease(device)
    with open_company.read() as tx:
        who = open_company.services.directory.person(tx, "E-1000")
        named = open_company.services.capture.situation(tx, who, open_company.now).policy_digest
        kept = dict(open_company.services.policy.documents(tx))
    assert named in kept
    send(open_company, device, a_report(policy=named))
    others = [name for name in kept if name != named]
    assert others  # floors, the catalogue, the company policy
    for number, name in enumerate(others):
        with pytest.raises(InvalidInput) as caught:
            send(open_company, device, a_report(f"r-other-{number:04}", policy=name))
        assert caught.value.faults[0].field == "policy"


def test_the_same_report_again_is_answered_the_same_and_counts_once(company):
    device = company.pair()
    first = send(company, device, a_report())
    company.clock.advance(60)
    reordered = a_report(allowed=tuple(reversed(a_report().allowed)))
    assert send(company, device, reordered) == first
    assert len(company.entries("agent.reported")) == 1
    assert totals(company).by_app == {"slack": 1, "vscode": 15}


def test_another_report_under_a_used_id_is_a_conflict(company):
    device = company.pair()
    send(company, device, a_report())
    with pytest.raises(Conflict):
        send(company, device, a_report(refused={}))
    assert totals(company).by_signal == {Signal.CLICK: 13, Signal.MENU: 3}


def test_two_devices_may_use_the_same_id(company):
    one, two = company.pair(), company.pair("E-1001")
    assert send(company, one, a_report()) != send(company, two, a_report())


def test_a_report_delivered_twice_at_once_is_taken_once(company):
    device = company.pair()
    ended: list[str] = []
    both = threading.Barrier(2)

    def go() -> None:
        both.wait()
        ended.append(send(company, device, a_report()))

    sending = [threading.Thread(target=go) for _ in range(2)]
    for thread in sending:
        thread.start()
    for thread in sending:
        thread.join()
    assert len(ended) == 2
    assert len(set(ended)) == 1
    assert len(company.entries("agent.reported")) == 1


@pytest.mark.parametrize(
    ("sentence", "changes", "field"),
    [
        ("a reason out of the list", {"refused": {"because": 1}}, "refused.because"),
        (
            "one place twice",
            {"allowed": 2 * (Captured("vscode", Signal.CLICK, 1),)},
            "allowed",
        ),
        (
            "an app of no catalogue, which could be an address",
            {"allowed": (Captured("bank.example", Signal.CLICK, 1),)},
            "allowed.bank.example",
        ),
        (
            "an excluded place that never was one",
            {"excluded": (ExcludedEvents("bank.example/accounts", 1),)},
            "excluded.bank.example/accounts",
        ),
        (
            "a place of the company's own that no policy names",
            {"excluded": (ExcludedEvents("own.works_council", 1),)},
            "excluded.own.works_council",
        ),
        (
            "more events in excluded places than were refused there",
            {"excluded": (ExcludedEvents("banking", 1), ExcludedEvents("health", 2))},
            "excluded",
        ),
        (
            "events in an excluded place, and none that was refused there",
            {"excluded": (ExcludedEvents("banking", 1),), "refused": {"app_unlisted": 9}},
            "excluded",
        ),
        ("a policy that was never published", {"policy": "sha256:" + "0" * 64}, "policy"),
    ],
)
def test_a_report_is_refused_that_names(company, sentence, changes, field):
    """… and nothing of it is kept."""
    device = company.pair()
    with pytest.raises(InvalidInput) as caught:
        send(company, device, a_report(**changes))
    assert [fault.field for fault in caught.value.faults] == [field]
    assert company.entries("agent.reported") == []


def test_totals_are_of_one_person_over_all_their_devices(company):
    first, second, other = company.pair(), company.pair(), company.pair("E-1001")
    send(company, first, a_report())
    send(company, first, a_report("r-00000002", refused={"excluded": 5}))
    send(company, second, a_report(allowed=(Captured("vscode", Signal.CLICK, 100),)))
    send(company, other, a_report())
    found = totals(company)
    assert found.by_app == {"slack": 2, "vscode": 130}
    assert dict(found.refused) == {"app_unlisted": 80, "excluded": 9}
    assert totals(company, "E-9999") == Totals((), (), ())


def in_places(**events):
    return tuple(ExcludedEvents(place, count) for place, count in events.items())


def test_events_in_excluded_places_are_counted_by_place_for_their_person(company):
    first, second, other = company.pair(), company.pair(), company.pair("E-1001")
    refused = {"excluded": 9}
    send(company, first, a_report(refused=refused, excluded=in_places(banking=2, health=3)))
    send(company, second, a_report(refused=refused, excluded=in_places(banking=7)))
    send(company, other, a_report(refused=refused, excluded=in_places(union=1)))
    assert totals(company).excluded == in_places(banking=9, health=3)


def test_an_agent_need_not_say_where_all_of_what_was_excluded_was(company):
    """One of before, or one that could not tell, says fewer places than events."""
    send(company, company.pair(), a_report(refused={"excluded": 9}, excluded=in_places(banking=2)))
    found = totals(company)
    assert dict(found.refused) == {"excluded": 9}
    assert found.excluded == in_places(banking=2)


def test_the_log_never_says_in_which_excluded_place_somebody_was(company):
    """Not in the leaf, not in a body next to it, under no name."""
    places = in_places(union=1, health=1)
    event_id = send(company, company.pair(), a_report(excluded=places))
    (leaf,) = company.entries("agent.reported")
    plain = json.dumps(leaf)
    assert event_id in plain
    for place in places:
        assert place.exclusion not in plain
    with company.read() as tx:
        kept = tx.execute(select(metadata.tables["audit_body"].c.event_id)).scalars().all()
    assert event_id not in kept


def test_a_report_without_excluded_places_is_the_report_that_it_was_before_they_were_told(company):
    """Sent before the upgrade and again after it, it is taken once."""
    device = company.pair()
    before = {
        "id": "r-00000001",
        "lease": "0" * 32,
        "policy": None,
        "allowed": [["slack", "click", 1], ["vscode", "click", 12], ["vscode", "menu", 3]],
        "refused": {"app_unlisted": 40, "excluded": 2},
    }
    assert a_report().digest == digest(canonical(before))
    first = send(company, device, a_report())
    assert send(company, device, a_report(excluded=())) == first


def test_the_same_report_with_other_excluded_places_is_another_report(company):
    device = company.pair()
    told = a_report(excluded=in_places(banking=1, health=1))
    first = send(company, device, told)
    assert send(company, device, a_report(excluded=in_places(health=1, banking=1))) == first
    for other in (in_places(banking=2), in_places(banking=1, union=1), ()):
        with pytest.raises(Conflict):
            send(company, device, a_report(excluded=other))


def test_an_app_and_a_place_of_a_catalogue_of_before_may_be_reported_still(company):
    """The laptop that says so was told the policy of then."""
    device, policy = company.pair(), company.services.policy
    files, banking = policy.shipped, policy.shipped.exclusions["banking"]
    gone = replace(banking, id="gone", name="A place of before")
    app = replace(files.apps["vscode"], id="gone_app", name="An app of before")
    with_it = replace(
        files,
        apps={**files.apps, app.id: app},
        exclusions={**files.exclusions, "gone": gone},
    )
    author, second = (person(id_, "legal@GLOBAL") for id_ in ("L-8", "L-9"))
    with company.write() as tx:
        policy.catalogues.take_in(tx, with_it, company.now)
        policy.catalogues.take_in(tx, files, company.now)
        base = policy.catalogue(tx).digest
        policy.catalogues.propose(tx, author, files.digest, base, "", company.now)
        policy.catalogues.approve(tx, second, files.digest, base, "", company.now)
        assert policy.catalogue(tx) == files
    allowed = (Captured(app.id, Signal.CLICK, 1),)
    send(company, device, a_report(allowed=allowed, excluded=in_places(gone=2)))
    with company.read() as tx:
        assert policy.app_names(tx, {app.id, "never"}) == {app.id: app.name}
        assert policy.exclusion_names(tx, {"gone", "banking", "never"}) == {
            "gone": "A place of before",
            "banking": banking.name,
        }


def test_an_empty_report_is_fine(company):
    device = company.pair()
    send(company, device, a_report(allowed=(), refused={}, lease=None))
    assert company.entries("agent.reported")[0]["facts"]["allowed"] == 0
