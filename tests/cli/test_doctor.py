"""``habeas doctor`` as somebody types it next to a service: what it says, and how it ends."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import text

from app.audit.entries.model import SYSTEM
from app.audit.restore.custody import read_private_key, sign_statement
from app.db.metadata import metadata
from app.demo.custodians import NAMES, sample_custodians
from app.wiring import Services, build
from tests import typed
from tests.audit.test_entrances import FORGERIES, grown_by_somebody_else
from tests.fakes import FakeClock
from tests.tamper import sql, tampering

Habeas = Callable[..., typed.Done]


def environment(services: Services) -> dict[str, str]:
    return {
        "HABEAS_DEMO": "1",
        "HABEAS_VAR": str(services.settings.var),
        "HABEAS_DATABASE_URL": services.settings.database_url,
    }


@pytest.fixture
def habeas(sample: Services) -> Habeas:
    """Run a verb against the sample organisation, in which one person's consent was revoked."""
    with sample.database.write() as tx:
        person = next(one for one in sample.directory.people(tx) if one.active)
        sample.consent.revoke(tx, person, SYSTEM, "a reason", sample.clock.now())
    sample.integrator.integrate()
    return partial(typed.habeas, settings=environment(sample))


def content(services: Services) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    with services.database.engine.connect() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(table.select())), key=repr)
            for table in metadata.sorted_tables
        }


def test_a_clean_database_is_in_order_and_nothing_is_written(
    sample: Services, habeas: Habeas
) -> None:
    before = content(sample)
    done = habeas("doctor")
    assert (done.returncode, done.stdout.count("\n")) == (0, 1)
    assert done.stdout.startswith("In order: every row agrees with the log (")
    done = habeas("doctor", "--json")
    said = json.loads(done.stdout)
    assert (done.returncode, said["count"], said["differences"]) == (0, 0, [])
    assert said["entries"] == sample.fold.tree.size
    assert content(sample) == before


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
def test_a_submission_that_nobody_handed_in_is_named_as_the_row_it_is(
    forge: Callable[[Services], str], sample: Services
) -> None:
    event = forge(sample)
    done = typed.habeas("doctor", "--json", settings=environment(sample))
    (found,) = json.loads(done.stdout)["differences"]
    assert done.returncode == 1
    assert (found["chain"], found["table"], found["row"], found["flaw"]) == (
        "log:pending", "audit_pending", event, "unsealed",
    )  # fmt: skip
    assert "log:pending" in raised(sample)


def raised(services: Services) -> set[str]:
    """The chains on which an alarm is open, for a process that comes later."""
    services.integrator.integrate()
    return set(services.database.seals.alarmed)


TAMPERINGS = {
    "changed": (
        "UPDATE consent_decision SET act = 'given'",
        "consent_decision",
        "unsealed",
        "has no seal, or one that does not fit",
    ),
    "deleted": (
        "DELETE FROM consent_decision WHERE seq = (SELECT max(seq) FROM consent_decision)",
        "consent_decision",
        "behind",
        "is missing, but an entry recorded it",
    ),
    "inserted": (
        (
            "INSERT INTO audit_adopted (number, what, digest, adopted_at, event_id) "
            "SELECT 900, 'custodians', digest, adopted_at, 'ffffffff-0000-4000-8000-000000000000' "
            "FROM audit_adopted WHERE number = 1"
        ),
        "audit_adopted",
        "unrecorded",
        "is there, but no entry recorded it",
    ),
}


@pytest.mark.parametrize("what", TAMPERINGS)
def test_what_somebody_did_is_named_in_a_sentence_and_for_programs(
    what: str, sample: Services, habeas: Habeas
) -> None:
    statement, table, flaw, words = TAMPERINGS[what]
    assert sql(sample.database, statement) > 0
    done = habeas("doctor", "--json")
    said = json.loads(done.stdout)
    assert done.returncode == 1
    assert said["count"] == len(said["differences"])
    assert {(one["table"], one["flaw"]) for one in said["differences"]} >= {(table, flaw)}

    done = habeas("doctor")
    assert done.returncode == 1
    named = [line for line in done.stdout.splitlines() if line.startswith(table)]
    assert any(words in line for line in named), done.stdout
    assert "alarms are raised" in done.stdout
    sample.integrator.integrate()
    (chain,) = {one["chain"] for one in said["differences"]}
    assert chain in sample.database.seals.alarms, "the service hears of it"
    assert habeas("doctor").returncode == 1


