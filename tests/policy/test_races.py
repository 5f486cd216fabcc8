"""Two at the same moment, and whoever writes rows past the program."""

import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError, IntegrityError

from app.kernel.errors import Conflict, Forbidden, HabeasError
from app.policy.changes import store as change_store
from app.policy.changes.model import ChangeState, Step, StepTaken
from app.policy.model import InForce
from tests.make import person
from tests.policy.house import ANNA, BEN, BERND, CLARA, GERMAN, House, policy_text

NOW = datetime(2026, 11, 16, tzinfo=UTC)
CAROL = person("carol", "legal@US")
ANN = person("ann", "legal@US")


def at_once(*acts: Callable[[], object]) -> list[object]:
    """Run acts in threads that start together; an error of the domain is an outcome."""
    start = threading.Barrier(len(acts))
    outcomes: list[object] = [None] * len(acts)

    def run(place: int) -> None:
        start.wait()
        try:
            outcomes[place] = acts[place]()
        except HabeasError as error:
            outcomes[place] = error

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return outcomes


class TestAtTheSameMoment:
    def test_of_two_approvals_for_one_role_one_counts(self, house: House) -> None:
        change = house.propose(ANN, "US", policy_text("US"))
        outcomes = at_once(lambda: house.approve(BEN, change), lambda: house.approve(CAROL, change))
        assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 1
        assert len(house.entries("policy.published")) == 1
        assert house.look(change).state is ChangeState.IN_FORCE

    def test_one_person_in_two_sessions_counts_once(self, house: House) -> None:
        both = person("greta", "legal@DE", "works_council@DE")
        change = house.propose(ANNA, "DE", GERMAN)
        outcomes = at_once(
            lambda: house.approve(both, change, role="legal"),
            lambda: house.approve(both, change, role="works_council"),
        )
        assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 1
        assert house.look(change).state is ChangeState.IN_REVIEW
        assert not house.in_force("DE").company

    def test_the_author_gains_nothing_by_asking_twice(self, house: House) -> None:
        change = house.propose(ANNA, "DE", GERMAN)
        outcomes = at_once(
            lambda: house.approve(ANNA, change),
            lambda: house.approve(ANNA, change, role="legal"),
        )
        assert [type(outcome) for outcome in outcomes] == [Forbidden, Forbidden]

    def test_an_approval_and_a_withdrawal_do_not_both_happen(self, house: House) -> None:
        change = house.propose(ANN, "US", policy_text("US"))
        outcomes = at_once(lambda: house.approve(BEN, change), lambda: house.withdraw(ANN, change))
        assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 1
        published = house.look(change).state is ChangeState.IN_FORCE
        assert house.in_force("US").company is published

    def test_two_changes_do_not_both_replace_the_same_policy(self, house: House) -> None:
        change = house.propose(ANN, "US", policy_text("US"))
        two = house.propose(ANN, "US", policy_text("US", {"apps": {"value": ["jira"]}}))
        outcomes = at_once(lambda: house.approve(BEN, change), lambda: house.approve(CAROL, two))
        assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 1
        assert len(house.entries("policy.published")) == 1

    def test_two_stops_are_one(self, house: House) -> None:
        at_once(lambda: house.stop(ANNA, "DE"), lambda: house.stop(CLARA, "DE"))
        with house.database.read() as tx:
            assert len(house.policy.stops.holding(tx)) == 1
        assert len({entry["facts"]["stop"] for entry in house.entries("policy.stopped")}) == 1

    def test_of_two_proposals_by_two_people_one_is_approved_by_the_other(
        self, house: House
    ) -> None:
        house.stop(CLARA, "DE")
        at_once(lambda: house.propose_resume(ANNA, "DE"), lambda: house.propose_resume(BERND, "DE"))
        outcomes = at_once(
            lambda: house.approve_resume(ANNA, "DE"), lambda: house.approve_resume(BERND, "DE")
        )
        assert sum(isinstance(outcome, HabeasError) for outcome in outcomes) == 1

    def test_numbers_are_seen_in_order(self, house: House) -> None:
        """A reader must never see a higher number and later a change with a lower one."""
        seen: list[int] = []
        done = threading.Event()

        def watch() -> None:
            while not done.is_set():
                seen.append(house.in_force("DE").seq)

        watcher = threading.Thread(target=watch)
        watcher.start()
        at_once(
            lambda: house.stop(ANNA, "DE"),
            lambda: house.stop(BERND, "DE"),
            lambda: house.stop(CLARA, "DE"),
        )
        done.set()
        watcher.join(timeout=30)
        last = house.in_force("DE")
        assert seen == sorted(seen)
        assert last.seq >= seen[-1]
        assert last.stopped == ("DE",)


