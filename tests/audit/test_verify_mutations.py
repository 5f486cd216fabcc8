"""Ten thousand random changes to an export: each is found.

A change is made to what lies on the disk (bytes of the tar), to a part with the wrapping made to
fit (entries, tiles, checkpoint, key, documents, manifest), or to the whole log, signed anew with a
key that is not the log's.

Each change is looked for in all of an export, so most are made to a short log, in which every sort
of part and of entry is there too; one in 25 is made to a log with a full tile, one that has just
begun, and a second level of the tree.
"""

import random
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from app.audit.export import archive
from app.audit.export.archive import BLOCK
from app.audit.tree.checkpoint import Checkpoint, parse_checkpoint, parse_note, sign_note
from app.kernel.errors import InvalidInput
from app.kernel.signing import LocalSigner
from app.sdk.verify import Ask, Depth, verify_asked
from tests.audit import forge
from tests.audit.conftest import ORIGIN
from tests.audit.exports import FORGER, VKEY, Export, make_export

pytestmark = pytest.mark.slow

ROUNDS, CHANGES = 10, 1_000
SHORT, LONG = 16, 258
"""Entries of the two logs."""
LONG_EVERY, THOROUGH_EVERY = 25, 50
Parts = dict[str, bytes]
Made = TypeVar("Made", bytes, Parts)
Change = Callable[[random.Random, bytes, Parts], bytes | Parts | None]