def test_a_row_that_is_put_back_agrees_again(sample: Services, habeas: Habeas) -> None:
    change = "UPDATE person SET roles = '{}' WHERE id = (SELECT max(id) FROM person)"
    with sample.database.engine.connect() as connection:
        roles = text("SELECT roles FROM person ORDER BY id DESC LIMIT 1")
        before = connection.execute(roles).scalar_one()
    sql(sample.database, change.format("legal@DE"))
    assert habeas("doctor").returncode == 1
    sql(sample.database, change.format(before))
    assert habeas("doctor").returncode == 0


# A log that is not what was signed


def test_a_leaf_that_was_changed_is_named_with_its_number(sample: Services, habeas: Habeas) -> None:
    with tampering(sample.database) as connection:
        garble = text("UPDATE audit_leaf SET entry = :entry WHERE idx = 7")
        connection.execute(garble, {"entry": b"{}"})
    done = habeas("doctor")
    assert done.returncode == 2
    assert "audit_leaf cannot be read, entry 7, of log." in done.stdout
    assert "audit_leaf is not what was signed, of log." in done.stdout


def test_a_log_that_was_forked_is_refused_in_a_sentence_with_the_way_out(
    sample: Services, habeas: Habeas
) -> None:
    grown_by_somebody_else(sample)
    done = habeas("doctor", "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert "the log's head was moved from" in done.stderr
    assert "docs/operate.md, Restore" in done.stderr


# Sealing again


@pytest.fixture
def unsealed(sample: Services, clock: FakeClock) -> tuple[Habeas, Path]:
    """The sample organisation without one seal; its log names custodians."""
    listed = sample_custodians(sample.settings.var / "custodians")
    settings = sample.settings.model_copy(update={"custodians": listed})
    build(settings, clock=clock).close()
    sql(sample.database, "DELETE FROM row_seal")
    named = {**environment(sample), "HABEAS_CUSTODIANS": str(listed)}
    return partial(typed.habeas, settings=named), sample.settings.var / "custodians"


def signed(statement: str, folder: Path, *names: str) -> str:
    for name in names:
        key = read_private_key((folder / f"{name}.key").read_bytes())
        statement = sign_statement(statement.encode(), *key)
    return statement


@pytest.mark.parametrize("sample", ["sqlite"], indirect=True)
def test_all_rows_are_sealed_again_on_the_word_of_two_custodians_and_not_of_one(
    unsealed: tuple[Habeas, Path], tmp_path: Path
) -> None:
    habeas, folder = unsealed
    assert habeas("doctor").returncode == 1
    statement = habeas("doctor", "--rebuild").stdout
    file = tmp_path / "statement"
    for note in (statement, signed(statement, folder, NAMES[0])):
        file.write_text(note, encoding="utf-8")
        done = habeas("doctor", "--rebuild", "--signed", file)
        assert (done.returncode, done.stdout) == (2, "")
        assert "two" in done.stderr, done.stderr
    assert habeas("doctor").returncode == 1

    statement = habeas("doctor", "--rebuild").stdout
    file.write_text(signed(statement, folder, *NAMES[:2]), encoding="utf-8")
    done = habeas("doctor", "--rebuild", "--signed", file)
    assert done.returncode == 0, done.stderr
    assert "rows are sealed again." in done.stdout
    assert habeas("doctor").returncode == 0
    assert habeas("doctor", "--rebuild", "--signed", file).returncode == 2, "it was used"


@pytest.mark.parametrize("sample", ["sqlite"], indirect=True)
def test_nobody_seals_again_where_no_custodians_are_named(habeas: Habeas, tmp_path: Path) -> None:
    done = habeas("doctor", "--rebuild")
    assert (done.returncode, done.stdout) == (2, "")
    assert "HABEAS_CUSTODIANS" in done.stderr
    done = habeas("doctor", "--rebuild", "--signed", tmp_path / "none")
    assert done.returncode == 2
    assert "Name a file that is there" in done.stderr
