"""Seals of rows: they fit the row that was written, and nothing that somebody made of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import (
    Boolean,
    Column,
    LargeBinary,
    MetaData,
    Table,
    Text,
    insert,
    literal,
    select,
    update,
)

from app.audit.entries import store
from app.audit.entries.subjects import SealedNames
from app.db import seals
from app.db.engine import Database, Tx
from app.db.metadata import RowNumber, UtcTime
from app.db.ring import Dispute, Flaw, Position, SealKey, SealRing, row_seal
from app.db.seals import SealedTable
from tests.sealing import VAULT, give_seals
from tests.tamper import tampering

_SCRATCH = MetaData()


def _table(name: str, *more: Column[Any]) -> Table:
    return Table(
        name,
        _SCRATCH,
        Column("id", Text, primary_key=True),
        Column("who", Text),
        Column("said", Text),
        Column("number", RowNumber),
        Column("at", UtcTime),
        Column("data", LargeBinary),
        Column("is_so", Boolean),
        Column("aside", Text),
        *more,
    )


NEXT = SealedTable(
    _table("scratch_next"), ("id",), people=("who",), left_out=("aside",), programs=frozenset("s")
)
OTHER = SealedTable(_table("scratch_other"), ("id",), people=("who",), left_out=("aside",))
IN_ROW = SealedTable(
    _table("scratch_in_row", Column("seal", LargeBinary)),
    ("id",),
    people=("who",),
    left_out=("aside",),
    in_row=True,
)
KINDS = {"next to it": NEXT, "in the row": IN_ROW}

AT = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
ROW = {
    "id": "a",
    "who": "E-1",
    "said": "yes",
    "number": 7,
    "at": AT,
    "data": b"\x01",
    "is_so": True,
    "aside": "a note",
}
SECOND = {**ROW, "id": "b", "said": "no"}
CHANGES: dict[str, object] = {
    "id": "c",
    "who": "E-2",
    "said": "Yes",
    "number": 6,
    "at": AT + timedelta(microseconds=1),
    "data": b"\x00",
    "is_so": False,
}


@pytest.fixture
def sealing(database: Database) -> Database:
    _SCRATCH.create_all(database.engine)
    return give_seals(database)


@pytest.fixture(params=KINDS.values(), ids=KINDS.keys())
def sealed(request: pytest.FixtureRequest, sealing: Database) -> SealedTable:
    """A table with two sealed rows, of each kind."""
    table: SealedTable = request.param
    with sealing.write() as tx:
        seals.insert(tx, table, [ROW, SECOND])
    return table


def rows(tx: Tx, sealed: SealedTable) -> list[Any]:
    return list(tx.execute(select(sealed.table).order_by(sealed.table.c.id)))


def bad(database: Database, sealed: SealedTable) -> str | None:
    """The first row that does not fit, for a process that remembers nothing yet."""
    fresh = give_seals(Database(database.engine))
    with fresh.read() as tx:
        return seals.first_bad(tx, sealed, rows(tx, sealed))


def change(database: Database, sealed: SealedTable, **values: object) -> None:
    with tampering(database) as connection:
        where = sealed.table.c.id == "a"
        assert connection.execute(update(sealed.table).where(where).values(**values)).rowcount == 1


def test_rows_as_they_were_written_fit(sealing: Database, sealed: SealedTable) -> None:
    assert bad(sealing, sealed) is None
    with sealing.read() as tx:
        assert seals.stands(tx, "a:chain", sealed, rows(tx, sealed), 2)
        assert tx.disputes == {}
        assert seals.fitting(tx, sealed, rows(tx, sealed)) == rows(tx, sealed)


@pytest.mark.parametrize("column", CHANGES)
def test_a_changed_value_of_a_column_does_not_fit(
    column: str, sealing: Database, sealed: SealedTable
) -> None:
    assert CHANGES.keys() == set(sealed.covered)
    change(sealing, sealed, **{column: CHANGES[column]})
    assert bad(sealing, sealed) in {"a", "c"}
    with sealing.read() as tx:
        assert not seals.stands(tx, "a:chain", sealed, rows(tx, sealed))
        assert tx.disputes["a:chain"].why is Flaw.UNSEALED
        assert [row.id for row in seals.fitting(tx, sealed, rows(tx, sealed))] == ["b"]


@pytest.mark.parametrize("column", sorted(CHANGES.keys() - {"id"}))
def test_a_value_that_was_taken_away_does_not_fit(
    column: str, sealing: Database, sealed: SealedTable
) -> None:
    change(sealing, sealed, **{column: None})
    assert bad(sealing, sealed) == "a"


def test_a_column_that_is_left_out_may_say_anything(sealing: Database, sealed: SealedTable) -> None:
    change(sealing, sealed, aside=None)
    assert bad(sealing, sealed) is None


def test_the_seal_of_another_row_does_not_fit(sealing: Database, sealed: SealedTable) -> None:
    with tampering(sealing) as connection:
        if sealed.in_row:
            of_b = select(sealed.table.c.seal).where(sealed.table.c.id == "b").scalar_subquery()
            connection.execute(update(sealed.table).values(seal=of_b))
        else:
            of_b = select(row_seal.c.seal).where(row_seal.c.row_key == "b").scalar_subquery()
            connection.execute(update(row_seal).values(seal=of_b))
    assert bad(sealing, sealed) == "a"


def test_the_seal_of_a_row_with_the_same_words_in_another_table_does_not_fit(
    sealing: Database,
) -> None:
    with sealing.write() as tx:
        seals.insert(tx, NEXT, [ROW])
        tx.execute(insert(OTHER.table), ROW)
    with tampering(sealing) as connection:
        of = row_seal.c
        copied = select(literal(OTHER.table.name), of.row_key, of.key_id, of.seal)
        copied = copied.where(of.table_name == NEXT.table.name)
        columns = ["table_name", "row_key", "key_id", "seal"]
        connection.execute(insert(row_seal).from_select(columns, copied))
    assert bad(sealing, NEXT) is None
    assert bad(sealing, OTHER) == "a"


@pytest.mark.parametrize("key", [SealKey.of(VAULT.key, 2), SealKey.of(b"x" * 32)])
def test_a_seal_of_another_generation_or_key_does_not_fit(
    key: SealKey, sealing: Database, sealed: SealedTable
) -> None:
    later = Database(sealing.engine)
    later.seals.take(key)
    later.seals.names = SealedNames(VAULT)
    with later.read() as tx:
        assert seals.first_bad(tx, sealed, rows(tx, sealed)) == "a"


def test_without_a_key_nothing_is_sealed_and_nothing_stands(
    sealing: Database, sealed: SealedTable
) -> None:
    without = Database(sealing.engine)
    third = {**ROW, "id": "c", "who": None}
    with without.write() as tx:
        seals.insert(tx, sealed, [third])
        assert tx.sealing == {}
        assert seals.first_bad(tx, sealed, rows(tx, sealed)) == "a"
    assert bad(sealing, sealed) == "c"


def test_a_row_that_is_read_without_one_of_its_columns_does_not_fit(
    sealing: Database, sealed: SealedTable
) -> None:
    with sealing.read() as tx:
        whole = [row._asdict() for row in rows(tx, sealed)]
        assert seals.first_bad(tx, sealed, whole) is None
        for column in set(sealed.covered) - {"id"}:
            without = [{name: row[name] for name in row if name != column} for row in whole]
            assert seals.first_bad(tx, sealed, without) == "a"


# People


def test_somebody_whose_pseudonym_has_no_good_seal_lets_no_row_stand(
    sealing: Database, sealed: SealedTable
) -> None:
    with tampering(sealing) as connection:
        connection.execute(update(store.subject).values(wrapped_key=b"other"))
    assert bad(sealing, sealed) == "a"


def test_two_people_whose_pseudonyms_were_swapped_let_no_row_stand(
    sealing: Database, sealed: SealedTable
) -> None:
    with sealing.write() as tx:
        seals.insert(tx, sealed, [{**ROW, "id": "c", "who": "E-2"}])
    with tampering(sealing) as connection:
        for one, two in (("E-1", "~"), ("E-2", "E-1"), ("~", "E-2")):
            where = store.subject.c.person_id == one
            connection.execute(update(store.subject).where(where).values(person_id=two))
    assert bad(sealing, sealed) == "a"


def test_a_pseudonym_counts_as_a_person_only_once_they_are_erased(
    sealing: Database, sealed: SealedTable
) -> None:
    with sealing.read() as tx:
        name = store.pseudonyms(tx, ("E-1",))["E-1"]
    change(sealing, sealed, who=name)
    assert bad(sealing, sealed) == "a"


def test_a_program_counts_as_itself(sealing: Database) -> None:
    with sealing.write() as tx:
        seals.insert(tx, NEXT, [{**ROW, "who": "s"}])
    assert bad(sealing, NEXT) is None
    change(sealing, NEXT, who="E-1")
    assert bad(sealing, NEXT) == "a"


# A table that grows wider


def test_a_column_that_is_added_later_breaks_no_seal_and_is_sealed_from_then_on(
    sealing: Database, sealed: SealedTable
) -> None:
    wider = MetaData()
    table = sealed.table.to_metadata(wider)
    table.append_column(Column("later", Text))
    after = SealedTable(table, ("id",), people=("who",), left_out=("aside",), in_row=sealed.in_row)
    with sealing.engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN later TEXT")
    assert bad(sealing, after) is None
    with sealing.write() as tx:
        seals.insert(tx, after, [{**ROW, "id": "c", "later": "said"}])
    assert bad(sealing, after) is None
    change(sealing, after, later="said")
    assert bad(sealing, after) == "a"


def test_a_row_that_is_named_otherwise_than_before_keeps_its_seal(sealing: Database) -> None:
    older = SealedTable(NEXT.table, ("said",), people=("who",), older_key=("id",))
    with sealing.write() as tx:
        seals.insert(tx, older, [{**ROW, "said": None}, SECOND])
    with sealing.read() as tx:
        assert [older.key_of(row) for row in rows(tx, older)] == ["a", "no"]
    assert bad(sealing, older) is None


# Chains


def test_a_chain_is_behind_what_the_log_knew_before_the_transaction_began(
    sealing: Database, sealed: SealedTable
) -> None:
    ring = sealing.seals
    ring.positions["a:chain"] = Position(rows=3, idx=10)
    ring.size = 10
    with sealing.read() as tx:  # entry 10 may have been committed after it began
        assert seals.stands(tx, "a:chain", sealed, rows(tx, sealed), 2)
    ring.size = 11
    with sealing.read() as tx:
        assert not seals.stands(tx, "a:chain", sealed, rows(tx, sealed), 2, "E-1")
        assert tx.disputes["a:chain"] == Dispute(
            "a:chain", Flaw.BEHIND, sealed.table.name, None, "E-1"
        )
    assert [one.chain for one in ring.take_found()] == ["a:chain"]
    with sealing.read() as tx:
        assert seals.stands(tx, "a:chain", sealed, rows(tx, sealed), 3)
        assert seals.stands(tx, "a:chain", sealed, rows(tx, sealed))
        assert seals.stands(tx, "another", sealed, rows(tx, sealed), 0)


def test_nothing_stands_in_a_log_that_cannot_be_believed(
    sealing: Database, sealed: SealedTable
) -> None:
    sealing.seals.broken = "for this test"
    with sealing.read() as tx:
        assert not seals.stands(tx, "a:chain", sealed, rows(tx, sealed))
        assert tx.disputes == {}, "it is told once, of the log"


def test_nothing_stands_under_an_alarm_until_it_is_cleared(
    sealing: Database, sealed: SealedTable
) -> None:
    sealing.seals.set_alarms({"a:chain": "an-event"})
    with sealing.read() as tx:
        assert not seals.stands(tx, "a:chain", sealed, rows(tx, sealed))
        assert seals.stands(tx, "b:chain", sealed, rows(tx, sealed))
        assert tx.disputes == {}
    sealing.seals.set_alarms({}, cleared=["a:chain"])
    with sealing.read() as tx:
        assert seals.stands(tx, "a:chain", sealed, rows(tx, sealed))


def test_what_was_disputed_in_a_transaction_stays_so_in_it(
    sealing: Database, sealed: SealedTable
) -> None:
    with sealing.read() as tx:
        seals.note(tx, Dispute("a:chain", Flaw.DIFFERS))
        assert not seals.stands(tx, "a:chain", sealed, rows(tx, sealed))


def test_a_row_that_was_sealed_and_is_gone_is_known(sealing: Database) -> None:
    with sealing.write() as tx:
        seals.insert(tx, NEXT, [ROW])
    with tampering(sealing) as connection:
        connection.execute(NEXT.table.delete())
    with give_seals(Database(sealing.engine)).read() as tx:
        assert seals.orphaned(tx, NEXT, "a")
        assert not seals.orphaned(tx, NEXT, "b")


def test_a_seal_is_kept_with_its_row_or_not_at_all(sealing: Database) -> None:
    with pytest.raises(RuntimeError), sealing.write() as tx:
        seals.insert(tx, NEXT, [ROW])
        raise RuntimeError
    with sealing.write() as tx:
        tx.execute(insert(NEXT.table), ROW)
    assert bad(sealing, NEXT) == "a"


# Laws


def ring() -> SealRing:
    keyed = SealRing()
    keyed.take(SealKey.of(bytes(32)))
    return keyed


INSTANTS = st.datetimes(timezones=st.just(UTC))
CELLS = st.none() | st.booleans() | st.integers() | st.text() | st.binary() | INSTANTS
CONTENTS = st.dictionaries(st.sampled_from("abcd"), CELLS)


def told(content: dict[str, Any]) -> dict[str, tuple[type, object]]:
    """What a seal is over; True is not 1. An instant counts as its text, as columns have types."""
    return {
        name: (str, cell.isoformat()) if isinstance(cell, datetime) else (type(cell), cell)
        for name, cell in content.items()
        if cell is not None
    }


@given(CONTENTS, CONTENTS)
def test_two_contents_have_one_seal_only_if_they_say_the_same(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    same = told(one) == told(other)
    assert (ring().mac("t", "k", one) == ring().mac("t", "k", other)) is same


@given(st.binary())
def test_bytes_have_the_seal_of_no_text(data: bytes) -> None:
    """SQLite keeps a text in a column of bytes."""
    mac = ring().mac("t", "k", {"a": data})
    for text in (f"bytes:{data.hex()}", data.hex(), repr(data), str({"bytes": data.hex()})):
        assert ring().mac("t", "k", {"a": text}) != mac


NAMES = st.text(max_size=3)


@given(NAMES, NAMES, NAMES, NAMES)
def test_table_and_key_cannot_be_cut_otherwise(a: str, b: str, c: str, d: str) -> None:
    assert (ring().mac(a, b, {}) == ring().mac(c, d, {})) is ((a, b) == (c, d))


@given(CONTENTS)
def test_the_order_of_columns_does_not_matter(content: dict[str, Any]) -> None:
    backwards = dict(reversed(content.items()))
    assert ring().mac("t", "k", content) == ring().mac("t", "k", backwards)


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
def test_more_rows_and_less_knowledge_never_put_a_chain_behind(
    rows_known: int, idx: int, count: int, folded: int
) -> None:
    held = SealRing()
    assert not held.behind("a", count, folded)
    held.positions["a"] = Position(rows_known, idx)
    if not held.behind("a", count, folded):
        assert not held.behind("a", count + 1, folded)
        assert not held.behind("a", count, folded - 1)
    assert held.behind("a", count, folded) is (count < rows_known and idx < folded)


# Rows that are written again -------------------------------------------------------------------


@pytest.mark.parametrize("more", [{}, {"said": "something else"}], ids=["the same", "another"])
def test_a_row_that_is_written_again_after_it_was_deleted_stands_only_if_it_says_the_same(
    more: dict[str, object], sealing: Database
) -> None:
    with sealing.write() as tx:
        seals.insert(tx, NEXT, [ROW, SECOND])
    with tampering(sealing) as connection:
        connection.execute(NEXT.table.delete().where(NEXT.table.c.id == "a"))
    with sealing.write() as tx:
        seals.insert(tx, NEXT, [{**ROW, **more}, {**ROW, "id": "c"}])
    assert bad(sealing, NEXT) == ("a" if more else None)
    with sealing.read() as tx:  # by a process that remembers
        assert [row.id for row in seals.fitting(tx, NEXT, rows(tx, NEXT))] == (
            ["b", "c"] if more else ["a", "b", "c"]
        )


def test_a_seal_that_somebody_put_there_before_the_row_keeps_the_row_from_standing(
    sealing: Database,
) -> None:
    assert sealing.seals.key is not None
    name = {"table_name": NEXT.table.name, "row_key": "a", "key_id": sealing.seals.key.id}
    with tampering(sealing) as connection:
        connection.execute(insert(row_seal).values(**name, seal=b"x" * 32))
    with sealing.write() as tx:
        seals.insert(tx, NEXT, [ROW])
    assert bad(sealing, NEXT) == "a"


def test_as_many_rows_as_there_are_may_have_been_sealed_before(sealing: Database) -> None:
    many = [{**ROW, "id": f"{number:04d}"} for number in range(1_001)]
    with sealing.write() as tx:
        seals.insert(tx, NEXT, many)
    with tampering(sealing) as connection:
        connection.execute(NEXT.table.delete())
    with sealing.write() as tx:
        seals.insert(tx, NEXT, [{**row, "said": "another"} for row in many])
    with sealing.read() as tx:
        assert seals.fitting(tx, NEXT, rows(tx, NEXT)) == []
