"""Asking for captured data: who, what, why; permitted or refused, always an entry.

Laws 2, 5 and 6 of the design.
"""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.access.decision.model import Consumer
from app.access.decision.record import recorded
from app.audit.entries.model import SYSTEM
from app.audit.reading.service import ReadingService
from app.consent.model import Act
from app.kernel.canonical import canonical
from app.kernel.clock import timestamp
from app.kernel.errors import Conflict, Forbidden, InvalidInput, NotFound, Unauthenticated
from app.kernel.signing import read_token
from app.kernel.tokens import GRANT_TYPE, keys_for
from app.sdk.store.grants import RedeemedInMemory, check_grant
from tests.access.office import (
    ALICE,
    BOB,
    LAWYERS,
    MANAGER,
    RECRUITER,
    RESEARCHER,
    TOP,
    TRAINING,
    Office,
    codes,
)
from tests.access.recomputed import recompute
from tests.make import person

pytestmark = pytest.mark.slow

DAY = timedelta(days=1)


def test_consented_data_may_train_and_the_answer_says_on_what_it_rests(office: Office) -> None:
    office.captured(ALICE)
    office.services.integrator.integrate()
    answer = office.ask(ALICE)
    assert answer.decision
    assert answer.context["reasons"] == []
    given = office.entries(kind="consent.given")[0]
    assert answer.context["consent_index"] == given.idx
    assert answer.context["consent_event"] == given.leaf["event"]
    assert answer.context["policy"]
    assert answer.context["purposes"] == office.services.access.purposes.digest
    assert answer.context["obligations"] == {
        "retain_days": 89,
        "purpose": TRAINING,
        "no_individual_evaluation": True,
    }
    leaf = office.entry_of(answer)
    assert leaf["facts"]["outcome"] == "permit"
    assert leaf["purpose"] == TRAINING
    assert leaf["facts"]["people"][0]["decision"] == given.leaf["facts"]["decision"]


def test_a_consent_that_has_no_place_in_the_log_yet_is_named_by_its_event(office: Office) -> None:
    office.captured(ALICE)
    answer = office.ask(ALICE)
    assert answer.decision
    assert answer.context["consent_index"] is None
    assert answer.context["consent_event"] == office.entries(kind="consent.given")[0].leaf["event"]


def test_several_people_are_permitted_together_and_named_each(office: Office) -> None:
    office.captured(ALICE, BOB)
    answer = office.ask(BOB, ALICE, ALICE)
    assert answer.decision
    assert set(answer.context["consent_event"]) == {ALICE.id, BOB.id}
    leaf = office.entry_of(answer)
    assert set(leaf["subjects"]) == set(answer.context["persons"].values())


def test_after_withdrawal_the_same_question_is_refused(office: Office) -> None:
    office.captured(ALICE)
    assert office.ask(ALICE).decision
    office.decide(ALICE, Act.WITHDRAWN)
    answer = office.ask(ALICE)
    assert not answer.decision
    assert codes(answer) == ["consent_now"]
    assert answer.context["grant"] is None


def test_one_who_withdrew_spoils_the_whole_cohort(office: Office) -> None:
    office.captured(ALICE, BOB)
    office.decide(BOB, Act.WITHDRAWN)
    assert codes(office.ask(ALICE, BOB)) == ["consent_now"]
    assert office.ask(ALICE).decision


def test_what_was_captured_before_consent_stays_closed(office: Office) -> None:
    office.captured(ALICE)
    answer = office.ask(ALICE, captured_from=office.now - timedelta(hours=3, minutes=1))
    assert not answer.decision
    assert "consent_at_capture" in codes(answer)


def test_what_was_captured_during_a_pause_stays_closed(office: Office) -> None:
    office.opt_in(ALICE)
    office.clock.advance(3600)
    office.decide(ALICE, Act.PAUSED, until=office.now + timedelta(minutes=30))
    office.clock.advance(3 * 3600)
    assert codes(office.ask(ALICE, captured_from=office.now - timedelta(hours=3.2))) == [
        "consent_at_capture"
    ]
    assert office.ask(ALICE).decision


