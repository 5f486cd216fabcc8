"""Whoever writes rows of consumers, grants and uses with SQL gets nothing. Attacks.

Each is tried on a service that runs, with all it remembers, and on one that starts afterwards: it
narrows, and the alarm names the chain. On both databases.
"""

from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from sqlalchemy import Column, Integer, String

from app.access.decision.model import USE_WITHIN
from app.access.tables import CONSUMER, USE
from app.access.tables import GRANT as GRANTS
from app.kernel.errors import Conflict, NotFound
from tests.access.office import TRAINING
from tests.access.raided import Raided
from tests.tamper import sql

pytestmark = pytest.mark.slow

PIPELINE = "consumer:pipeline"
THIEF = "d" * 36
GRANT = f"{'0' * 8}-0000-4000-8000-{'0' * 12}"


def hashed(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def inserted(consumer: str, version: int, secret: str) -> str:
    """A registration that copies what a true one says."""
    return (
        "INSERT INTO access_consumer (row, consumer_id, version, name, purposes, functions, "
        f"secret_sha256, registered_at) SELECT 900, '{consumer}', {version}, name, purposes, "
        f"functions, '{hashed(secret)}', registered_at FROM access_consumer "
        "WHERE consumer_id = 'pipeline' AND version = 1"
    )


def test_a_consumer_that_somebody_inserted_is_unknown(raided: Raided) -> None:
    raided.attack(inserted("burglar", 1, THIEF))
    assert not raided.opens(THIEF)
    assert raided.alarms == {"consumer:burglar"}
    assert raided.opens(raided.office.secrets["pipeline"])


def test_a_newer_version_that_somebody_inserted_opens_nothing_and_closes_the_consumer(
    raided: Raided,
) -> None:
    raided.attack(inserted("pipeline", 2, THIEF))
    assert not raided.opens(THIEF)
    assert not raided.opens(raided.office.secrets["pipeline"])
    assert raided.alarms == {PIPELINE}


def test_an_overlap_that_somebody_lengthened_lets_nobody_in(raided: Raided) -> None:
    """Nor does one that was written where there was none."""
    old = raided.office.secrets["pipeline"]
    new = raided.office.rotate("pipeline", timedelta())
    raided.attack(
        "UPDATE access_consumer SET overlap_until = '2999-01-01 00:00:00'"
        " WHERE consumer_id = 'pipeline' AND version = 2"
    )
    assert not raided.opens(old)
    assert not raided.opens(new)
    assert raided.alarms == {PIPELINE}


def test_a_purpose_that_somebody_added_is_not_the_consumers(raided: Raided) -> None:
    raided.attack(
        "UPDATE access_consumer SET purposes = "
        '\'["ai_training.computer_use","ai_training.evaluation","rights.fulfilment"]\' '
        "WHERE consumer_id = 'pipeline'"
    )
    assert not raided.opens(raided.office.secrets["pipeline"])
    assert raided.alarms == {PIPELINE}


def test_an_older_secret_put_back_as_the_newest_opens_nothing(raided: Raided) -> None:
    old = raided.office.secrets["pipeline"]
    raided.office.register("pipeline", [TRAINING], ["training"])
    raided.attack(
        "UPDATE access_consumer SET version = 9 WHERE consumer_id = 'pipeline' AND version = 1"
    )
    assert not raided.opens(old)
    assert raided.alarms == {PIPELINE}


def test_an_older_secret_opens_nothing_when_the_newest_version_is_deleted(raided: Raided) -> None:
    old = raided.office.secrets["pipeline"]
    raided.office.register("pipeline", [TRAINING], ["training"])
    raided.attack("DELETE FROM access_consumer WHERE version = 2")
    assert not raided.opens(old)
    assert raided.alarms == {PIPELINE}


def test_a_disputed_consumer_can_be_registered_anew_and_waits_for_the_alarm(
    raided: Raided,
) -> None:
    raided.attack("UPDATE access_consumer SET functions = '[]' WHERE consumer_id = 'pipeline'")
    assert not raided.opens(raided.office.secrets["pipeline"])
    assert raided.alarms == {PIPELINE}
    assert not raided.opens(raided.office.register("pipeline", [TRAINING], ["training"]))


def test_a_grant_that_somebody_inserted_cannot_be_closed(raided: Raided) -> None:
    raided.permit()
    raided.attack(
        "INSERT INTO access_grant (grant_id, event_id, consumer_id, purpose, decided_at) "
        f"SELECT '{GRANT}', event_id, consumer_id, purpose, decided_at FROM access_grant"
    )
    with pytest.raises(Conflict, match="does not fit the log"):
        raided.close(GRANT)
    assert raided.alarms == {f"use:{GRANT}"}


def test_a_grant_whose_consumer_was_changed_cannot_be_closed(raided: Raided) -> None:
    grant = raided.permit()
    raided.attack("UPDATE access_grant SET purpose = 'ai_training.evaluation'")
    with pytest.raises(Conflict, match="does not fit the log"):
        raided.close(grant)
    assert raided.alarms == {f"use:{grant}"}


@pytest.mark.parametrize(
    "also", [(), ("DELETE FROM row_seal WHERE table_name = 'access_use'",)], ids=["", "seal too"]
)
def test_a_grant_whose_use_was_deleted_cannot_be_used_again(
    raided: Raided, also: tuple[str, ...]
) -> None:
    grant = raided.permit()
    raided.close(grant)
    raided.attack("DELETE FROM access_use", *also)
    with pytest.raises(Conflict, match="does not fit the log"):
        raided.close(grant, "used")
    assert raided.alarms == {f"use:{grant}"}


def test_a_use_that_is_deleted_before_the_log_has_it_is_missed_by_its_seal(raided: Raided) -> None:
    grant = raided.permit()
    raided.close(grant)
    sql(raided.office.services.database, "DELETE FROM access_use")
    with pytest.raises(Conflict, match="does not fit the log"):
        raided.close(grant, "used")


def test_a_use_that_was_moved_closes_no_other_grant(raided: Raided) -> None:
    used = raided.permit()
    raided.close(used)
    other = raided.permit()
    raided.attack(f"UPDATE access_use SET grant_id = '{other}'")
    for grant in (used, other):
        with pytest.raises(Conflict, match="does not fit the log"):
            raided.close(grant)
    assert raided.alarms == {f"use:{used}", f"use:{other}"}


def test_a_grant_that_was_deleted_is_no_grant(raided: Raided) -> None:
    grant = raided.permit()
    raided.attack("DELETE FROM access_grant")
    with pytest.raises(NotFound):
        raided.close(grant)


def test_the_log_forgets_a_grant_when_it_can_be_closed_no_more(raided: Raided) -> None:
    grant = raided.permit()
    raided.close(grant)
    services = raided.office.services
    services.integrator.integrate()
    assert f"use:{grant}" in services.database.seals.positions
    raided.office.clock.advance(USE_WITHIN + USE_WITHIN)
    raided.permit()
    services.integrator.integrate()
    assert f"use:{grant}" not in services.database.seals.positions
    assert raided.close(grant).outcome == "unused"  # the same answer, as ever


def test_a_purpose_file_that_somebody_wrote_is_none_and_is_named(raided: Raided) -> None:
    raided.attack("UPDATE access_purposes SET document = '{}'")
    services = raided.office.services
    with services.database.read() as tx:
        assert services.access.documents(tx) == ()
    services.adopt()
    assert "list:purposes" in raided.alarms


# Every column


def other(column: Column[Any]) -> str:
    """Another value of a column's kind, in SQL."""
    if isinstance(column.type, String):  # of which Text is one
        return f"'x' || substr({column.name}, 2)"
    return f"{column.name} + 1" if isinstance(column.type, Integer) else "'2031-01-01 00:00:00+00'"


@pytest.mark.every_pair("name", "raided", "database_url")
@pytest.mark.parametrize("name", CONSUMER.covered)
def test_whatever_is_changed_in_a_registration_it_opens_nothing(raided: Raided, name: str) -> None:
    column = CONSUMER.table.c[name]
    raided.attack(
        f"UPDATE access_consumer SET {name} = {other(column)} WHERE consumer_id = 'pipeline'"
    )
    assert not raided.opens(raided.office.secrets["pipeline"])


@pytest.mark.every_pair("name", "raided", "database_url")
@pytest.mark.parametrize("name", [each for each in GRANTS.covered if each != "grant_id"])
def test_whatever_is_changed_in_a_grant_it_is_not_closed(raided: Raided, name: str) -> None:
    grant = raided.permit()
    raided.attack(f"UPDATE access_grant SET {name} = {other(GRANTS.table.c[name])}")
    with pytest.raises(Conflict, match="does not fit the log"):
        raided.close(grant)


@pytest.mark.every_pair("name", "raided", "database_url")
@pytest.mark.parametrize("name", [each for each in USE.covered if each != "result"])
def test_whatever_is_changed_in_a_use_it_is_not_answered(raided: Raided, name: str) -> None:
    grant = raided.permit()
    raided.close(grant)
    value = f"'{raided.permit()}'" if name == "grant_id" else other(USE.table.c[name])
    raided.attack(f"UPDATE access_use SET {name} = {value}")
    with pytest.raises(Conflict, match="does not fit the log"):
        raided.close(grant)