@pytest.fixture(scope="module")
def export(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Export:
    return make_export(sqlite_template, tmp_path_factory.mktemp("long"), LONG)


@pytest.fixture(scope="module")
def short(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Export:
    return make_export(sqlite_template, tmp_path_factory.mktemp("short"), SHORT)


# On the disk -------------------------------------------------------------------------------------


def flipped_bit(rng: random.Random, whole: bytes, _parts: Parts) -> bytes:
    at = rng.randrange(len(whole))
    return whole[:at] + bytes([whole[at] ^ 1 << rng.randrange(8)]) + whole[at + 1 :]


def cut_off(rng: random.Random, whole: bytes, _parts: Parts) -> bytes:
    return whole[: rng.randrange(len(whole))]


def bytes_left_out(rng: random.Random, whole: bytes, _parts: Parts) -> bytes:
    at = rng.randrange(len(whole))
    return whole[:at] + whole[at + rng.randrange(1, 2_000) :]


def bytes_twice(rng: random.Random, whole: bytes, _parts: Parts) -> bytes | None:
    at = rng.randrange(len(whole))
    end = at + rng.randrange(1, 2_000)
    return _other(whole[:end] + whole[at:end] + whole[end:], whole)


def bytes_swapped(rng: random.Random, whole: bytes, _parts: Parts) -> bytes | None:
    width = rng.randrange(1, 400)
    one, two = sorted(rng.randrange(len(whole) - width) for _ in range(2))
    if two < one + width:
        return None
    first, second = whole[one : one + width], whole[two : two + width]
    changed = whole[:one] + second + whole[one + width : two] + first + whole[two + width :]
    return _other(changed, whole)


def manifest_changed(rng: random.Random, whole: bytes, _parts: Parts) -> bytes:
    at = whole.rindex(b'{"files":') + rng.randrange(200)
    return whole[:at] + bytes([whole[at] ^ 1 << rng.randrange(8)]) + whole[at + 1 :]


# With a wrapping that fits -----------------------------------------------------------------------


def entries_changed(rng: random.Random, _whole: bytes, parts: Parts) -> Parts | None:
    lines = forge.lines_of(parts)
    one, two = rng.randrange(len(lines)), rng.randrange(len(lines))
    how = rng.randrange(6)
    if how == 0:
        del lines[one]
    elif how == 1:
        lines[one], lines[two] = lines[two], lines[one]
    elif how == 2:
        lines.insert(two, lines[one])
    elif how == 3:
        del lines[one:]
    elif how == 4:
        lines.insert(two, lines.pop(one))
    else:
        lines[one] = flipped_bit(rng, lines[one], {})
    return _other(forge.with_lines(parts, lines), parts)


def part_changed(rng: random.Random, _whole: bytes, parts: Parts) -> Parts | None:
    """Tiles, checkpoint, key, documents: a bit, the end, everything, or one for the other."""
    names = [name for name in parts if name != archive.ENTRIES]
    one, two = rng.choice(names), rng.choice(names)
    changed, how = dict(parts), rng.randrange(5)
    if how == 0:
        changed[one] = flipped_bit(rng, parts[one], {})
    elif how == 1:
        changed[one] = parts[one][: rng.randrange(len(parts[one]))]
    elif how == 2:
        del changed[one]
    elif how == 3:
        changed[one], changed[two] = parts[two], parts[one]
    else:
        changed[one] = parts[one] + parts[two]
    return _other(changed, parts)


def other_checkpoint(rng: random.Random, _whole: bytes, parts: Parts) -> Parts:
    """Of another size or root, signed by a key that is not the log's."""
    checkpoint = parse_checkpoint(parse_note(parts[archive.CHECKPOINT]).text)
    size = rng.choice(
        [checkpoint.size, checkpoint.size - 1, checkpoint.size + 1, rng.randrange(9_999)]
    )
    root = checkpoint.root if rng.randrange(2) else rng.randbytes(32)
    note = sign_note(Checkpoint(ORIGIN, size, root).text, ORIGIN, FORGER)
    return {**parts, archive.CHECKPOINT: note.encode()}


def log_signed_anew(rng: random.Random, _whole: bytes, parts: Parts) -> Parts:
    """Everything fits together, the key alone is another."""
    leaves = forge.leaves_of(parts)[: rng.randrange(3, 20)]
    signer = LocalSigner.from_seed(rng.randbytes(32))
    return forge.signed(forge.restamped(leaves), signer, ORIGIN)


CHANGES_BY_WEIGHT: tuple[tuple[Change, int], ...] = (
    (flipped_bit, 30),
    (cut_off, 8),
    (bytes_left_out, 8),
    (bytes_twice, 8),
    (bytes_swapped, 8),
    (manifest_changed, 4),
    (entries_changed, 22),
    (part_changed, 12),
    (other_checkpoint, 3),
    (log_signed_anew, 1),
)


def _other(changed: Made, original: Made) -> Made | None:
    """None where chance changed nothing."""
    return None if changed == original else changed


def write(target: Path, changed: bytes | Parts) -> None:
    if isinstance(changed, bytes):
        target.write_bytes(changed)
        return
    try:
        forge.write(target, changed)
    except (KeyError, ValueError):  # no checkpoint to make a manifest for
        forge.write_loose(target, changed)


def is_noticed(target: Path, ask: Ask, original: bytes) -> bool:
    """Whether a change shows: it does not hold, or does not even begin like an export."""
    try:
        return verify_asked(target, ask).exit_code == 1
    except InvalidInput:
        return target.read_bytes()[:BLOCK] != original[:BLOCK]


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_ten_thousand_changes_to_an_export_are_all_found(
    export: Export, short: Export, tmp_path: Path, seed: int
) -> None:
    """In ten rounds, so that the processors share them."""
    logs = [(log, log.path.read_bytes(), forge.parts_of(log.path)) for log in (short, export)]
    rng, target = random.Random(seed), tmp_path / "changed.tar"  # noqa: S311 - not secret
    changes = [change for change, _ in CHANGES_BY_WEIGHT]
    weights = [weight for _, weight in CHANGES_BY_WEIGHT]
    quick, thorough = Ask(vkey=VKEY, depth=Depth.ORDER), Ask(vkey=VKEY, depth=Depth.FACTS)
    done = 0
    while done < CHANGES:
        (change,) = rng.choices(changes, weights)
        _, whole, parts = logs[done % LONG_EVERY == 0]
        changed = change(rng, whole, dict(parts))
        if changed is None:
            continue
        write(target, changed)
        # What is found without reading facts is found with it too; some are asked both ways.
        ask = thorough if done % THOROUGH_EVERY == done // THOROUGH_EVERY % 2 else quick
        assert is_noticed(target, ask, whole), f"{change.__name__}, number {done}"
        done += 1
    for log, _, _ in logs:
        assert verify_asked(log.path, quick).exit_code == 0


@pytest.mark.parametrize("depth", list(Depth))
def test_every_depth_finds_a_changed_byte_and_says_what_it_did_not_look_at(
    export: Export, tmp_path: Path, depth: Depth
) -> None:
    whole, target = export.path.read_bytes(), tmp_path / "changed.tar"
    rng = random.Random(7)  # noqa: S311 - not secret
    for _ in range(25):
        target.write_bytes(flipped_bit(rng, whole, {}))
        assert verify_asked(target, Ask(vkey=VKEY, depth=depth)).exit_code == 1
    report = verify_asked(export.path, Ask(vkey=VKEY, depth=depth))
    said = " ".join(report.limits)
    assert report.integrity.ok
    assert ("Only bytes were looked at" in said) is (depth is Depth.BYTES)
    assert ("Without replay the facts" in said) is (depth is Depth.ORDER)
    assert (report.policy.ok is None) is (depth < Depth.FACTS)
