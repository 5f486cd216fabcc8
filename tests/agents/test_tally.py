"""What a laptop counts for its next report, and what is printed of it."""

import io

from rich.console import Console

from app.cli.agent import summary
from app.sdk.agent.tally import Tally, report_of


def counted() -> Tally:
    tally = Tally(lease="a" * 32, policy="sha256:b")
    for _ in range(3):
        tally.capture("slack", "click")
    tally.refuse("app_unlisted")
    for place in ("hr_payroll", "banking", "banking"):
        tally.refuse("excluded", place)
    return tally


def test_each_event_is_counted_once_and_an_excluded_one_by_its_place_too():
    tally = counted()
    assert tally.allowed == {("slack", "click"): 3}
    assert tally.refused == {"app_unlisted": 1, "excluded": 3}
    assert tally.excluded == {"hr_payroll": 1, "banking": 2}


def test_a_tally_that_is_added_adds_to_every_count_and_names_the_later_lease():
    tally = counted()
    tally.add(Tally({("slack", "click"): 1}, {"excluded": 4}, "c" * 32, None, {"banking": 4}))
    assert tally.allowed == {("slack", "click"): 4}
    assert tally.refused == {"app_unlisted": 1, "excluded": 7}
    assert tally.excluded == {"hr_payroll": 1, "banking": 6}
    assert (tally.lease, tally.policy) == ("c" * 32, None)


def test_what_was_handed_over_is_forgotten():
    tally = counted()
    tally.clear()
    assert not tally
    assert tally == Tally()


def test_a_report_is_sorted_and_has_an_id_of_its_own():
    first, second = report_of(counted()), report_of(counted())
    assert first.pop("report") != second.pop("report")
    assert first == second
    assert list(first["excluded"]) == ["banking", "hr_payroll"]


def test_the_summary_lists_places_after_reasons_the_most_frequent_first():
    printed = io.StringIO()
    Console(file=printed, width=80).print(summary(counted()))
    rows = [line.split() for line in printed.getvalue().splitlines()[1:]]
    assert rows == [
        ["captured", "slack", "click", "3"],
        ["refused", "excluded", "3"],
        ["refused", "app_unlisted", "1"],
        ["excluded", "banking", "2"],
        ["excluded", "hr_payroll", "1"],
    ]
