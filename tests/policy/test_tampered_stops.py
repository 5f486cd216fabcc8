"""Law 7 against who writes SQL: a stop holds whatever is done to its rows."""

from collections.abc import Callable

import pytest
from sqlalchemy import text

from app.kernel.errors import Conflict
from tests.policy.tampered import AT, Instance, When, new_id


def stop_removed(instance: Instance) -> None:
    instance.sql("DELETE FROM policy_stop", "DELETE FROM policy_event WHERE kind = 'stopped'")


def newest_stop_removed(instance: Instance) -> None:
    instance.sql(
        "DELETE FROM policy_stop WHERE id = (SELECT max(id) FROM policy_stop)",
        "DELETE FROM policy_event WHERE id = (SELECT max(id) FROM policy_event)",
    )


def stop_becomes_a_resume(instance: Instance) -> None:
    instance.sql(
        "UPDATE policy_stop SET step = 'resumed', proposer = 'E-0102'"
        " WHERE id = (SELECT max(id) FROM policy_stop)"
    )


def stop_moves_elsewhere(instance: Instance) -> None:
    instance.sql("UPDATE policy_stop SET region = 'GB'")


def stop_moves_nowhere(instance: Instance) -> None:
    instance.sql("UPDATE policy_stop SET region = '?'")


def stop_begins_later(instance: Instance) -> None:
    instance.sql("UPDATE policy_stop SET at = '2090-01-01 00:00:00.000000'")


def resume_inserted(instance: Instance) -> None:
    instance.sql(
        "INSERT INTO policy_stop (stop, seq, region, step, actor, proposer, note, at, event_id)"
        " SELECT stop, 99, region, 'resumed', 'E-0101', 'E-0102', '', at,"
        f" '{new_id()}' FROM policy_stop WHERE id = (SELECT max(id) FROM policy_stop)"
    )


def resumed_alone(instance: Instance) -> None:
    """Who proposed is replaced, so that the same person may approve."""
    instance.sql("UPDATE policy_stop SET actor = 'E-0102' WHERE step = 'resume_proposed'")


def order_turned(instance: Instance) -> None:
    """The oldest row comes last: a resume before the newest stop."""
    instance.sql(
        "UPDATE policy_stop SET id = 1000 WHERE step = 'resumed'",
    )


STOPS = {
    "a stop is deleted": ("stop", stop_removed),
    "the newest stop is deleted": ("stop resume stop", newest_stop_removed),
    "a stop becomes a resume": ("stop", stop_becomes_a_resume),
    "a newer stop becomes a resume": ("stop resume stop", stop_becomes_a_resume),
    "a stop moves to another region": ("stop", stop_moves_elsewhere),
    "a stop moves to a region that is none": ("stop", stop_moves_nowhere),
    "a stop begins later": ("stop", stop_begins_later),
    "a resume is inserted": ("stop", resume_inserted),
    "a resume comes after the stop that follows it": ("stop resume stop", order_turned),
    "a proposal is somebody else's": ("stop propose", resumed_alone),
}


@pytest.mark.every_pair("attack", "when", "instance")
@pytest.mark.parametrize("when", ["at run time", "at start"])
@pytest.mark.parametrize(("before", "attack"), STOPS.values(), ids=STOPS.keys())
def test_a_stop_holds_whatever_is_done_to_its_rows(
    instance: Instance, before: str, attack: Callable[[Instance], None], when: When
) -> None:
    acts = {"stop": instance.stop, "propose": instance.propose_resume, "resume": instance.resume}
    for act in before.split():
        acts[act]()
    attack(instance)
    if when == "at start":
        instance.restart()
    else:
        assert "DE" in instance.in_force("DE").stopped
        instance.stop("FR")
    assert "DE" in instance.in_force("DE").stopped
    instance.settle()
    assert {chain for chain in instance.alarmed if chain.startswith("stop")}
    with pytest.raises(Conflict, match="disputed"):
        instance.resume()
    instance.stop()
    instance.restart()
    assert "DE" in instance.in_force("DE").stopped


def test_a_stop_that_somebody_wrote_holds(instance: Instance) -> None:
    """Law 7: whoever writes SQL can turn capture off."""
    instance.sql(
        "INSERT INTO policy_stop (stop, seq, region, step, actor, note, at)"
        f" VALUES ('{new_id()}', 1, 'DE', 'stopped', 'E-0101', '', {AT})"
    )
    assert "DE" in instance.in_force("DE").stopped
    instance.settle()
    assert "stop:DE" in instance.alarmed


def test_over_a_stop_that_is_in_doubt_the_same_stop_is_written_anew(instance: Instance) -> None:
    instance.stop()
    stop_begins_later(instance)
    instance.stop()
    with instance.services.database.read() as tx:
        written = tx.execute(text("SELECT count(*) FROM policy_stop WHERE region = 'DE'"))
        assert written.scalar_one() == 2


def test_a_stop_whose_rows_were_deleted_is_made_again_under_their_names_and_holds(
    instance: Instance,
) -> None:
    """The number of the next event follows from the rows that are there."""
    instance.stop("GB")
    last = "(SELECT max(id) FROM policy_event)"
    instance.sql(
        "DELETE FROM policy_stop WHERE region = 'GB'", f"DELETE FROM policy_event WHERE id = {last}"
    )
    instance.stop("GB")
    assert instance.in_force("GB").stopped == ("GB",)
    instance.restart()
    assert instance.in_force("GB").stopped == ("GB",)
    instance.services.reconciler.examine(lambda *_: None)
    instance.settle()
    assert "stop:GB" in instance.alarmed
    with pytest.raises(Conflict):  # what was deleted is not made good
        instance.resume("GB")