def test_a_stop_in_the_middle_of_the_capture_counts(office: Office) -> None:
    office.opt_in(ALICE)
    first, second = LAWYERS
    office.clock.advance(3600)
    with office.services.database.write() as tx:
        office.services.policy.stops.stop(tx, first, "US-CA", "", office.now)
    office.clock.advance(3600)
    with office.services.database.write() as tx:
        office.services.policy.stops.propose_resume(tx, first, "US-CA", office.now)
        office.services.policy.stops.approve_resume(tx, second, "US-CA", office.now)
    office.clock.advance(2 * 3600)
    across = office.ask(ALICE, captured_from=office.now - timedelta(hours=3.5))
    assert codes(across) == ["stopped"]
    assert office.ask(ALICE, captured_from=office.now - timedelta(hours=1.5)).decision
    facts = office.entry_of(across)["facts"]
    assert recompute(facts) == recorded(facts)


def test_where_somebody_worked_during_the_capture_counts(office: Office) -> None:
    office.opt_in(ALICE)
    office.clock.advance(3600)
    office.hire(replace(ALICE, place="ZZ"))  # a region without a floor
    office.clock.advance(3600)
    office.hire(ALICE)
    office.clock.advance(2 * 3600)
    across = office.ask(ALICE, captured_from=office.now - timedelta(hours=3.5))
    assert "region_unknown" in codes(across)
    assert office.ask(ALICE, captured_from=office.now - timedelta(hours=2)).decision


def test_an_entry_names_the_last_policy_event_it_knew(office: Office) -> None:
    office.captured(ALICE)
    with office.services.database.read() as tx:
        seq = office.services.policy.in_force(tx, ALICE.regions, office.now).seq
    assert office.entry_of(office.ask(ALICE))["facts"]["policy_seq"] == seq > 0
    assert office.entry_of(office.ask())["facts"]["policy_seq"] is None


def test_while_somebody_pauses_nothing_of_theirs_is_read(office: Office) -> None:
    office.captured(ALICE)
    office.decide(ALICE, Act.PAUSED, until=office.now + timedelta(minutes=30))
    assert codes(office.ask(ALICE)) == ["consent_now"]


def test_a_stop_closes_the_data_too(office: Office) -> None:
    office.captured(ALICE)
    with office.services.database.write() as tx:
        lawyer = office.services.directory.person(tx, "E-8")
        office.services.policy.stops.stop(tx, lawyer, "US-CA", "look into it", office.now)
    assert codes(office.ask(ALICE)) == ["stopped"]


@pytest.mark.parametrize(
    "purpose",
    ["performance_evaluation", "Leistungsbeurteilung", "hr.scoring", "pеrformance_еvaluation"],  # noqa: RUF001 - lookalikes
)
def test_a_prohibited_purpose_is_refused_and_the_refusal_is_an_entry(
    office: Office, purpose: str
) -> None:
    office.captured(ALICE)
    answer = office.ask(ALICE, purpose=purpose)
    assert not answer.decision
    assert codes(answer) == ["purpose_prohibited"]
    leaf = office.entry_of(answer)
    assert leaf["facts"]["floor"] == "prohibited"
    assert leaf["facts"]["outcome"] == "deny"
    assert leaf["purpose"] in {"performance_evaluation", "hr.scoring"}


@pytest.mark.parametrize(
    "purpose", ["find out who is slow", ["ai_training.computer_use"], {"a": 1}, 7, "\ud800"]
)
def test_the_text_of_an_unknown_purpose_is_nowhere_in_the_leaf(
    office: Office, purpose: object
) -> None:
    office.captured(ALICE)
    answer = office.ask(ALICE, purpose=purpose)
    assert codes(answer) == ["purpose_unknown"]
    leaf = office.entry_of(answer)
    assert leaf["purpose"] is None
    assert b"slow" not in canonical(leaf)
    if purpose == "find out who is slow":
        with office.services.database.read() as tx:
            body = ReadingService(office.services.log).body(tx, answer.context["log_event"])
        assert body == {"asked_purpose": "find out who is slow"}


