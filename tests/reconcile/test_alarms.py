"""An alarm stands until two people have cleared it."""

import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.audit.entries.alarms import OpenAlarms
from app.audit.entries.model import SYSTEM, EntryFilter, Event, Kind
from app.audit.entries.records import AlarmRaised, AlarmStep
from app.audit.export.writing import export_log
from app.audit.reading.service import ReadingService
from app.db.ring import Dispute, Flaw
from app.directory.model import Person
from app.kernel.errors import Conflict, Forbidden, HabeasError, InvalidInput, NotFound, Unavailable
from app.kernel.facts import encode
from app.main import create_app
from app.sdk.verify import verify
from app.wiring import Services
from tests.tamper import sql


@pytest.fixture
def alarmed(sample: Services) -> tuple[Services, str, str]:
    """Somebody was given a role with SQL; then their row was put back as it was."""
    with sample.database.read() as tx:
        one = next(one.id for one in sample.directory.people(tx) if one.region == "DE")
    sql(sample.database, f"UPDATE person SET department = department || '!' WHERE id = '{one}'")
    with sample.database.read() as tx:
        assert sample.directory.person(tx, one).disputed
    sample.integrator.integrate()
    sql(
        sample.database,
        f"UPDATE person SET department = replace(department, '!', '') WHERE id = '{one}'",
    )
    with sample.database.read() as tx:
        assert sample.directory.person(tx, one).disputed
    (chain,) = sample.database.seals.alarms
    return sample, one, chain


def holders(services: Services, role: str) -> list[Person]:
    with services.database.read() as tx:
        people = services.directory.people(tx)
    return [one for one in people if role in one.functions]


def commit_proposal(
    services: Services, actor: Person, chain: str, reason: str = "a copy was put back"
) -> None:
    with services.database.write() as tx:
        services.alarms.propose(tx, actor, chain, reason, services.clock.now())


def commit_clearing(services: Services, actor: Person, chain: str) -> None:
    with services.database.write() as tx:
        services.alarms.clear(tx, actor, chain, services.clock.now())


def propose(
    services: Services, actor: Person, chain: str, reason: str = "a copy was put back"
) -> None:
    commit_proposal(services, actor, chain, reason)
    services.integrator.integrate()


def clear(services: Services, actor: Person, chain: str) -> None:
    commit_clearing(services, actor, chain)
    services.integrator.integrate()


def at_once(*acts: Callable[[], object]) -> list[HabeasError]:
    """Take steps in threads that start together; return the refusals."""
    start = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> HabeasError | None:
        start.wait()
        try:
            act()
        except HabeasError as refusal:
            return refusal
        return None

    with ThreadPoolExecutor(len(acts)) as pool:
        return [refusal for refusal in pool.map(run, acts) if refusal is not None]


def require_sound(services: Services, folder: Path, **steps: int) -> None:
    """The log has so many entries of each step, and a verifier finds no fault in it."""
    services.integrator.integrate()
    with services.database.read() as tx:
        for kind in (Kind.ALARM_CLEAR_PROPOSED, Kind.ALARM_CLEARED):
            entries = ReadingService(services.log).search(tx, EntryFilter(kind=kind.value))
            assert len(entries) == steps.get(kind.value.removeprefix("alarm."), 0), kind
    done = export_log(
        services.database,
        services.log,
        services.integrator,
        folder / "log.tar",
        actor=SYSTEM,
        now=services.clock.now(),
        documents=services.exports.documents,
    )
    report = verify(done.path, services.integrator.vkey)
    assert report.ok, report


def test_two_people_clear_an_alarm(alarmed: tuple[Services, str, str]) -> None:
    services, one, chain = alarmed
    first, second = holders(services, "auditor")[0], holders(services, "dpo")[0]
    propose(services, first, chain)
    clear(services, second, chain)
    assert services.database.seals.alarms == {}
    with services.database.read() as tx:
        assert not services.directory.person(tx, one).disputed


def test_one_person_alone_clears_nothing(alarmed: tuple[Services, str, str]) -> None:
    services, one, chain = alarmed
    first = holders(services, "auditor")[0]
    with pytest.raises(Conflict):
        clear(services, first, chain)
    propose(services, first, chain)
    with pytest.raises(Conflict):
        propose(services, first, chain)
    with pytest.raises(Forbidden):
        clear(services, first, chain)
    with services.database.read() as tx:
        assert services.directory.person(tx, one).disputed


