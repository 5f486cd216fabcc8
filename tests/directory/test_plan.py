"""A plan in pieces: whoever stops between two of them leaves a directory as it may be."""

from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from app.directory.model import Person, by_id
from app.directory.plan import as_wanted, compare, contradictions, pieces_of, plan_digest
from tests.make import person

IDS = tuple("abcdefg")
FILE = "sha256:" + "0" * 64


@st.composite
def companies(draw: st.DrawFn, ids: tuple[str, ...], known: tuple[str, ...]) -> list[Person]:
    """People in any line, with any of a few addresses; circles and repetitions are left in."""
    addresses = draw(st.permutations([*IDS, "x", "y"]))
    return [
        person(
            id_,
            *draw(st.sampled_from([(), ("auditor",), ("auditor", "hr")])),
            email=f"{address}@example.com",
            manager=draw(st.sampled_from([None, *known])),
            region=draw(st.sampled_from(["DE", "FR"])),
            active=draw(st.booleans()),
        )
        for id_, address in zip(ids, addresses, strict=False)
    ]


@st.composite
def imports(draw: st.DrawFn) -> tuple[dict[str, Person], tuple[Person, ...]]:
    """A directory and a file that may be imported into it."""
    there = tuple(draw(st.lists(st.sampled_from(IDS), unique=True)))
    present = draw(companies(there, there))
    assume(not contradictions(present, {}))
    listed = tuple(draw(st.lists(st.sampled_from(IDS), unique=True)))
    file = draw(companies(listed, tuple({*there, *listed})))
    wanted = as_wanted(file, by_id(present))
    assume(not contradictions(wanted, by_id(present)))
    return by_id(present), wanted


@given(imports(), st.integers(1, 3))
def test_between_any_two_pieces_nothing_contradicts_and_in_the_end_all_is_as_the_file_says(
    case: tuple[dict[str, Person], tuple[Person, ...]], size: int
) -> None:
    present, wanted = case
    written = by_id(compare(wanted, present).written)
    now = dict(present)
    pieces = pieces_of(written.values(), present, size)
    for piece in pieces:
        now |= {id_: written[id_] for id_ in piece}
        assert contradictions(tuple(now.values()), {}) == ()
    assert now == {**present, **by_id(wanted)}
    assert sorted(id_ for piece in pieces for id_ in piece) == sorted(written)


@given(imports())
def test_who_leaves_goes_before_everybody_else(
    case: tuple[dict[str, Person], tuple[Person, ...]],
) -> None:
    present, wanted = case
    written = by_id(compare(wanted, present).written)
    order = [id_ for piece in pieces_of(written.values(), present, 1) for id_ in piece]
    leaves = [id_ in present and not written[id_].active for id_ in order]
    assert leaves == sorted(leaves, reverse=True)


def test_less_comes_before_more() -> None:
    before = by_id([person("gone"), person("less", "hr"), person("moved"), person("other")])
    changed = [
        person("new"),
        replace(before["other"], department="Sales"),
        replace(before["moved"], region="FR"),
        replace(before["less"], roles=()),
        replace(before["gone"], active=False),
    ]
    pieces = pieces_of(changed, before, 1)
    assert pieces == (("gone",), ("moved",), ("less",), ("other",), ("new",))


def test_those_who_swap_addresses_are_in_one_piece_however_small_it_should_be() -> None:
    before = by_id([person("a"), person("b"), person("c")])
    turned = [replace(before[one], email=before[other].email) for one, other in ("ab", "bc", "ca")]
    (piece,) = pieces_of(turned, before, 1)
    assert sorted(piece) == ["a", "b", "c"]


def test_a_long_line_is_written_from_the_top_and_takes_no_stack() -> None:
    line = [person("p-0"), *(person(f"p-{n}", manager=f"p-{n - 1}") for n in range(1, 3000))]
    order = [id_ for piece in pieces_of(line[::-1], {}) for id_ in piece]
    assert order == [one.id for one in line]


def test_who_leaves_keeps_what_the_file_would_have_changed_of_them() -> None:
    before = by_id([person("a", department="Sales")])
    (gone,) = as_wanted([person("a", department="Else", active=False)], before)
    assert gone == replace(before["a"], active=False)


@given(imports(), imports())
def test_two_plans_have_one_digest_only_if_they_are_the_same(
    one: tuple[dict[str, Person], tuple[Person, ...]],
    other: tuple[dict[str, Person], tuple[Person, ...]],
) -> None:
    first, second = (
        (wanted, {p.id: present.get(p.id) for p in wanted}) for present, wanted in (one, other)
    )
    same = first == second
    assert (plan_digest(one[1], one[0], FILE) == plan_digest(other[1], other[0], FILE)) == same
    assert plan_digest(one[1], one[0], FILE) != plan_digest(one[1], one[0], FILE[:-1] + "1")


def test_whoever_gets_a_manager_comes_after_everybody_above_who_gets_another() -> None:
    """Also where somebody between them stays: else all three were a circle for a while."""
    before = by_id([person("head"), person("under", manager="top"), person("top", manager="head")])
    changed = [replace(before["head"], manager="under"), replace(before["top"], manager=None)]
    assert pieces_of(changed, before, 1) == (("top",), ("head",))
