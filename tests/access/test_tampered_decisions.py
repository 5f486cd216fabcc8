"""Whoever writes decisions with SQL lets nothing be captured and nothing be read. Attacks.

Each is tried on a service that runs, with all it remembers, and on one that starts afterwards: it
narrows, the alarm names the chain, and the person can say stop and no. On both databases.
"""

from datetime import timedelta

import pytest

from app.consent.model import Act, State
from app.consent.store import DECISIONS, SHOWINGS
from app.directory.model import Person
from app.kernel.errors import Conflict, HabeasError, Unavailable
from app.kernel.vocabulary import Reason
from tests.access.laptop import Laptop
from tests.access.office import ALICE, BOB, codes
from tests.access.raided import Raided

pytestmark = pytest.mark.slow

NEW = f"{'0' * 8}-0000-4000-8000-{'0' * 12}"
OF_ALICE = f"person_id = '{ALICE.id}'"


def copied(of: str, *, seq: int, seal: bool = False) -> tuple[str, ...]:
    """A decision that copies a true one, as the newest of Alice; on request with its seal."""
    changed = {"id": f"'{NEW}'", "event_id": f"'{NEW}'", "seq": str(seq)}
    changed["person_id"] = f"'{ALICE.id}'"
    columns = [column.name for column in DECISIONS.table.c]
    values = ", ".join(changed.get(name, name) for name in columns)
    row = (
        f"INSERT INTO consent_decision ({', '.join(columns)}) SELECT {values} "
        f"FROM consent_decision WHERE person_id = '{of}' AND seq = 1"
    )
    side = (
        "INSERT INTO row_seal (table_name, row_key, key_id, seal) "
        f"SELECT table_name, '{NEW}', key_id, seal FROM row_seal WHERE row_key = "
        f"(SELECT event_id FROM consent_decision WHERE person_id = '{of}' AND seq = 1)"
    )
    return (row, side) if seal else (row,)


def changed(seq: int, what: str) -> str:
    return f"UPDATE consent_decision SET {what} WHERE {OF_ALICE} AND seq = {seq}"


def deleted(seq: int) -> tuple[str, ...]:
    """A decision and its seal are gone."""
    found = f"FROM consent_decision WHERE {OF_ALICE} AND seq = {seq}"
    return (
        f"DELETE FROM row_seal WHERE row_key = (SELECT event_id {found})",
        f"DELETE {found}",
    )


WITHDREW = (Act.WITHDRAWN,)
PAUSED = (Act.PAUSED,)
WENT_ON = (Act.PAUSED, Act.RESUMED)

ATTACKS: dict[str, tuple[tuple[Act, ...], tuple[str, ...]]] = {
    "agreeing again is inserted": (WITHDREW, copied(ALICE.id, seq=3)),
    "it is inserted with the seal of another row": (WITHDREW, copied(ALICE.id, seq=3, seal=True)),
    "it is inserted far ahead": (WITHDREW, copied(ALICE.id, seq=90)),
    "somebody else's agreeing is copied": (WITHDREW, copied(BOB.id, seq=3, seal=True)),
    "somebody else's agreeing is taken": (
        WITHDREW,
        (f"UPDATE consent_decision SET {OF_ALICE}, seq = 3 WHERE person_id = '{BOB.id}'",),
    ),
    "the withdrawal is deleted": (WITHDREW, deleted(2)),
    "the withdrawal is a resume": (WITHDREW, (changed(2, "act = 'resumed'"),)),
    "the withdrawal is no act": (WITHDREW, (changed(2, "act = 'granted'"),)),
    "the withdrawal is in another region": (WITHDREW, (changed(2, "region = 'DE'"),)),
    "agreeing and withdrawal are exchanged": (
        WITHDREW,
        (changed(2, "seq = 9"), changed(1, "seq = 2"), changed(9, "seq = 1")),
    ),
    "all is deleted but a new agreeing": (
        WITHDREW,
        (*copied(ALICE.id, seq=3), *deleted(2), *deleted(1)),
    ),
    "the pause is deleted": (PAUSED, deleted(2)),
    "the pause is shorter": (PAUSED, (changed(2, "until = decided_at"),)),
    "a pause between others is deleted": (WENT_ON, deleted(2)),
    "the end is later": ((), (changed(1, "valid_until = NULL"),)),
    "another offer is named": ((), (changed(1, f"offer_digest = 'sha256:{'0' * 64}'"),)),
    "more is agreed to": ((), (changed(1, 'signals = \'["click","screenshot"]\''),)),
    "another residence": ((), (changed(1, "residence = residence + 1"),)),
    "signals cannot be read": ((), (changed(1, "signals = '{'"),)),
    "purposes are a number": ((), (changed(1, "purposes = '5'"),)),
    "apps are nothing": ((), (changed(1, "apps = 'null'"),)),
    "what was said is cut off": ((), (changed(1, "content = '['"),)),
    "the receipt is another": ((), (changed(1, "token = ''"),)),
}