def test_a_question_without_purpose_people_or_interval_is_refused_with_each_reason(
    office: Office,
) -> None:
    assert codes(office.ask(purpose=None)) == ["purpose_missing"]
    answer = office.ask(captured_from=None, captured_to=None, signals=())
    assert codes(answer) == ["persons_missing", "capture_interval_missing", "signals_missing"]
    assert office.entry_of(answer)["subjects"] == []


def test_somebody_unknown_is_refused_and_not_named_in_the_log(office: Office) -> None:
    office.captured(ALICE)
    stranger = person("E-77777")
    answer = office.ask(ALICE, stranger)
    assert codes(answer) == ["person_unknown"]
    assert b"E-77777" not in canonical(office.entry_of(answer))


def test_no_leaf_names_a_person(office: Office) -> None:
    office.captured(ALICE, BOB)
    office.ask_for(MANAGER, ALICE)
    office.ask(ALICE, BOB)
    entries = office.entries(kind="access.decided")
    assert len(entries) == 2
    for entry in entries:
        assert b'"p_' in entry.raw
        for one in (ALICE, BOB, MANAGER, TOP):
            assert f'"{one.id}"'.encode() not in entry.raw


def test_every_entry_decides_again_to_what_it_records(office: Office) -> None:
    office.captured(ALICE, BOB)
    office.ask(ALICE, BOB)
    office.ask(ALICE, purpose="performance_evaluation")
    office.ask_for(MANAGER, ALICE, BOB)
    office.ask(ALICE, resource_type="log", action="read")
    office.decide(ALICE, Act.WITHDRAWN)
    office.ask(ALICE)
    office.ask()
    entries = office.entries(kind="access.decided")
    assert len(entries) == 6
    for entry in entries:
        assert recompute(entry.leaf["facts"]) == recorded(entry.leaf["facts"])


# Who asks


def test_the_manager_is_refused_and_the_employee_can_see_it(office: Office) -> None:
    office.captured(ALICE)
    answer = office.ask_for(MANAGER, ALICE)
    assert codes(answer) == ["caller_in_line"]
    with office.services.database.read() as tx:
        use = office.services.access.uses(tx, ALICE.id)[0]
    assert (use.outcome, use.reasons, use.consumer) == ("deny", ("caller_in_line",), "pipeline")
    assert use.event_id == answer.context["log_event"]


def test_the_managers_manager_is_refused(office: Office) -> None:
    office.captured(ALICE)
    assert codes(office.ask_for(TOP, ALICE)) == ["caller_in_line"]


def test_a_manager_is_refused_if_one_of_many_reports_to_them(office: Office) -> None:
    office.captured(ALICE, RESEARCHER)
    assert codes(office.ask_for(MANAGER, ALICE, RESEARCHER)) == ["caller_in_line"]
    assert office.ask_for(MANAGER, RESEARCHER).decision


def test_somebody_in_hr_is_refused(office: Office) -> None:
    office.captured(ALICE)
    assert codes(office.ask_for(RECRUITER, ALICE)) == ["caller_separated"]


def test_an_hr_system_is_refused_with_an_innocent_purpose_it_is_registered_for(
    office: Office,
) -> None:
    office.captured(ALICE)
    answer = office.ask(ALICE, consumer="people-analytics")
    assert codes(answer) == ["caller_separated"]


def test_who_may_not_ask_learns_nothing_about_the_people(office: Office) -> None:
    """Asking one by one must not show a manager, or HR, who opted out."""
    office.captured(ALICE)
    office.decide(ALICE, Act.WITHDRAWN)
    for askers in (
        lambda *people: office.ask(*people, consumer="people-analytics"),
        lambda *people: office.ask_for(RECRUITER, *people),
        lambda *people: office.ask(*people, purpose="performance_evaluation"),
    ):
        answers = [dict(askers(one).context) for one in (ALICE, BOB, person("E-77777"))]
        for context in answers:
            context.pop("log_event")
        assert answers[0] == answers[1] == answers[2]


