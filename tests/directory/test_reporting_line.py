"""Who reports to whom: walks upward end, and circles are found."""

from hypothesis import given
from hypothesis import strategies as st

from app.audit.entries.service import AuditService
from app.db.engine import Database
from app.directory import store
from app.directory.model import Line, chain, in_cycles
from app.directory.service import DirectoryService
from tests.fakes import FakeClock
from tests.make import person

graphs = st.dictionaries(
    st.sampled_from("abcdefgh"), st.one_of(st.none(), st.sampled_from("abcdefgh"))
)


def reaches_itself(start: str, managers: dict[str, str | None]) -> bool:
    """The slow definition: after as many steps as there are people, have we met the start?"""
    at: str | None = start
    for _ in managers:
        at = managers.get(at) if at is not None else None
        if at == start:
            return True
    return False


@given(graphs)
def test_exactly_those_who_report_to_themselves_are_in_cycles(
    managers: dict[str, str | None],
) -> None:
    assert in_cycles(managers) == tuple(
        manager for manager in managers if reaches_itself(manager, managers)
    )


@given(graphs, st.sampled_from("abcdefgh"))
def test_a_chain_ends_and_names_nobody_twice_nor_the_person(
    managers: dict[str, str | None], start: str
) -> None:
    walked = chain(start, managers)
    assert len(set(walked)) == len(walked)
    assert start not in walked
    assert all(
        managers.get(below) == above for below, above in zip((start, *walked), walked, strict=False)
    )


def test_the_line_is_read_from_the_directory_nearest_first(
    database: Database, directory: DirectoryService, clock: FakeClock
) -> None:
    people = [person("top"), person("mid", manager="top"), person("low", manager="mid")]
    with database.write() as tx:
        store.add(tx, people, clock.now())
        assert directory.line(tx, "low") == Line(("mid", "top"))
        assert directory.lines(tx, ["top", "mid"]) == {"top": Line(()), "mid": Line(("top",))}


def test_nobody_knows_who_is_above_somebody_whom_the_directory_does_not_have(
    database: Database, directory: DirectoryService
) -> None:
    with database.read() as tx:
        assert directory.line(tx, "nobody") == Line((), disputed=True)


def test_a_circle_that_came_in_another_way_ends_and_is_disputed(
    database: Database, log: AuditService, directory: DirectoryService, clock: FakeClock
) -> None:
    del log
    with database.write() as tx:
        store.add(tx, [person("a", manager="b"), person("b", manager="a")], clock.now())
        assert directory.line(tx, "a") == Line(("b",), disputed=True)