def decided(raided: Raided, acts: tuple[Act, ...]) -> None:
    """Alice agrees, three hours pass, and she decides some more."""
    raided.office.captured(ALICE, BOB)
    for act in acts:
        until = raided.office.now + timedelta(days=1) if act is Act.PAUSED else None
        raided.office.decide(ALICE, act, until)


def chain(raided: Raided) -> str:
    services = raided.office.services
    with services.database.read() as tx:
        return f"consent:{services.log.pseudonyms(tx, [ALICE.id])[ALICE.id]}"


def reasons(raided: Raided) -> tuple[Reason, ...]:
    services = raided.office.services
    with services.database.read() as tx:
        person = services.directory.person(tx, ALICE.id)
        return services.capture.situation(tx, person, raided.office.now).directive.reasons


def state(raided: Raided) -> State:
    services = raided.office.services
    with services.database.read() as tx:
        person = services.directory.person(tx, ALICE.id)
        return services.consent.standing(tx, person, raided.office.now).state


def receipts(raided: Raided) -> int:
    with raided.office.services.database.read() as tx:
        return len(raided.office.services.consent.receipts(tx, ALICE.id))


@pytest.mark.every_pair("attack", "raided", "database_url")
@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_that_was_written_with_sql_lets_anything_be_captured_or_read(
    attack: str, raided: Raided
) -> None:
    acts, statements = ATTACKS[attack]
    decided(raided, acts)
    of, laptop = chain(raided), Laptop.paired(raided.office, ALICE)
    raided.attack(*statements)
    assert Reason.RECORD_DISPUTED in reasons(raided)
    lease = laptop.lease(raided.office.services)
    assert lease["capture"] == "off"
    assert "record_disputed" in lease["reasons"]
    answer = raided.office.ask(ALICE)
    assert not answer.decision
    assert "record_disputed" in codes(answer)
    assert raided.alarms >= {of}
    with pytest.raises(Conflict, match="does not agree with the log") as refused:
        raided.office.decide(ALICE, Act.RESUMED)
    assert "data protection officer" in refused.value.cure
    with pytest.raises(Conflict, match="does not agree with the log"):
        raided.office.opt_in(ALICE)
    for act in (Act.WITHDRAWN, Act.REFUSED):
        before = len(raided.office.entries(kind=f"consent.{act.value}"))
        raided.office.decide(ALICE, act)
        assert len(raided.office.entries(kind=f"consent.{act.value}")) == before + 1
        assert state(raided) == act.value
    assert receipts(raided) >= 2, "what was decided after it has its receipts"


def test_a_pause_can_be_said_while_the_record_is_in_doubt(raided: Raided) -> None:
    decided(raided, ())
    raided.attack(changed(1, "region = 'DE'"))
    raided.office.decide(ALICE, Act.PAUSED, raided.office.now + timedelta(hours=1))
    (entry,) = raided.office.entries(kind="consent.paused")
    assert entry.leaf["facts"]["seq"] == 2
    assert Reason.RECORD_DISPUTED in reasons(raided)