def test_a_person_gets_their_own_data_even_after_withdrawing_and_even_from_hr(
    office: Office,
) -> None:
    office.captured(ALICE, RECRUITER)
    office.decide(ALICE, Act.WITHDRAWN)
    asked = {"consumer": "rights-desk", "purpose": "rights.fulfilment"}
    assert office.ask_for(ALICE, ALICE, **asked).decision
    assert office.ask_for(RECRUITER, RECRUITER, **asked).decision
    assert codes(office.ask_for(ALICE, BOB, **asked)) == ["own_data_only"]
    assert codes(office.ask_for(MANAGER, ALICE, **asked)) == ["caller_in_line", "own_data_only"]


def test_another_consumer_cannot_be_named_as_the_asker(office: Office) -> None:
    office.captured(ALICE)
    assert codes(office.ask(ALICE, subject_id="auditors")) == ["caller_unknown"]
    assert codes(office.ask(ALICE, subject_type="user", subject_id="alice")) == ["caller_unknown"]
    assert codes(office.ask(ALICE, subject_type="person", subject_id="E-0")) == ["caller_unknown"]


def test_a_consumer_asks_only_for_what_it_is_registered_for(office: Office) -> None:
    office.captured(ALICE)
    answer = office.ask(ALICE, consumer="auditors")
    assert codes(answer) == ["consumer_not_registered"]


@pytest.mark.parametrize("action", ["write", "delete", "export", ""])
def test_captured_data_can_only_be_read(office: Office, action: str) -> None:
    office.captured(ALICE)
    assert codes(office.ask(ALICE, action=action)) == ["role_policy"]


def test_other_resource_types_are_governed_by_the_role_rows_alone(office: Office) -> None:
    office.hire(person("E-20", "auditor", manager="E-1"))
    auditor = person("E-20")
    log = {"resource_type": "log", "resource_id": "entries"}
    assert office.ask_for(auditor, **log, purpose=None).decision
    assert office.ask_for(auditor, **log).context["grant"] is None
    assert codes(office.ask_for(ALICE, **log)) == ["role_policy"]
    assert codes(office.ask(**log)) == ["role_policy"]
    assert codes(office.ask_for(auditor, resource_type="record", action="read")) == ["role_policy"]
    assert codes(office.ask_for(auditor, **log, action="delete")) == ["role_policy"]


def test_who_has_left_keeps_no_role_over_anything(office: Office) -> None:
    office.hire(person("E-20", "auditor", manager="E-1"))
    auditor, log = person("E-20"), {"resource_type": "log", "resource_id": "entries"}
    assert office.ask_for(auditor, **log).decision
    with office.services.database.write() as tx:
        office.services.directory.leave(tx, auditor.id, SYSTEM, office.now)
    assert codes(office.ask_for(auditor, **log)) == ["role_policy"]


def test_an_employee_sees_who_asked_permitted_and_refused(office: Office) -> None:
    office.captured(ALICE, BOB)
    office.ask(ALICE)
    office.ask(ALICE, BOB, purpose="hr")
    with office.services.database.read() as tx:
        mine = office.services.access.uses(tx, ALICE.id)
        theirs = office.services.access.uses(tx, BOB.id)
    assert [(use.outcome, use.purpose) for use in mine] == [("deny", "hr"), ("permit", TRAINING)]
    assert [use.outcome for use in theirs] == ["deny"]
    assert mine[0].consumer_name == "Pipeline"


# Consumers


def test_a_secret_is_kept_as_its_hash_and_opens_until_it_is_replaced(office: Office) -> None:
    old = office.secrets["pipeline"]
    with office.services.database.read() as tx:
        rows = tx.execute(text("SELECT * FROM access_consumer")).all()
    assert len(rows) == len(office.secrets)
    assert [row for row in rows if old in str(row)] == []
    new = office.register("pipeline", [TRAINING], ["training"])
    with office.services.database.read() as tx:
        found = office.services.consumers.authenticate(tx, new, office.now)
        assert (found.version, found.purposes) == (2, (TRAINING,))
        for wrong in (old, "", new + "x", new[:-1], "\ud800"):
            with pytest.raises(Unauthenticated):
                office.services.consumers.authenticate(tx, wrong, office.now)
        assert [one.version for one in office.services.consumers.newest(tx)] == [1, 1, 2, 1]


