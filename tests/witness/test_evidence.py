"""A log that signs two trees of one size leaves evidence; evidence and trust stay for ever."""

import re
import sqlite3
import threading
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.audit.tree.checkpoint import open_checkpoint, parse_vkey
from app.witness import store
from app.witness.rules import NotCosigned, RefusalReason
from app.witness.service import DATABASE, Witness, open_witness
from tests.fakes import FakeClock
from tests.witness.conftest import NAME
from tests.witness.small_log import SmallLog


def why(witness: Witness, body: bytes) -> RefusalReason:
    with pytest.raises(NotCosigned) as refused:
        witness.add_checkpoint(body)
    return refused.value.why


def test_two_trees_of_one_size_are_refused_and_both_notes_kept(
    witness: Witness, log: SmallLog
) -> None:
    forged = SmallLog("another past")
    witness.add_checkpoint(log.request(0, 7))
    assert why(witness, forged.request(7, 7)) is RefusalReason.FORKED
    assert why(witness, forged.request(7, 7)) is RefusalReason.FORKED
    (one,) = witness.evidence()
    key = parse_vkey(log.vkey)
    first, second = (open_checkpoint(n, key) for n in (one.cosigned_note, one.other_note))
    assert first.size == second.size == 7
    assert first.root != second.root
    assert witness.add_checkpoint(log.request(7, 8))


def test_the_contradiction_is_kept_also_when_the_old_size_is_wrong(
    witness: Witness, log: SmallLog
) -> None:
    witness.add_checkpoint(log.request(0, 7))
    assert why(witness, SmallLog("another past").request(0, 7)) is RefusalReason.STALE
    assert len(witness.evidence()) == 1


def test_nobody_but_the_log_can_make_evidence_against_it(witness: Witness, log: SmallLog) -> None:
    witness.add_checkpoint(log.request(0, 7))
    assert why(witness, SmallLog("past", seed=b"x" * 32).request(7, 7)) is RefusalReason.NOT_SIGNED
    assert witness.evidence() == ()


def test_so_much_evidence_is_enough(
    witness: Witness, log: SmallLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "MOST_EVIDENCE", 3)
    witness.add_checkpoint(log.request(0, 7))
    for number in range(5):
        why(witness, SmallLog(f"past {number}").request(7, 7))
    assert len(witness.evidence()) == 3


def test_the_page_shows_logs_sizes_times_and_both_notes(
    http: TestClient, witness: Witness, log: SmallLog
) -> None:
    empty = http.get("/")
    assert "Nothing yet" in empty.text
    assert "None: no log" in empty.text
    witness.add_checkpoint(log.request(0, 7))
    why(witness, SmallLog("another past").request(7, 7))
    page = http.get("/").text
    assert "signed two different trees" in page
    assert page.count(f"{log.origin}\n7\n") == 2
    assert "2026-11-16 09:00:00 UTC" in page
    assert witness.vkey.replace("+", "&#43;") in page or witness.vkey in page
    assert log.root(7).hex() in page


def test_what_a_log_is_called_cannot_write_into_the_page(
    http: TestClient, witness: Witness
) -> None:
    log = SmallLog(origin="<script>alert(1)</script>")
    witness.trust(log.vkey, "<b>x</b>")
    witness.add_checkpoint(log.request(0, 7))
    answer = http.get("/")
    assert "<script" not in answer.text
    assert "<b>" not in answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert re.search(r"style-src 'sha256-[^']+'", policy)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE witness_cosigned SET size = size - 1",
        "UPDATE witness_cosigned SET root = x'00'",
        "UPDATE witness_cosigned SET origin = 'another'",
        "DELETE FROM witness_cosigned",
        "DELETE FROM witness_trusted",
        "UPDATE witness_trusted SET origin = 'another'",
        "DELETE FROM witness_evidence",
        "UPDATE witness_evidence SET size = 9",
    ],
)
def test_the_database_takes_nothing_back(
    witness: Witness, log: SmallLog, tmp_path: Path, statement: str
) -> None:
    witness.add_checkpoint(log.request(0, 7))
    why(witness, SmallLog("another past").request(7, 7))
    connection = sqlite3.connect(tmp_path / "witness" / DATABASE)
    with pytest.raises(sqlite3.IntegrityError, match="does not take back"):
        connection.execute(statement)
    connection.close()


def test_of_requests_at_once_none_rolls_another_back(witness: Witness, log: SmallLog) -> None:
    """The race of the specification: what is cosigned only ever grows, in the order of keeping."""
    witness.add_checkpoint(log.request(0, 1))
    signed: list[int] = []
    refusals: set[RefusalReason] = set()
    start = threading.Barrier(8)

    def show(offset: int) -> None:
        start.wait()
        for size in range(2 + offset, 70, 3):
            last = witness.watched()[0].last
            assert last is not None
            old = last.checkpoint.size
            if old > size:
                continue
            try:
                witness.add_checkpoint(log.request(old, size))
            except NotCosigned as refused:
                refusals.add(refused.why)
            else:
                signed.append(size)

    threads = [threading.Thread(target=show, args=(number % 3,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    last = witness.watched()[0].last
    assert last is not None
    assert last.checkpoint.size == max(signed)
    assert refusals <= {RefusalReason.STALE}
    assert witness.evidence() == ()


def test_of_two_trees_at_once_only_one_is_cosigned(witness: Witness, log: SmallLog) -> None:
    forged = SmallLog("another past")
    outcomes: list[object] = []
    start = threading.Barrier(2)

    def show(one: SmallLog) -> None:
        start.wait()
        try:
            outcomes.append(witness.add_checkpoint(one.request(0, 7)))
        except NotCosigned as refused:
            outcomes.append(refused.why)

    threads = [threading.Thread(target=show, args=(one,)) for one in (log, forged)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one for one in outcomes if isinstance(one, RefusalReason)] == [RefusalReason.STALE]
    assert len(witness.evidence()) == 1


def test_two_processes_on_one_folder_are_one_witness(
    witness: Witness, log: SmallLog, tmp_path: Path, clock: FakeClock
) -> None:
    second = open_witness(tmp_path / "witness", NAME, clock)
    witness.add_checkpoint(log.request(0, 7))
    assert second.vkey == witness.vkey
    assert why(second, log.request(0, 8)) is RefusalReason.STALE
    assert second.add_checkpoint(log.request(7, 8))
    assert why(witness, log.request(7, 9)) is RefusalReason.STALE
    second.database.engine.dispose()