def test_who_has_no_role_for_it_is_refused(alarmed: tuple[Services, str, str]) -> None:
    services, _, chain = alarmed
    admin = holders(services, "admin")[0]
    with pytest.raises(Forbidden):
        propose(services, admin, chain)
    propose(services, holders(services, "auditor")[0], chain)
    with pytest.raises(Forbidden):
        clear(services, admin, chain)


@pytest.mark.parametrize("reason", ["", "   ", "x" * 2_001])
def test_a_reason_is_asked_for(alarmed: tuple[Services, str, str], reason: str) -> None:
    services, _, chain = alarmed
    with pytest.raises(InvalidInput):
        propose(services, holders(services, "auditor")[0], chain, reason)


def test_an_alarm_that_is_not_there_is_said_to_be_none(sample: Services) -> None:
    with pytest.raises(NotFound):
        propose(sample, holders(sample, "auditor")[0], "person:nobody")


def test_an_alarm_over_rows_that_still_disagree_comes_back(
    alarmed: tuple[Services, str, str],
) -> None:
    services, one, chain = alarmed
    sql(services.database, f"UPDATE person SET roles = 'legal@DE' WHERE id = '{one}'")
    propose(services, holders(services, "auditor")[0], chain)
    clear(services, holders(services, "dpo")[0], chain)
    with services.database.read() as tx:
        assert services.directory.person(tx, one).disputed
    services.integrator.integrate()
    assert chain in services.database.seals.alarms


def test_what_is_open_survives_a_new_start(alarmed: tuple[Services, str, str]) -> None:
    services, _, chain = alarmed
    propose(services, holders(services, "auditor")[0], chain)
    services.fold.save(services.settings.var / "fold.json")
    services.fold.restart()
    assert services.fold.load(services.settings.var / "fold.json")
    assert chain in services.fold.alarms.by_chain
    assert chain in services.fold.alarms.proposals
    assert chain in services.database.seals.alarms


def test_health_counts_alarms_and_names_nobody(alarmed: tuple[Services, str, str]) -> None:
    services, _, _ = alarmed
    with TestClient(create_app(services), base_url=services.settings.base_url) as client:
        answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json()["alarms"] == 1


# Before the log has numbered what was committed ------------------------------------------------


def test_who_proposes_twice_is_refused_also_before_the_log_has_the_first(
    alarmed: tuple[Services, str, str], tmp_path: Path
) -> None:
    services, _, chain = alarmed
    first = holders(services, "auditor")[0]
    commit_proposal(services, first, chain)
    with pytest.raises(Conflict, match="you proposed this already"):
        commit_proposal(services, first, chain)
    with pytest.raises(Forbidden):
        commit_clearing(services, first, chain)
    require_sound(services, tmp_path, clear_proposed=1)


def test_a_proposal_is_cleared_before_the_log_has_it(
    alarmed: tuple[Services, str, str], tmp_path: Path
) -> None:
    services, _, chain = alarmed
    commit_proposal(services, holders(services, "auditor")[0], chain)
    commit_clearing(services, holders(services, "dpo")[0], chain)
    require_sound(services, tmp_path, clear_proposed=1, cleared=1)
    assert services.database.seals.alarms == {}


def test_what_is_cleared_is_neither_cleared_nor_proposed_again(
    alarmed: tuple[Services, str, str], tmp_path: Path
) -> None:
    """By the same second person, by another one, or by who proposed it."""
    services, _, chain = alarmed
    first, second, third = (holders(services, role)[0] for role in ("auditor", "dpo", "legal"))
    propose(services, first, chain)
    commit_clearing(services, second, chain)
    for again in (second, third, first):
        with pytest.raises(Conflict, match="have cleared this alarm already"):
            commit_clearing(services, again, chain)
        with pytest.raises(Conflict, match="have cleared this alarm already"):
            commit_proposal(services, again, chain)
    require_sound(services, tmp_path, clear_proposed=1, cleared=1)


def test_what_another_process_has_numbered_counts_before_this_one_has_folded_it(
    alarmed: tuple[Services, str, str], tmp_path: Path
) -> None:
    services, _, chain = alarmed
    other = replace(services.integrator, fold=None, folded=None)
    first, second, third = (holders(services, role)[0] for role in ("auditor", "dpo", "legal"))
    commit_proposal(services, first, chain)
    other.integrate()
    with pytest.raises(Conflict, match="you proposed this already"):
        commit_proposal(services, first, chain)
    commit_clearing(services, second, chain)
    other.integrate()
    with pytest.raises(Conflict, match="have cleared this alarm already"):
        commit_clearing(services, third, chain)
    require_sound(services, tmp_path, clear_proposed=1, cleared=1)


