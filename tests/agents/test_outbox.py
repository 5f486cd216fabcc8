"""Reports on their way: what is on disk, in which order, and how much of it."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.kernel.canonical import canonical, digest
from app.sdk.agent.outbox import MOST_REPORTS, Outbox
from app.sdk.agent.tally import Tally
from tests.agent_simulator import DEVICE


def clicks(events: int = 1, lease: str | None = "a") -> Tally:
    return Tally({("vscode", "click"): events}, lease=lease, policy="p")


def waiting(outbox: Outbox) -> list[dict]:
    """What would be sent, in this order; nothing is left."""
    reports = []
    while outbox.first is not None:
        reports.append(outbox.first)
        outbox.taken()
    return reports


def test_what_is_handed_over_is_on_disk_for_its_owner_only_and_out_of_the_tally(tmp_path):
    tally = clicks()
    Outbox(tmp_path, DEVICE).add(tally)
    assert tally == Tally()
    (kept,) = tmp_path.iterdir()
    assert kept.stat().st_mode & 0o077 == 0
    assert waiting(Outbox(tmp_path, DEVICE))[0]["allowed"][0]["events"] == 1


def test_a_report_keeps_its_id_over_a_restart_until_it_is_taken(tmp_path):
    outbox = Outbox(tmp_path, DEVICE)
    outbox.add(clicks())
    assert Outbox(tmp_path, DEVICE).first == outbox.first
    outbox.taken()
    assert Outbox(tmp_path, DEVICE).first is None
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_kept_of_nothing(tmp_path):
    Outbox(tmp_path, DEVICE).add(Tally())
    assert list(tmp_path.iterdir()) == []


def test_the_first_may_have_been_sent_and_never_changes(tmp_path):
    outbox = Outbox(tmp_path, DEVICE)
    outbox.add(clicks(1))
    first = outbox.first
    for _ in range(3):
        outbox.add(clicks(1))
    assert outbox.first == first
    assert [report["allowed"][0]["events"] for report in waiting(outbox)] == [1, 3]


def test_what_came_under_another_lease_is_another_report(tmp_path):
    outbox = Outbox(tmp_path, DEVICE)
    for lease in ("a", "a", "a", "b", "b", None):
        outbox.add(clicks(lease=lease))
    counted = [(report["lease"], report["allowed"][0]["events"]) for report in waiting(outbox)]
    assert counted == [("a", 1), ("a", 2), ("b", 2), (None, 1)]


def test_of_many_leases_the_last_ones_share_a_report_and_no_count_is_lost(tmp_path):
    outbox = Outbox(tmp_path, DEVICE)
    for number in range(3 * MOST_REPORTS):
        outbox.add(clicks(lease=f"l{number}"))
    reports = waiting(outbox)
    counted = [report["allowed"][0]["events"] for report in reports]
    assert counted == [1] * (MOST_REPORTS - 1) + [2 * MOST_REPORTS + 1]
    assert reports[-1]["lease"] == f"l{3 * MOST_REPORTS - 1}"


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(1, 5), st.sampled_from("abc")), max_size=40))
def test_however_many_there_are_they_are_bounded_and_every_event_is_counted_once(
    tmp_path_factory, handed
):
    folder = tmp_path_factory.mktemp("laptop")
    for number, (events, lease) in enumerate(handed):
        outbox = Outbox(folder, DEVICE)  # restarted each time
        outbox.add(clicks(events, f"{lease}{number // 2}"))
        assert len(outbox) <= MOST_REPORTS
    reports = waiting(Outbox(folder, DEVICE))
    assert len({report["report"] for report in reports}) == len(reports)
    events = Counter(row["events"] for report in reports for row in report["allowed"])
    assert sum(count * times for count, times in events.items()) == sum(e for e, _ in handed)


def test_a_report_that_is_refused_goes_on_without_places_under_another_id(tmp_path):
    outbox = Outbox(tmp_path, DEVICE)
    outbox.add(Tally(refused={"excluded": 2}, excluded={"gone": 2}))
    outbox.add(clicks())
    before = outbox.first
    assert outbox.refused()
    again = Outbox(tmp_path, DEVICE).first
    assert (again["refused"], again["excluded"]) == ({"excluded": 2}, {})
    assert again["report"] != before["report"]
    assert not outbox.refused()
    assert len(Outbox(tmp_path, DEVICE)) == 1


def test_counts_that_the_disk_does_not_take_stay_with_whoever_counted(tmp_path):
    outbox = Outbox(tmp_path / "gone", DEVICE)
    tally = clicks()
    with pytest.raises(OSError, match="gone"):
        outbox.add(tally)
    assert tally == clicks()
    assert outbox.first is None


def test_what_is_too_long_to_be_read_again_is_not_written(tmp_path):
    outbox = Outbox(tmp_path, DEVICE)
    outbox.add(clicks())
    tally = Tally({(f"app{number}" * 20, "click"): 1 for number in range(40_000)})
    with pytest.raises(OSError, match="too long"):
        outbox.add(tally)
    assert len(tally.allowed) == 40_000
    assert len(Outbox(tmp_path, DEVICE)) == 1


def spoiled(file: Path, how: str) -> None:
    nothing = {"v": 1, "device": DEVICE, "reports": [{"report": "x"}]}
    texts = {
        "cut": file.read_bytes()[:-9],
        "empty": b"",
        "a list": b"[]",
        "deep": b"[" * 100_000,
        "other counts": file.read_bytes().replace(b'"events":1', b'"events":9'),
        "no report": canonical({"outbox": nothing, "sum": digest(canonical(nothing))}),
    }
    file.write_bytes(texts[how])


@pytest.mark.parametrize("how", ["cut", "empty", "a list", "deep", "other counts", "no report"])
def test_a_damaged_file_is_set_aside_and_holds_up_nothing(tmp_path, how):
    Outbox(tmp_path, DEVICE).add(clicks())
    spoiled(tmp_path / "reports.json", how)
    outbox = Outbox(tmp_path, DEVICE)
    assert outbox.damaged
    assert outbox.first is None
    assert (tmp_path / "reports.damaged").exists()
    outbox.add(clicks(2))
    assert not Outbox(tmp_path, DEVICE).damaged
    assert waiting(Outbox(tmp_path, DEVICE))[0]["allowed"][0]["events"] == 2


def test_law_6_what_another_device_counted_is_not_sent(tmp_path):
    Outbox(tmp_path, "d_" + "2" * 32).add(clicks())
    outbox = Outbox(tmp_path, DEVICE)
    assert outbox.first is None
    assert not outbox.damaged