def test_a_row_that_is_put_back_opens_nothing_while_the_alarm_is_open(raided: Raided) -> None:
    decided(raided, ())
    raided.attack(changed(1, "region = 'DE'"))
    assert not raided.office.ask(ALICE).decision
    assert raided.alarms == {chain(raided)}
    raided.attack(changed(1, "region = 'US-CA'"))
    assert Reason.RECORD_DISPUTED in reasons(raided)
    assert not raided.office.ask(ALICE).decision
    assert raided.office.ask(BOB).decision, "the others are as they were"


@pytest.mark.every_pair("column", "raided", "database_url")
@pytest.mark.parametrize("column", ["notice_digest", "offer_digest", "shown_at"])
def test_what_was_shown_is_no_ground_once_its_row_was_changed(column: str, raided: Raided) -> None:
    """Nothing rests on a showing that is not what was shown: all else is as it is for Bob."""
    decided(raided, ())
    other = {
        "notice_digest": "(SELECT min(digest) FROM notice_text WHERE digest <> notice_digest)",
        "offer_digest": f"'sha256:{'0' * 64}'",
        "shown_at": "'2026-01-01 00:00:00.000000'",
    }
    assert allowed(raided, ALICE)
    assert allowed(raided, BOB)
    raided.attack(
        f"UPDATE {SHOWINGS.table.name} SET {column} = {other[column]} WHERE {OF_ALICE}",
    )
    assert not allowed(raided, ALICE)
    assert allowed(raided, BOB), "what was shown to Bob is as it was"
    raided.office.decide(ALICE, Act.WITHDRAWN)
    assert state(raided) is State.WITHDRAWN


def allowed(raided: Raided, whom: Person) -> bool:
    """Whether data of somebody may be read; where nobody can say, it may not."""
    try:
        return raided.office.ask(whom).decision
    except HabeasError:
        return False


@pytest.mark.every_pair("cell", "seq", "raided")
@pytest.mark.parametrize("seq", ["seq = 2", "seq = 1"])
@pytest.mark.parametrize(
    "cell",
    [
        "seq = 'x'",
        "residence = 'x'",
        "until = 'x'",
        "valid_until = 'x'",
        "decided_at = 'x'",
        "recorded_at = 7",
        "notice_version = 'x'",
        "act = 5",
        "signals = x'00ff'",
        "content = 5",
        "token = x'00ff'",
        "token = 'x.e30'",
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_cell_of_another_type_is_in_doubt_and_breaks_nothing(
    cell: str, seq: str, raided: Raided
) -> None:
    """SQLite keeps values of any type in a column; PostgreSQL takes none."""
    decided(raided, PAUSED)
    raided.attack(f"UPDATE consent_decision SET {cell} WHERE {OF_ALICE} AND {seq}")
    assert Reason.RECORD_DISPUTED in reasons(raided)
    assert not raided.office.ask(ALICE).decision
    receipts(raided)
    raided.office.decide(ALICE, Act.WITHDRAWN)
    assert state(raided) is State.WITHDRAWN


TEXTS = {
    "the offer": "UPDATE consent_offer SET offer = offer || ' '",
    "the offer is taken away": "DELETE FROM consent_offer",
    "the notice": "UPDATE notice_text SET source = (SELECT seal FROM row_seal LIMIT 1)",
}


@pytest.mark.every_pair("text", "raided", "database_url")
@pytest.mark.parametrize("text", TEXTS)
def test_nobody_agrees_on_a_text_that_is_not_what_its_name_says(text: str, raided: Raided) -> None:
    services, now = raided.office.services, raided.office.now
    with services.database.write() as tx:
        situation = services.capture.situation(tx, ALICE, now)
        shown = services.notices.show(tx, ALICE, situation.offer, "en", now)
    raided.attack(TEXTS[text])
    services = raided.office.services
    with (
        pytest.raises(Unavailable, match="not what its name says"),
        services.database.write() as tx,
    ):
        services.consent.decide(tx, ALICE, Act.GIVEN, now, shown_id=shown.id)
    raided.office.decide(ALICE, Act.REFUSED)
    assert state(raided) is State.REFUSED