def test_of_two_second_people_at_the_same_moment_one_clears(
    alarmed: tuple[Services, str, str], tmp_path: Path
) -> None:
    services, _, chain = alarmed
    first, second, third = (holders(services, role)[0] for role in ("auditor", "dpo", "legal"))
    propose(services, first, chain)
    (refusal,) = at_once(
        lambda: commit_clearing(services, second, chain),
        lambda: commit_clearing(services, third, chain),
    )
    assert isinstance(refusal, Conflict)
    require_sound(services, tmp_path, clear_proposed=1, cleared=1)


def test_of_one_persons_two_windows_one_proposes(
    alarmed: tuple[Services, str, str], tmp_path: Path
) -> None:
    services, _, chain = alarmed
    first = holders(services, "auditor")[0]
    (refusal,) = at_once(*[lambda: commit_proposal(services, first, chain)] * 2)
    assert isinstance(refusal, Conflict)
    require_sound(services, tmp_path, clear_proposed=1)


def test_two_people_may_both_propose_and_either_clears_what_the_other_said(
    alarmed: tuple[Services, str, str], tmp_path: Path
) -> None:
    services, _, chain = alarmed
    first, second = (holders(services, role)[0] for role in ("auditor", "dpo"))
    commit_proposal(services, first, chain)
    commit_proposal(services, second, chain, "it was I")
    commit_clearing(services, first, chain)
    require_sound(services, tmp_path, clear_proposed=2, cleared=1)


def test_a_proposal_that_was_written_past_the_program_clears_nothing(
    alarmed: tuple[Services, str, str],
) -> None:
    services, _, chain = alarmed
    commit_proposal(services, holders(services, "auditor")[0], chain)
    sql(services.database, "UPDATE audit_pending SET seal = NULL")
    with pytest.raises(Conflict, match="nobody has proposed"):
        commit_clearing(services, holders(services, "dpo")[0], chain)


def entry(kind: Kind, facts: object, by: str = "p") -> dict[str, object]:
    return {"kind": kind, "event": by, "actor": {"kind": "person", "id": by}, "facts": facts}


def test_steps_about_an_earlier_alarm_do_nothing_to_a_later_one() -> None:
    alarms = OpenAlarms([("catalogue", "later")])
    step = encode(AlarmStep("earlier", "catalogue", proposer="p"))
    assert alarms.take(entry(Kind.ALARM_CLEAR_PROPOSED, step)) == ()
    assert alarms.take(entry(Kind.ALARM_CLEARED, step)) == ()
    assert (alarms.by_chain, alarms.proposals) == ({"catalogue": "later"}, {})


def test_a_copy_of_the_alarms_goes_on_by_itself() -> None:
    alarms = OpenAlarms()
    alarms.copy().take(entry(Kind.ALARM_RAISED, encode(AlarmRaised("catalogue", "behind"))))
    assert (alarms.by_chain, alarms.size) == ({}, 0)


# What the second person reads -------------------------------------------------------------------


def test_whoever_may_clear_reads_who_proposed_when_and_why(
    alarmed: tuple[Services, str, str],
) -> None:
    services, _, chain = alarmed
    first = holders(services, "auditor")[0]
    commit_proposal(services, first, chain, " a copy\r\nwas put back ")
    for reader in (first, holders(services, "legal")[0], holders(services, "dpo")[0]):
        with services.database.read() as tx:
            (shown,) = services.alarms.listed(tx, reader)
        assert shown.proposal is not None
        with services.database.read() as tx:
            assert shown.proposal.by == services.log.pseudonym_of(tx, first.id)
        assert shown.proposal.is_own is (reader is first)
        assert shown.proposal.reason == "a copy\nwas put back"
        assert shown.proposal.at == services.clock.now()
        assert (shown.chain, shown.why, shown.table) == (chain, Flaw.UNSEALED, "person")


def test_who_may_not_clear_reads_nothing(alarmed: tuple[Services, str, str]) -> None:
    services, _, _ = alarmed
    with services.database.read() as tx, pytest.raises(Forbidden):
        services.alarms.listed(tx, holders(services, "admin")[0])


