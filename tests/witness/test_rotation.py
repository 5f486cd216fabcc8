"""A witness's key is rotated: two keys sign for a while, then the new one alone."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from starlette.testclient import TestClient

from app.audit.tree.checkpoint import BadNote, parse_note
from app.audit.tree.cosignature import parse_answer, parse_witness_vkey
from app.kernel.errors import Conflict, InvalidInput, Unavailable
from app.witness import store
from app.witness.service import LONGEST_OVERLAP, Witness, open_witness
from tests.fakes import FakeClock
from tests.witness.small_log import SmallLog

MONTH = timedelta(days=30)


def signs(witness: Witness, log: SmallLog, vkey: str, old: int, new: int) -> bool:
    """Whether an answer carries a good line of a key."""
    answer = f"{witness.add_checkpoint(log.request(old, new))}\n".encode()
    try:
        parse_answer(parse_note(log.note(new).encode()).text, answer, parse_witness_vkey(vkey))
    except BadNote:
        return False
    return True


def test_both_keys_sign_until_the_overlap_ends_and_then_the_new_one_alone(
    witness: Witness, log: SmallLog, clock: FakeClock
) -> None:
    old = witness.vkey
    assert witness.rotate(MONTH) == clock.now() + MONTH
    new = witness.vkey
    assert witness.vkeys == (old, new)
    assert signs(witness, log, old, 0, 5)
    assert signs(witness, log, new, 5, 5)
    clock.advance(MONTH - timedelta(seconds=1))
    assert signs(witness, log, old, 5, 6)
    clock.advance(1)
    assert witness.vkeys == (new,)
    assert not signs(witness, log, old, 6, 7)
    assert signs(witness, log, new, 7, 7)


def test_without_an_overlap_the_old_key_signs_nothing_more(witness: Witness, log: SmallLog) -> None:
    old = witness.vkey
    witness.rotate(timedelta())
    assert not signs(witness, log, old, 0, 5)


def test_a_process_that_runs_follows_a_rotation_by_another(
    witness: Witness, log: SmallLog, tmp_path: Path, clock: FakeClock
) -> None:
    other = open_witness(tmp_path / "witness", clock=clock)
    other.rotate()
    other.database.engine.dispose()
    assert signs(witness, log, other.vkeys[-1], 0, 3)


def test_what_both_keys_cosigned_is_served(
    witness: Witness, log: SmallLog, http: TestClient
) -> None:
    old = witness.vkey
    witness.rotate()
    witness.add_checkpoint(log.request(0, 4))
    served = http.get(f"/{witness.watched()[0].hash}/checkpoint").text
    lines = served.removeprefix(log.note(4)).encode()
    for vkey in (old, witness.vkey):
        parse_answer(log.text(4), lines, parse_witness_vkey(vkey))
    page = http.get("/").text
    assert page.count("signs, too") == 1
    assert old in page
    assert http.get("/key").text == f"{witness.vkey}\n"


def test_a_second_rotation_waits_for_the_first_unless_the_old_keys_end_at_once(
    witness: Witness, clock: FakeClock
) -> None:
    witness.rotate(MONTH)
    before = witness.vkeys
    with pytest.raises(Conflict, match="two keys sign until"):
        witness.rotate(MONTH)
    assert witness.vkeys == before
    witness.rotate(timedelta())
    assert len(witness.vkeys) == 1
    assert witness.vkey not in before
    clock.advance(MONTH)
    assert len(witness.vkeys) == 1


def test_a_first_key_that_is_lost_while_it_runs_is_never_made_anew(
    witness: Witness, log: SmallLog, tmp_path: Path
) -> None:
    file = tmp_path / "witness" / "keys" / "witness.key"
    file.unlink()
    for _ in range(2):
        with pytest.raises(Unavailable) as refused:
            witness.add_checkpoint(log.request(0, 5))
        assert refused.value.kind == "key-lost"
        with pytest.raises(Unavailable):
            witness.rotate()
    assert not file.exists()


@pytest.mark.parametrize("overlap", [timedelta(seconds=-1), LONGEST_OVERLAP + MONTH, timedelta.max])
def test_an_overlap_without_measure_is_refused(witness: Witness, overlap: timedelta) -> None:
    with pytest.raises(InvalidInput, match="overlap"):
        witness.rotate(overlap)
    assert len(witness.vkeys) == 1


def test_without_the_newest_key_it_signs_nothing_and_does_not_start(
    witness: Witness, log: SmallLog, tmp_path: Path
) -> None:
    witness.rotate()
    file = tmp_path / "witness" / "keys" / "witness.2.key"
    file.unlink()
    with pytest.raises(Unavailable) as refused:
        witness.add_checkpoint(log.request(0, 5))
    assert refused.value.kind == "key-lost"
    assert witness.watched()[0].last is None
    with pytest.raises(Unavailable, match="missing"):
        open_witness(tmp_path / "witness")
    assert not file.exists()


def test_a_rotation_that_was_cut_off_is_taken_up_again(
    witness: Witness, log: SmallLog, tmp_path: Path
) -> None:
    """The file is there, the line is not: nothing is signed by it until the line is."""
    made = witness.keys.next("witness")
    assert len(witness.vkeys) == 1
    witness.rotate()
    assert witness.vkey == witness._vkey(made)
    assert not (tmp_path / "witness" / "keys" / "witness.3.key").exists()
    assert signs(witness, log, witness.vkey, 0, 2)


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM witness_rotated", "UPDATE witness_rotated SET overlap_until = '2999-01-01'"],
)
def test_a_rotation_is_not_taken_back(witness: Witness, statement: str) -> None:
    witness.rotate()
    with pytest.raises(DBAPIError, match="does not take back"), witness.database.write() as tx:
        tx.execute(text(statement))
    with witness.database.read() as tx:
        assert len(store.rotated(tx)) == 1
