"""Reports: what an agent says it did is taken once, counted, and shown to its person."""

import threading

import pytest

from app.agents.reports.model import AgentReport, Captured
from app.kernel.errors import Conflict, InvalidInput
from app.kernel.vocabulary import Signal

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
            {"allowed": (Captured("x", Signal.CLICK, 1), Captured("x", Signal.CLICK, 1))},
            "allowed",
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
    assert totals(company, "E-9999").allowed == ()


def test_an_empty_report_is_fine(company):
    device = company.pair()
    send(company, device, a_report(allowed=(), refused={}, lease=None))
    assert company.entries("agent.reported")[0]["facts"]["allowed"] == 0