def test_an_alarm_is_listed_as_cleared_until_the_log_has_it(
    alarmed: tuple[Services, str, str],
) -> None:
    services, _, chain = alarmed
    first, second = holders(services, "auditor")[0], holders(services, "dpo")[0]
    propose(services, first, chain)
    commit_clearing(services, second, chain)
    with services.database.read() as tx:
        assert [one.is_cleared for one in services.alarms.listed(tx, first)] == [True]
    services.integrator.integrate()
    with services.database.read() as tx:
        assert services.alarms.listed(tx, first) == ()


@pytest.mark.parametrize(
    ("attack", "reason"),
    [
        ("UPDATE audit_body SET ciphertext = nonce", None),
        ("DELETE FROM audit_body", None),
        ("DELETE FROM audit_leaf WHERE kind = 'alarm.raised'", "a copy was put back"),
    ],
)
def test_an_alarm_is_listed_whatever_became_of_what_is_said_about_it(
    alarmed: tuple[Services, str, str], attack: str, reason: str | None
) -> None:
    services, _, chain = alarmed
    first = holders(services, "auditor")[0]
    propose(services, first, chain)
    sql(services.database, attack, keys=False)
    with services.database.read() as tx:
        (shown,) = services.alarms.listed(tx, first)
    assert shown.chain == chain
    assert shown.proposal is not None
    assert shown.proposal.reason == reason
    assert (shown.raised_at is None) is ("audit_leaf" in attack)


def make_unreadable(services: Services) -> None:
    """The last entry, which this process has not folded yet."""
    kind = "BLOB" if services.database.dialect == "sqlite" else "BYTEA"
    last = "(SELECT max(idx) FROM audit_leaf)"
    with services.database.write() as tx:
        services.log.append(tx, Event(Kind.LOG_READ, SYSTEM), services.clock.now())
    replace(services.integrator, fold=None).integrate()  # numbered, and not folded here yet
    sql(services.database, f"UPDATE audit_leaf SET entry = CAST('x' AS {kind}) WHERE idx = {last}")


def test_alarms_are_shown_while_an_entry_cannot_be_read(alarmed: tuple[Services, str, str]) -> None:
    """That is when people look at them; a step about them waits until it can be read."""
    services, _, chain = alarmed
    (auditor, *_) = holders(services, "auditor")
    make_unreadable(services)
    with services.database.read() as tx:
        about_log, other = services.alarms.listed(tx, auditor)
    assert (about_log.chain, other.chain) == ("log", chain)
    assert re.fullmatch("entry [0-9]+ of the log was made unreadable .*", about_log.broken)
    assert other.broken == ""
    with pytest.raises(Unavailable, match="unreadable"):
        commit_proposal(services, auditor, chain)


def test_the_alarm_about_the_log_says_what_the_fold_found_and_no_step_is_taken(
    alarmed: tuple[Services, str, str],
) -> None:
    services, _, chain = alarmed
    auditor, dpo = holders(services, "auditor")[0], holders(services, "dpo")[0]
    commit_proposal(services, auditor, chain)
    services.integrator.integrate()
    make_unreadable(services)
    services.fold.catch_up()
    broken = services.database.seals.broken
    assert broken is not None
    with services.database.read() as tx:
        about_log, other = services.alarms.listed(tx, auditor)
    assert (about_log.chain, about_log.broken, other.chain) == ("log", broken, chain)
    for step in (commit_proposal, commit_clearing):
        with pytest.raises(Unavailable, match=re.escape(broken)) as refusal:
            step(services, dpo, chain)
        assert refusal.value.kind == "log-disputed"
        assert "restores" in refusal.value.cure


def test_an_open_alarm_about_the_log_is_listed_once_while_the_log_is_broken_again(
    alarmed: tuple[Services, str, str],
) -> None:
    services, _, chain = alarmed
    auditor = holders(services, "auditor")[0]
    services.database.seals.found([Dispute("log", Flaw.LOG, "audit_leaf")])
    services.integrator.integrate()
    with services.database.read() as tx:
        assert [one.chain for one in services.alarms.listed(tx, auditor)] == ["log", chain]
    make_unreadable(services)
    with services.database.read() as tx:
        assert [one.chain for one in services.alarms.listed(tx, auditor)] == ["log", chain]
