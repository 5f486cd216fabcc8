"""Whoever writes into the table of sessions signs nobody in, and takes nobody's session over."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.directory.model import SESSION_LIFE
from app.directory.sessions import IDLE, Session, session_table
from tests.directory.company import LOW, Company
from tests.tamper import tampering

ISSUER = "https://login.example.com"
KNOWN = "a-token-that-the-attacker-chose"
LATER = "'2036-01-01 00:00:00'"
CHANGES = {
    "another person": "UPDATE person_session SET person_id = 'E-1'",
    "a later end": f"UPDATE person_session SET expires_at = {LATER}",
    "a later last request": f"UPDATE person_session SET seen_at = {LATER}",
    "a later beginning": f"UPDATE person_session SET started_at = {LATER}",
    "another form token": "UPDATE person_session SET csrf = 'known'",
    "another issuer": "UPDATE person_session SET issuer = 'https://evil.example.com'",
    "another subject": "UPDATE person_session SET subject = 'E-1'",
    "no seal": "UPDATE person_session SET seal = NULL",
}


@pytest.fixture
def token(company: Company) -> str:
    """The token of somebody who signed in."""
    services = company.services
    with services.database.write() as tx:
        token = services.sessions.start(tx, "E-3", ISSUER, "E-3", company.clock.now())
    assert find(company, token) is not None
    return token


def find(company: Company, token: str) -> Session | None:
    with company.services.database.read() as tx:
        return company.services.sessions.find(tx, token, company.clock.now())


def touch(company: Company, token: str) -> None:
    with company.services.database.write() as tx:
        company.services.sessions.touch(tx, token, company.clock.now())


@pytest.mark.every_pair("said", "change", "database_url")
@pytest.mark.parametrize("said", CHANGES)
def test_a_session_that_somebody_changed_is_none_and_raises_an_alarm(
    said: str, company: Company, token: str, change: Callable[..., None]
) -> None:
    change(CHANGES[said])
    assert find(company, token) is None
    touch(company, token)
    assert find(company, token) is None, "using it does not seal it"
    (alarm,) = company.alarms()
    assert (alarm["table"], alarm["why"]) == ("person_session", "unsealed")
    assert token not in str(alarm)


def test_what_ran_out_does_not_come_back_by_a_later_end(company: Company, token: str) -> None:
    company.clock.advance(SESSION_LIFE)
    company.sql(CHANGES["a later end"], CHANGES["a later last request"])
    assert find(company, token) is None


@pytest.mark.parametrize("digest", ["plain", "none"])
def test_a_session_that_somebody_wrote_signs_nobody_in(
    digest: str, company: Company, token: str, change: Callable[..., None]
) -> None:
    """Who knows how digests were made before, and copies a row with its seal, has no session."""
    del token
    written = hashlib.sha256(KNOWN.encode()).hexdigest() if digest == "plain" else KNOWN
    change(
        "INSERT INTO person_session (token_digest, person_id, csrf, issuer, subject, started_at, "
        f"seen_at, expires_at, seal) SELECT '{written}', person_id, csrf, issuer, subject, "
        "started_at, seen_at, expires_at, seal FROM person_session"
    )
    assert find(company, KNOWN) is None


def test_two_sessions_whose_rows_were_swapped_are_none(company: Company, token: str) -> None:
    services = company.services
    with services.database.write() as tx:
        mine = services.sessions.start(tx, "E-4", ISSUER, "E-4", company.clock.now())
    with services.database.read() as tx:
        rows = tx.execute(select(session_table)).mappings().all()
    with tampering(services.database) as connection:
        for row, other in zip(rows, reversed(rows), strict=True):
            swapped = {**other, "token_digest": row["token_digest"]}
            same = session_table.c.token_digest == row["token_digest"]
            connection.execute(session_table.update().where(same).values(**swapped))
    assert find(company, mine) is None
    assert find(company, token) is None


def test_a_session_that_is_used_goes_on_and_so_does_a_new_process(
    company: Company, token: str
) -> None:
    company.clock.advance(IDLE - timedelta(minutes=1))
    touch(company, token)
    company.clock.advance(IDLE - timedelta(minutes=1))
    company.start_again()
    assert find(company, token) is not None
    assert company.alarms() == []


def test_nobody_is_signed_in_after_an_upgrade(company: Company) -> None:
    """A session of before the seals is found by no token, whoever holds it."""
    digest = hashlib.sha256(b"held").hexdigest()
    company.sql(
        "INSERT INTO person_session (token_digest, person_id, csrf, issuer, subject, started_at, "
        f"seen_at, expires_at) VALUES ('{digest}', 'E-3', 'c', '{ISSUER}', 'E-3', {LATER}, "
        f"{LATER}, {LATER})"
    )
    assert find(company, "held") is None


def test_a_session_that_was_ended_does_not_come_back_with_its_row(
    company: Company, token: str, change: Callable[..., None]
) -> None:
    """The row has its own seal; the log knows that the session ended, and says which."""
    services = company.services
    with services.database.read() as tx:
        row = tx.execute(select(session_table)).mappings().one()
    with services.database.write() as tx:
        services.sessions.end(tx, token, company.clock.now())
    services.integrator.integrate()
    with tampering(services.database) as connection:
        connection.execute(session_table.insert().values(**row))
    change("UPDATE person SET name = name")
    assert find(company, token) is None
    assert [alarm["why"] for alarm in company.alarms()] == ["behind"]


def test_the_log_forgets_an_ended_session_once_it_would_have_run_out(
    company: Company, token: str
) -> None:
    services = company.services
    with services.database.write() as tx:
        services.sessions.end(tx, token, company.clock.now())
    services.integrator.integrate()
    ended = [chain for chain in services.database.seals.positions if chain.startswith("session:")]
    assert len(ended) == 1
    company.clock.advance(SESSION_LIFE + timedelta(minutes=1))
    company.bring(replace(LOW, department="Board"))
    assert ended[0] not in services.database.seals.positions