def test_a_secret_that_was_rotated_opens_until_the_overlap_ends(office: Office) -> None:
    """Both secrets open what the newest registration may; then only the new one does."""
    consumers, old = office.services.consumers, office.secrets["pipeline"]
    new = office.rotate("pipeline", DAY)

    def opened(secret: str) -> Consumer | None:
        with office.services.database.read() as tx:
            try:
                return consumers.authenticate(tx, secret, office.now)
            except Unauthenticated:
                return None

    found = opened(new)
    assert found is not None
    assert (found.version, found.overlap_until) == (2, office.now + DAY)
    assert set(found.purposes) == {TRAINING, "ai_training.evaluation"}
    assert opened(old) == found
    office.clock.advance(DAY - timedelta(seconds=1))
    assert opened(old) == found
    office.clock.advance(timedelta(seconds=1))
    assert (opened(old), opened(new)) == (None, found)
    facts = office.entries(kind="access.consumer_registered")[0].leaf["facts"]
    assert facts["overlap_until"] == timestamp(office.now)


def test_while_two_secrets_open_no_third_ends_one_of_them_silently(office: Office) -> None:
    """It is said until when, and how to end both at once."""
    oldest, end = office.secrets["pipeline"], timestamp(office.now + DAY)
    older = office.rotate("pipeline", DAY)
    with pytest.raises(Conflict, match=re.escape(end)) as refused:
        office.rotate("pipeline", DAY)
    assert "--overlap 0d" in (refused.value.cure or "")
    with office.services.database.read() as tx:
        for secret in (oldest, older):
            assert office.services.consumers.authenticate(tx, secret, office.now).version == 2
    office.clock.advance(DAY)
    newest = office.rotate("pipeline", DAY)
    with office.services.database.read() as tx:
        for secret in (older, newest):
            assert office.services.consumers.authenticate(tx, secret, office.now).version == 3
        with pytest.raises(Unauthenticated):
            office.services.consumers.authenticate(tx, oldest, office.now)


def test_both_secrets_can_be_ended_at_once_while_two_open(office: Office) -> None:
    first, second = office.secrets["pipeline"], office.rotate("pipeline", DAY)
    third = office.rotate("pipeline", timedelta())
    with office.services.database.read() as tx:
        assert office.services.consumers.authenticate(tx, third, office.now).version == 3
        for secret in (first, second):
            with pytest.raises(Unauthenticated):
                office.services.consumers.authenticate(tx, secret, office.now)


@pytest.mark.parametrize(("overlap", "answered"), [(DAY, True), (timedelta(), False)])
def test_a_request_that_a_rotation_overtakes_is_answered_if_its_secret_still_opens(
    office: Office, overlap: timedelta, answered: bool
) -> None:
    """It was authenticated before the rotation; it is decided, and closed, after it."""
    office.captured(ALICE)
    asked = office.request(ALICE)
    with office.services.database.read() as tx:
        known = office.services.consumers.authenticate(tx, office.secrets["pipeline"], office.now)
    office.rotate("pipeline", overlap)
    with office.services.database.write() as tx:
        if answered:
            answer = office.services.access.evaluate(tx, known, asked, office.now)
            assert answer.decision
            grant = read_token(
                answer.context["grant"], GRANT_TYPE, keys_for(office.services.jwks, GRANT_TYPE)
            )
            office.services.access.use(tx, known, grant["jti"], "unused", office.now)
        else:
            with pytest.raises(Unauthenticated):
                office.services.access.evaluate(tx, known, asked, office.now)
            with pytest.raises(Unauthenticated):
                office.services.access.use(tx, known, "x", "unused", office.now)


def test_registering_anew_or_without_overlap_ends_the_old_secret_at_once(office: Office) -> None:
    """For a secret that others may have seen."""
    first = office.secrets["pipeline"]
    second = office.rotate("pipeline", timedelta())
    third = office.rotate("pipeline", DAY)
    office.register("pipeline", [TRAINING], ["training"])
    with office.services.database.read() as tx:
        for secret in (first, second, third):
            with pytest.raises(Unauthenticated):
                office.services.consumers.authenticate(tx, secret, office.now)