class TestHoldingPolicy:
    """A decision and a stop at the same moment: one of them comes first, for everybody."""

    def test_a_stop_waits_for_a_decision_that_holds_policy(self, house: House) -> None:
        stopped = threading.Event()
        stopper = threading.Thread(target=lambda: (house.stop(ANNA, "DE"), stopped.set()))
        with house.database.write() as tx:
            house.policy.hold(tx)
            before = house.policy.in_force(tx, ("DE",), NOW)
            stopper.start()
            assert not stopped.wait(0.5)
            assert house.policy.in_force(tx, ("DE",), NOW) == before
        assert stopped.wait(20)
        stopper.join()
        assert house.in_force("DE").stopped == ("DE",)

    def test_a_decision_waits_for_a_stop_and_sees_it(self, house: House) -> None:
        seen: list[InForce] = []
        decided = threading.Event()

        def decide() -> None:
            with house.database.write() as tx:
                house.policy.hold(tx)
                seen.append(house.policy.in_force(tx, ("DE",), house.clock.now()))
            decided.set()

        decider = threading.Thread(target=decide)
        with house.database.write() as tx:
            house.policy.stops.stop(tx, ANNA, "DE", "", house.clock.now())
            decider.start()
            assert not decided.wait(0.5)
        assert decided.wait(20)
        decider.join()
        assert seen[0].stopped == ("DE",)
        assert seen[0].seq == house.in_force("DE").seq

    @pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
    def test_decisions_do_not_wait_for_each_other(self, house: House) -> None:
        """On PostgreSQL; SQLite has one writer at a time."""
        with house.database.write() as one, house.database.write() as two:
            house.policy.hold(one)
            two.execute(text("SET LOCAL lock_timeout = '2s'"))
            house.policy.hold(two)


class TestPastTheProgram:
    """As the database user of the program, with SQL."""

    def test_the_author_cannot_be_written_in_as_approver(self, house: House) -> None:
        change = house.propose(ANNA, "DE", GERMAN)
        with house.database.read() as tx:
            row = change_store.change(tx, change.id)
        assert row is not None
        forged = StepTaken(2, Step.APPROVED, "anna", "legal", NOW)
        with house.database.write() as tx, pytest.raises(Conflict):
            change_store.add_step(tx, row, forged, str(uuid.uuid4()))

    def test_an_approval_cannot_name_another_author_or_digest(self, house: House) -> None:
        change = house.propose(ANNA, "DE", GERMAN)
        for author, digest in (("somebody", change.digest), ("anna", "sha256:" + "0" * 64)):
            with pytest.raises(IntegrityError), house.database.write() as tx:
                tx.execute(
                    text(
                        "INSERT INTO policy_step"
                        " (change_id, seq, step, actor, role, author, digest, at)"
                        " VALUES (:change, 2, 'approved', 'bernd', 'legal', :author, :digest, :at)"
                    ),
                    {"change": change.id, "author": author, "digest": digest, "at": str(NOW)},
                )

    def test_one_person_is_not_written_in_twice(self, house: House) -> None:
        change = house.propose(ANNA, "DE", GERMAN)
        house.approve(BERND, change)
        with house.database.read() as tx:
            row = change_store.change(tx, change.id)
        assert row is not None
        for forged in (
            StepTaken(3, Step.APPROVED, "bernd", "works_council", NOW),
            StepTaken(3, Step.APPROVED, "carla", "legal", NOW),
            StepTaken(2, Step.APPROVED, "carla", "works_council", NOW),
        ):
            with pytest.raises(Conflict), house.database.write() as tx:
                change_store.add_step(tx, row, forged, str(uuid.uuid4()))

    def test_nobody_resumes_alone(self, house: House) -> None:
        house.stop(ANNA, "DE")
        for proposer in ("'anna'", "NULL"):
            with pytest.raises(IntegrityError), house.database.write() as tx:
                tx.execute(
                    text(
                        "INSERT INTO policy_stop"
                        " (stop, seq, region, step, actor, proposer, note, at)"
                        f" VALUES ('s', 9, 'DE', 'resumed', 'anna', {proposer}, '', :at)"
                    ),
                    {"at": str(NOW)},
                )

    @pytest.mark.parametrize(
        "table",
        [
            "policy_document",
            "policy_event",
            "policy_floor",
            "policy_change",
            "policy_step",
            "policy_company",
            "policy_stop",
        ],
    )
    def test_nothing_is_changed_or_removed_afterwards(self, house: House, table: str) -> None:
        house.publish("DE", GERMAN)
        house.stop(ANNA, "DE")
        column = {"policy_document": "kind", "policy_step": "role"}.get(table, "region")
        for statement in (
            f"UPDATE {table} SET {column} = 'XX'",
            f"DELETE FROM {table}",
        ):
            with pytest.raises(DatabaseError, match="append-only"), house.database.write() as tx:
                tx.execute(text(statement))
