"""The fast way to read a leaf accepts nothing that the strict way refuses."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.audit.entries.model import Kind, read_leaf, stamp, stream_names, submission
from app.kernel.canonical import canonical, digest, parse_canonical
from app.kernel.clock import instant
from app.sdk.verify.evidence.envelope import EnvelopeReader
from app.sdk.verify.evidence.evidence import _usual
from app.sdk.verify.evidence.lines import LeafLines
from app.sdk.verify.order.events import EventIds
from tests.audit import make

AT = "2026-11-16T09:00:00.000000Z"
STAMPED = {"idx", "integrated_at", "streams", "submission"}


def leaf_of(number: int) -> dict[str, Any]:
    """A decision, a withdrawal with a commitment, or a report of a device about two people."""
    event = make.ordinary(number)
    people = tuple(f"p_{subject.removeprefix('E-'):0>32}" for subject in event.subjects)
    said = submission(
        event,
        event_id=f"{number:08x}-0000-4000-8000-000000000000",
        occurred_at=instant(AT),
        actor=event.actor if event.actor.kind != "person" else type(event.actor)("system", "x"),
        subjects=people if number % 3 else (*people, f"p_{'f' * 32}"),
        commitment="hmac-sha256:" + "a" * 64 if event.body else None,
    )
    leaf = parse_canonical(said)
    places = dict.fromkeys(stream_names(leaf), (number + 2, number))
    return stamp(leaf, said, number, instant(AT), places)


def fast(line: bytes, idx: int) -> tuple[list[str], str, bytes] | None:
    """Streams by name, the text of ``streams``, and the event; None where it is not accepted."""
    read = EnvelopeReader(list).read(idx, [line + b"\n"])
    if read is None:
        return None
    return read.chains[0], read.streams[0].decode("utf-8", "replace"), read.events[0]


def repaired(line: bytes) -> bytes:
    """The same line with the digest that its submission has."""
    leaf = json.loads(line)
    said = canonical({name: value for name, value in leaf.items() if name not in STAMPED})
    return line[:-72] + digest(said)[7:].encode() + line[-8:]


@given(st.integers(0, 40))
def test_what_the_log_writes_is_read_the_fast_way(number: int) -> None:
    leaf = leaf_of(number)
    found = fast(canonical(leaf), number)
    assert found is not None
    assert found[0] == sorted(leaf["streams"])
    assert f"{{{found[1]}}}".encode() == canonical(leaf["streams"])
    assert found[2].decode() == leaf["event"]


TEXTS = st.one_of(
    st.sampled_from(["", "x", "a,b", 'a"b', "é", "a}b", "p_" + "0" * 32, AT, "null", "a\\b"]),
    st.text(max_size=6),
)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2**60),
    TEXTS,
    st.lists(TEXTS, max_size=2),
    st.fixed_dictionaries({"kind": TEXTS, "id": TEXTS}),
    st.builds(lambda kind, one: {"kind": kind, "id": one}, st.sampled_from(["device"]), TEXTS),
    st.sampled_from([kind.value for kind in Kind]),
    st.sampled_from(
        [
            "2026-02-30T09:00:00.000000Z",
            "2026-11-16T24:00:00.000000Z",
            "2026-11-16T09:60:00.000000Z",
            "2026-11-16T09:00:61.000000Z",
            "0000-11-16T09:00:00.000000Z",
            "2026-11-16T09:00:00.000000+",
            "2024-02-29T23:59:59.999999Z",
        ]
    ),
)


@given(st.integers(0, 20), st.dictionaries(st.sampled_from(sorted(leaf_of(1))), VALUES, max_size=3))
def test_a_leaf_with_other_values_is_accepted_only_if_the_strict_way_accepts_it(
    number: int, changes: dict[str, Any]
) -> None:
    leaf = {**leaf_of(number), **changes}
    try:
        names = stream_names(leaf)
        leaf["streams"] = {name: [1, None] for name in names}
    except (TypeError, KeyError, AttributeError):
        pass
    try:
        said = canonical({name: leaf[name] for name in leaf if name not in STAMPED})
        line = canonical({**leaf, "submission": digest(said)})
    except ValueError:
        return
    idx = leaf["idx"] if isinstance(leaf["idx"], int) else 0
    found = fast(line, idx)
    if found is not None and isinstance(leaf["facts"], dict):
        assert sorted(read_leaf(line)["streams"]) == found[0]


@given(
    number=st.integers(0, 20),
    at=st.floats(0, 1, exclude_max=True),
    other=st.binary(max_size=3),
    width=st.integers(0, 4),
)
def test_a_line_with_other_bytes_is_accepted_only_if_the_strict_way_accepts_it(
    number: int, at: float, other: bytes, width: int
) -> None:
    """Anywhere outside the facts, which the fast way does not read."""
    line = canonical(leaf_of(number))
    start, end = line.index(b'"facts":') + 8, line.rindex(b',"idx":')
    place = int(at * (len(line) - (end - start)))
    place = place if place < start else place + (end - start)
    if start - width < place < end:
        return
    changed = line[:place] + other + line[place + width :]
    found = fast(changed, number)
    # What stands in streams is compared, as a whole, with what has to stand there (order.py).
    if found is None or f"{{{found[1]}}}" != _streams(found[0], number):
        return
    leaf = read_leaf(repaired(changed))
    assert leaf["idx"] == number
    assert sorted(leaf["streams"]) == found[0]
    assert f"{{{found[1]}}}".encode() == canonical(leaf["streams"])
    assert leaf["event"].encode() == found[2]


def _streams(names: list[str], number: int) -> str:
    return canonical({name: [number + 2, number] for name in names}).decode()


LINE = canonical(leaf_of(1))
NO_INSTANTS = {
    "the sixtieth minute": "2026-11-16T09:60:00.000000Z",
    "the sixtieth second": "2026-11-16T09:00:60.000000Z",
    "the twenty-fourth hour": "2026-11-16T24:00:00.000000Z",
    "the thirtieth of February": "2026-02-30T09:00:00.000000Z",
    "the thirteenth month": "2026-13-16T09:00:00.000000Z",
    "the year nought": "0000-11-16T09:00:00.000000Z",
    "a space between day and hour": "2026-11-16 09:00:00.000000Z",
    "a letter among the digits": "2026-11-16T09:00:00.00000aZ",
    "another zone": "2026-11-16T09:00:00.000000A",
}


@pytest.mark.parametrize("case", NO_INSTANTS)
@pytest.mark.parametrize("field", ["integrated_at", "occurred_at"])
def test_what_is_no_instant_is_not_accepted(field: str, case: str) -> None:
    named = f'"{field}":"{{}}"'.format
    assert LINE.count(named(AT).encode()) == 1
    assert fast(LINE, 1) is not None
    assert fast(LINE.replace(named(AT).encode(), named(NO_INSTANTS[case]).encode()), 1) is None


def test_each_hour_of_a_batch_is_judged() -> None:
    def batch(*hours: str) -> list[bytes]:
        times = zip(range(1, 3), hours, strict=True)
        return [
            canonical(leaf_of(number)).replace(b"T09:", f"T{hour}:".encode()) + b"\n"
            for number, hour in times
        ]

    assert EnvelopeReader(list).read(1, batch("09", "10")) is not None
    assert EnvelopeReader(list).read(1, batch("09", "24")) is None


@pytest.mark.parametrize("letter", [b"g", b"A", b" ", b'"'])
def test_a_submission_named_by_no_digest_is_not_accepted(letter: bytes) -> None:
    start = LINE.index(b'"submission":"sha256:') + len(b'"submission":"sha256:')
    assert fast(LINE[:start] + letter * 64 + LINE[start + 64 :], 1) is None


def test_two_facts_objects_are_not_taken_for_one() -> None:
    """The text of a whole second entry inside the facts changes nothing of what is read."""
    leaf = leaf_of(1)
    inner = canonical(leaf_of(2))
    leaf["facts"] = {"a": parse_canonical(inner), "idx": 7}
    line = repaired(canonical(leaf))
    assert read_leaf(line)["idx"] == 1
    assert fast(line, 1) is not None
    assert fast(line, 7) is None


def test_a_batch_in_which_time_runs_backwards_is_not_accepted() -> None:
    reader = EnvelopeReader(list)
    lines = [canonical({**leaf_of(n), "integrated_at": AT}) + b"\n" for n in range(3)]
    assert reader.read(0, lines) is not None
    later = lines[0].replace(b'"integrated_at":"2026-11-16T09', b'"integrated_at":"2026-11-16T10')
    assert reader.read(0, [later, *lines[1:]]) is None


class Dripping:
    """A stream that gives what it has in pieces of any size."""

    def __init__(self, data: bytes, sizes: list[int]) -> None:
        self._data, self._sizes = data, sizes

    def read(self, _size: int) -> bytes:
        size = self._sizes.pop() if self._sizes else len(self._data)
        piece, self._data = self._data[:size], self._data[size:]
        return piece


@given(st.lists(st.binary(max_size=12), max_size=600), st.lists(st.integers(1, 64), max_size=200))
def test_lines_come_out_as_they_went_in(raws: list[bytes], sizes: list[int]) -> None:
    wanted = [raw.replace(b"\n", b"") for raw in raws]
    lines = LeafLines(Dripping(b"".join(raw + b"\n" for raw in wanted), sizes))  # type: ignore[arg-type]
    batches = list(lines.batches())
    assert [line for batch in batches for line in batch] == [raw + b"\n" for raw in wanted]
    assert {len(batch) for batch in batches[:-1]} <= {256}
    assert lines.cut_off is False


@pytest.mark.parametrize("length", [65_535, 65_536, 70_000, 400_000])
def test_a_line_is_kept_up_to_the_longest_entry_and_no_further(length: int) -> None:
    lines = LeafLines(Dripping(b"y\n" + b"x" * length + b"\nz\n", [1] + [65_536] * 9))  # type: ignore[arg-type]
    first, middle, last = (line for batch in lines.batches() for line in batch)
    assert (first, last) == (b"y\n", b"z\n")
    assert (len(middle) - 1 > 65_535) is (length > 65_535)
    assert len(middle) <= 65_538
    assert middle.endswith(b"\n\n") is (length > 65_535)


@given(st.lists(st.uuids().map(str), max_size=30), st.lists(st.integers(0, 40), max_size=4))
def test_an_event_that_comes_twice_is_found_where_it_comes_again(
    ids: list[str], again: list[int]
) -> None:
    found = EventIds()
    written: list[str | None] = [*ids]
    written += [ids[at % len(ids)] if ids and at % 5 else None for at in again]
    for one in written:
        if one is None:
            found.skip()
        else:
            found.add([one.encode()])
    expected = [
        (at, one) for at, one in enumerate(written) if one is not None and one in written[:at]
    ]
    assert list(found.repeated()) == expected


def test_events_whose_second_halves_are_alike_are_told_apart() -> None:
    ids = EventIds()
    ids.add([f"{n:08x}-0000-4000-8000-000000000000".encode() for n in range(9)])
    assert list(ids.repeated()) == []


@given(st.text("abc/.0é", min_size=1, max_size=110), st.integers(0, 8**12), st.integers(0, 511))
def test_a_header_that_is_recognised_fast_is_the_header_that_is_made(
    name: str, size: int, at: int
) -> None:
    from app.audit.export.archive import header

    try:
        block = header(name, size)
    except ValueError:
        return
    known = _usual(block)
    assert known is None or known == (name, size)
    if known is None:
        assert not name.isascii() or len(name) >= 100 or size >= 8**11 or name.endswith("/")
    changed = block[:at] + bytes([block[at] ^ 1]) + block[at + 1 :]
    other = _usual(changed)
    assert other is None or header(*other) == changed