@pytest.mark.parametrize("overlap", [timedelta(seconds=-1), timedelta(days=91), timedelta.max])
def test_an_overlap_without_measure_is_refused_and_nothing_changes(
    office: Office, overlap: timedelta
) -> None:
    with pytest.raises(InvalidInput, match="overlap"):
        office.rotate("pipeline", overlap)
    with office.services.database.read() as tx:
        assert [one.version for one in office.services.consumers.newest(tx)] == [1] * 4


def test_only_an_admin_rotates_and_only_what_is_registered(office: Office) -> None:
    with pytest.raises(Forbidden):
        office.rotate("pipeline", DAY, by=ALICE)
    with pytest.raises(NotFound, match="nobodys"):
        office.rotate("nobodys", DAY)


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "Pipe Line"},
        {"id": ""},
        {"name": " "},
        {"purposes": ["performance_evaluation"]},
        {"purposes": ["AI_TRAINING.computer_use"]},
        {"purposes": ["legal.order"]},
        {"purposes": ["unspecified"]},
        {"functions": []},
        {"functions": ["management"]},
    ],
)
def test_a_consumer_is_not_registered_for_what_is_not_on_the_lists(
    office: Office, wrong: dict[str, object]
) -> None:
    form = {"id": "x", "name": "X", "purposes": [TRAINING], "functions": ["training"], **wrong}
    with pytest.raises(InvalidInput) as caught, office.services.database.write() as tx:
        office.services.consumers.register(tx, TOP, **form, now=office.now)  # type: ignore[arg-type]
    assert caught.value.faults[0].field in wrong
    assert caught.value.faults[0].cure


def test_only_an_admin_registers_consumers(office: Office) -> None:
    for one in (ALICE, RECRUITER, person("E-1", "admin", active=False)):
        with pytest.raises(Forbidden), office.services.database.write() as tx:
            office.services.consumers.register(
                tx, one, "x", "X", [TRAINING], ["training"], office.now
            )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE access_consumer SET purposes = '[]'",
        "DELETE FROM access_consumer",
        "UPDATE access_purposes SET document = '{}'",
        "DELETE FROM access_purposes",
    ],
)
def test_registrations_and_purpose_files_cannot_be_rewritten(
    office: Office, statement: str
) -> None:
    with (
        pytest.raises(DBAPIError, match="append-only"),
        office.services.database.write() as tx,
    ):
        tx.execute(text(statement))


def test_the_purpose_file_is_adopted_once(office: Office) -> None:
    office.services.adopt()
    (entry,) = office.entries(kind="policy.purposes_adopted")
    assert "performance_evaluation" in entry.leaf["facts"]["prohibited"]
    with office.services.database.read() as tx:
        ((digest, document),) = office.services.access.documents(tx)
    assert digest == entry.leaf["facts"]["policy"] == office.services.access.purposes.digest
    assert document == office.services.access.purposes.document


def test_a_permit_carries_a_grant_for_exactly_what_was_asked(office: Office) -> None:
    office.captured(ALICE, BOB)
    answer = office.ask(ALICE)
    grant = check_grant(
        answer.context["grant"], "pipeline", office.grant_keys, office.now, RedeemedInMemory()
    )
    assert grant.event == answer.context["log_event"]
    assert grant.id == office.entry_of(answer)["facts"]["grant"]
    assert (grant.purpose, grant.dataset, grant.retain_days) == (TRAINING, "ui-events", 89)
    mine = answer.context["persons"][ALICE.id]
    at = office.now - timedelta(hours=1.5)
    assert grant.covers(dataset="ui-events", person=mine, signal="click", captured_at=at)
    assert not grant.covers(dataset="other", person=mine, signal="click", captured_at=at)
    assert not grant.covers(dataset="ui-events", person="p_x", signal="click", captured_at=at)
    assert not grant.covers(dataset="ui-events", person=mine, signal="menu", captured_at=at)
    late = office.now
    assert not grant.covers(dataset="ui-events", person=mine, signal="click", captured_at=late)
