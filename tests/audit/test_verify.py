"""What a verifier finds, given only a file and a key."""

import json
import os
import random
import subprocess
import sys
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from app.agents.leases.record import LeaseRecord, LeaseRegions
from app.agents.leases.terms import LeaseSeq
from app.audit.export import archive
from app.audit.tree.checkpoint import VerifierKey, sign_note
from app.capture.directive import Circumstances
from app.consent.model import State
from app.kernel.canonical import Json, digest
from app.kernel.errors import InvalidInput, NotFound
from app.kernel.facts import encode
from app.kernel.signing import LocalSigner
from app.kernel.vocabulary import Basis
from app.sdk.verify import Ask, Depth, Report, as_json, render, verify_asked
from tests.audit import forge, make
from tests.audit.conftest import ORIGIN
from tests.audit.exports import FORGER, SIGNER, VKEY, Export, make_export

pytestmark = pytest.mark.slow

DOCUMENT = make.DOCUMENTS[make.LAYER]


def verify(path: Path, vkey: str | None = None, kept: Path | None = None) -> Report:
    """Each entry by itself: these logs hold decisions about people of whom nothing else is told.

    What follows from the entries before is tested in tests/sdk.
    """
    since = () if kept is None else ((kept.name, kept.read_bytes()),)
    return verify_asked(path, Ask(vkey=vkey, since=since, depth=Depth.FACTS))


def dice(seed: int | str) -> random.Random:
    """Chance that can be repeated."""
    return random.Random(seed)  # noqa: S311 - nothing secret is drawn


# How far apart the bytes are that are flipped one after the other. HABEAS_EVERY_BYTE=1 takes each.
STRIDE = 1 if os.environ.get("HABEAS_EVERY_BYTE") else 13


def by_sentence(cases: Mapping[str, tuple[object, ...]]) -> list[Any]:
    """Cases whose names are read in the test's name."""
    return [pytest.param(*case, id=name) for name, case in cases.items()]


@pytest.fixture(scope="module")
def small(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Export:
    return make_export(sqlite_template, tmp_path_factory.mktemp("small"), 6)


@pytest.fixture(scope="module")
def large(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Export:
    """Large enough for two tiles and a level above them."""
    return make_export(sqlite_template, tmp_path_factory.mktemp("large"), 300)


def test_an_untouched_export_holds_and_says_so(large: Export) -> None:
    report = verify(large.path, VKEY, large.kept)
    assert [verdict.ok for verdict in report.verdicts.values()] == [True, True, True]
    assert report.first_bad is None
    text = render(report)
    assert "0 of 238 decisions allowed a prohibited purpose" in text
    assert "continue the kept checkpoint" in text
    assert "cannot show that nothing happened beside it" in text
    assert "taken from the export itself" not in text
    assert json.loads(json.dumps(as_json(report)))["ok"] is True


def test_a_report_says_when_the_key_came_from_the_export(small: Export) -> None:
    report = verify(small.path)
    assert report.ok
    assert report.key == "export"
    assert "taken from the export itself" in render(report)
    assert "No kept checkpoint was given" in render(report)


def test_a_missing_file_is_not_a_verdict(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        verify(tmp_path / "nothing.tar")


@pytest.mark.parametrize("content", [b"", b"x", b"\0" * 512, b"\0" * 1024, b"x" * 4096])
def test_what_is_no_tar_is_sent_back_with_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(content)
    for vkey in (None, VKEY, "no key"):
        with pytest.raises(InvalidInput, match=r"x\.tar is no tar"):
            verify(path, vkey)


@pytest.mark.parametrize("content", [b"checkpoint", b"x" * 257 + b"ustar" + b"x" * 4096])
def test_what_only_begins_like_an_export_fails_without_breaking_the_verifier(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(content)
    for vkey in (None, VKEY, "no key"):
        assert verify(path, vkey).exit_code == 1


# Changes to the file as it lies on a disk --------------------------------------------------------


def test_no_byte_of_a_small_export_changes_unseen(small: Export, tmp_path: Path) -> None:
    """Headers, padding and the end of the archive included."""
    whole = small.path.read_bytes()
    target = tmp_path / "flipped.tar"
    rng = dice(5)
    for at in range(0, len(whole), STRIDE):
        flipped = bytes([whole[at] ^ (1 << rng.randrange(8))])
        target.write_bytes(whole[:at] + flipped + whole[at + 1 :])
        assert verify(target, VKEY).exit_code == 1, f"byte {at}"


def test_a_flipped_byte_of_an_entry_is_named_by_its_index(large: Export, tmp_path: Path) -> None:
    whole = bytearray(large.path.read_bytes())
    with tarfile.open(large.path) as tar:
        start = tar.getmember(archive.ENTRIES).offset_data
    lines = forge.lines_of(forge.parts_of(large.path))
    rng = dice(7)
    target = tmp_path / "flipped.tar"
    for _ in range(40):
        idx = rng.randrange(len(lines))
        before = sum(len(line) + 1 for line in lines[:idx])
        at = start + before + rng.randrange(len(lines[idx]) + 1)  # its newline included
        whole[at] ^= 1 << rng.randrange(8)
        target.write_bytes(whole)
        report = verify(target, VKEY)
        assert report.integrity.ok is False
        assert report.first_bad == report.integrity.first_bad == idx
        whole[at] = large.path.read_bytes()[at]


def test_a_file_that_ends_early_or_late_is_found(small: Export, tmp_path: Path) -> None:
    whole = small.path.read_bytes()
    target = tmp_path / "cut.tar"
    for length in range(97, len(whole), 97):
        target.write_bytes(whole[:length])
        assert verify(target, VKEY).exit_code == 1, length
    for extra in (b"\0", b"x", bytes(512), whole):
        target.write_bytes(whole + extra)
        assert verify(target, VKEY).exit_code == 1


def test_an_archive_that_another_program_packed_is_not_this_export(
    small: Export, tmp_path: Path
) -> None:
    """The same parts with a date in their headers: not the bytes that were made."""
    target = tmp_path / "packed.tar"
    with tarfile.open(small.path) as ours, tarfile.open(target, "w") as theirs:
        for member in ours.getmembers():
            file = ours.extractfile(member)
            member.mtime = 1
            theirs.addfile(member, file)
    report = verify(target, VKEY)
    assert report.integrity.ok is False
    assert "the header of 'checkpoint' at byte 0" in report.integrity.findings[0]
    # Nothing else is wrong with it; unpacked, it would hold.
    assert report.completeness.ok is True


# Changes by somebody who makes the wrapping fit --------------------------------------------------

Lines = list[bytes]


def deleted(lines: Lines, rng: random.Random) -> tuple[Lines, int]:
    at = rng.randrange(len(lines))
    return lines[:at] + lines[at + 1 :], at


def swapped(lines: Lines, rng: random.Random) -> tuple[Lines, int]:
    first, second = sorted(rng.sample(range(len(lines)), 2))
    lines[first], lines[second] = lines[second], lines[first]
    return lines, first


def duplicated(lines: Lines, rng: random.Random) -> tuple[Lines, int]:
    at = rng.randrange(len(lines))
    return [*lines[: at + 1], lines[at], *lines[at + 1 :]], at + 1


def appended(lines: Lines, rng: random.Random) -> tuple[Lines, int]:
    return [*lines, *(rng.choice(lines) for _ in range(rng.randrange(1, 300)))], len(lines)


def truncated(lines: Lines, rng: random.Random) -> tuple[Lines, int]:
    at = rng.randrange(len(lines))
    return lines[:at], at


def moved(lines: Lines, rng: random.Random) -> tuple[Lines, int]:
    source, target = rng.sample(range(len(lines)), 2)
    lines.insert(target, lines.pop(source))
    return lines, min(source, target)


def edited(lines: Lines, rng: random.Random) -> tuple[Lines, int]:
    """Another outcome, in canonical form."""
    at = rng.choice([at for at, line in enumerate(lines) if b'"outcome":"permit"' in line])
    lines[at] = lines[at].replace(b'"outcome":"permit"', b'"outcome":"deny"')
    return lines, at


def broken(lines: Lines, rng: random.Random) -> tuple[Lines, int]:
    at = rng.randrange(len(lines))
    middle = rng.randrange(len(lines[at]))
    return [*lines[:at], lines[at][:middle], lines[at][middle:], *lines[at + 1 :]], at


def emptied(lines: Lines, rng: random.Random) -> tuple[Lines, int]:
    at = rng.randrange(len(lines))
    return [*lines[:at], b"", *lines[at:]], at


@pytest.mark.parametrize(
    "change",
    [deleted, swapped, duplicated, appended, truncated, moved, edited, broken, emptied],
)
def test_a_changed_log_is_found_and_the_first_bad_index_named(
    large: Export, tmp_path: Path, change: Callable[[Lines, random.Random], tuple[Lines, int]]
) -> None:
    parts = forge.parts_of(large.path)
    rng = dice(change.__name__)
    for _ in range(15):
        lines, first_bad = change(forge.lines_of(parts), rng)
        target = forge.write(tmp_path / "changed.tar", forge.with_lines(parts, lines))
        report = verify(target, VKEY)
        assert report.exit_code == 1
        assert report.integrity.ok is False
        assert report.first_bad == first_bad
        assert report.policy.ok is False


def test_a_flipped_tile_is_found_and_says_below_which_index(large: Export, tmp_path: Path) -> None:
    parts = forge.parts_of(large.path)
    rng = dice(11)
    for tile, per_hash in (("tile/0/000", 1), ("tile/0/001.p/44", 1), ("tile/1/000.p/1", 256)):
        for _ in range(12):
            data = bytearray(parts[tile])
            at = rng.randrange(len(data))
            data[at] ^= 1 << rng.randrange(8)
            target = forge.write(tmp_path / "changed.tar", {**parts, tile: bytes(data)})
            report = verify(target, VKEY)
            first = 256 if "001" in tile else 0
            assert report.integrity.first_bad == first + at // 32 * per_hash


def test_an_entry_altered_with_its_tile_is_found_by_the_tile_above(
    large: Export, tmp_path: Path
) -> None:
    parts = forge.parts_of(large.path)
    lines, at = edited(forge.lines_of(parts), dice(3))
    forged = forge.with_lines(parts, lines)
    hashes = [forge.leaf_hash(line) for line in lines]
    forged["tile/0/000"] = b"".join(hashes[:256])
    forged["tile/0/001.p/44"] = b"".join(hashes[256:])
    report = verify(forge.write(tmp_path / "changed.tar", forged), VKEY)
    assert report.integrity.ok is False
    # The digest of the submission gives the very index away, the tile only the range.
    assert any(f"entry {at} is not" in finding for finding in report.integrity.findings)
    if at < 256:
        assert any("indices 0 to 255" in finding for finding in report.integrity.findings)


@pytest.mark.parametrize(
    ("name", "change"),
    {
        "checkpoint": lambda data: data.replace(b"\n6\n", b"\n5\n"),
        "keys/log.vkey": lambda data: data[:-1],
        f"policies/{digest(DOCUMENT)[7:]}.json": lambda data: data + b" ",
        "tile/0/000.p/6": lambda data: data[:-1],
        "entries.jsonl": lambda data: data[:-1],
    }.items(),
)
def test_each_part_is_held_to_something(
    small: Export, tmp_path: Path, name: str, change: Callable[[bytes], bytes]
) -> None:
    parts = forge.parts_of(small.path)
    parts[name] = change(parts[name])
    assert verify(forge.write(tmp_path / "changed.tar", parts), VKEY).integrity.ok is False


@pytest.mark.parametrize("name", ["note.txt", "tile/0/001", "tile/7/000", "policies/x.json"])
def test_a_part_that_does_not_belong_is_found(small: Export, tmp_path: Path, name: str) -> None:
    parts = {**forge.parts_of(small.path), name: b"x"}
    report = verify(forge.write(tmp_path / "changed.tar", parts), VKEY)
    assert f"{name} is no part of this export" in report.integrity.findings


@pytest.mark.parametrize("name", ["keys/log.vkey", "tile/0/000.p/6", "entries.jsonl"])
def test_a_part_left_out_is_found(small: Export, tmp_path: Path, name: str) -> None:
    parts = forge.parts_of(small.path)
    del parts[name]
    assert verify(forge.write(tmp_path / "changed.tar", parts), VKEY).integrity.ok is False


def test_a_manifest_that_says_something_else_is_found(small: Export, tmp_path: Path) -> None:
    folder = tmp_path / "unpacked"
    with tarfile.open(small.path) as tar:
        tar.extractall(folder, filter="data")
    assert verify(folder, VKEY).ok
    manifest = folder / archive.MANIFEST
    good = manifest.read_bytes()
    for bad in (
        good + b"\n",
        good.replace(b'"size":6', b'"size":7'),
        good.replace(b"habeas-log/1", b"habeas-log/2"),
        good.replace(b'"checkpoint":"', b'"checkpoint":"0'),
        b"{}",
        b"",
    ):
        manifest.write_bytes(bad)
        assert verify(folder, VKEY).integrity.findings == (
            "manifest.json does not describe this export",
        )
    manifest.unlink()
    (folder / "link").symlink_to(folder / "checkpoint")
    assert verify(folder, VKEY).exit_code == 1


# Changes by somebody who signs again -------------------------------------------------------------


def resigned(tmp_path: Path, leaves: list[dict[str, Json]], signer: LocalSigner = SIGNER) -> Report:
    parts = forge.signed(forge.restamped(leaves), signer, ORIGIN)
    return verify(forge.write(tmp_path / "resigned.tar", parts), VKEY)


def test_a_log_signed_with_another_key_fails_against_the_key_given(
    small: Export, tmp_path: Path
) -> None:
    leaves = forge.leaves_of(forge.parts_of(small.path))
    report = resigned(tmp_path, leaves, FORGER)
    assert report.integrity.ok is False
    assert "not signed by a known key" in " ".join(report.integrity.findings)
    # Without a key of one's own the forger's is believed: the report must say what that is worth.
    alone = verify(tmp_path / "resigned.tar")
    assert alone.ok
    assert "not who signed it" in render(alone)


def test_a_past_rewritten_with_the_logs_own_key_fails_against_a_kept_checkpoint(
    small: Export, tmp_path: Path
) -> None:
    leaves = forge.leaves_of(forge.parts_of(small.path))
    del leaves[2]
    leaves[-1]["facts"] = {}  # the entry about the export would tell
    leaves[-1]["kind"] = "log.read"
    assert resigned(tmp_path, leaves).ok
    report = verify(tmp_path / "resigned.tar", VKEY, small.kept)
    assert report.completeness.ok is False
    assert "not those of the kept checkpoint" in report.completeness.findings[0]
    assert verify(small.path, VKEY, small.kept).ok


def test_a_kept_checkpoint_of_a_longer_or_another_log_is_not_continued(
    small: Export, large: Export, tmp_path: Path
) -> None:
    assert verify(small.path, VKEY, large.kept).completeness.ok is False
    kept = tmp_path / "kept"
    for bad in ("x", sign_note("another\n1\n" + "A" * 43 + "=\n", ORIGIN, SIGNER)):
        kept.write_text(bad, encoding="utf-8")
        assert verify(small.path, VKEY, kept).completeness.ok is False


def test_an_earlier_export_that_the_log_denies_is_found(small: Export, tmp_path: Path) -> None:
    """The entry about an export says what the log was; a rewritten past does not fit it."""
    leaves = forge.leaves_of(forge.parts_of(small.path))
    del leaves[2]
    report = resigned(tmp_path, leaves)
    assert report.integrity.ok is True
    assert report.completeness.ok is False
    assert report.first_bad == 4


@pytest.mark.parametrize(
    ("facts", "problem"),
    [
        ({"size": "4"}, "size: is no number"),
        ({"selection": {"v": 1}}, "selection: since: is missing"),
        ({"more": 1}, "more: is no fact of this kind"),
    ],
)
def test_an_entry_about_an_export_in_another_shape_is_found(
    small: Export, tmp_path: Path, facts: dict[str, Json], problem: str
) -> None:
    leaves = forge.leaves_of(forge.parts_of(small.path))
    at = next(at for at, leaf in enumerate(leaves) if leaf["kind"] == "log.exported")
    leaves[at]["facts"] |= facts
    findings = resigned(tmp_path, leaves).completeness.findings
    assert findings == (f"entry {at} lacks what its kind must say: {problem}",)


@pytest.mark.parametrize("changed", [0, 17, 255, 256, 298])
def test_a_log_made_anew_in_every_part_does_not_hash_to_what_was_signed(
    large: Export, tmp_path: Path, changed: int
) -> None:
    """Entries, streams, digests, tiles and manifest fit; only the signature is the old one."""
    parts = forge.parts_of(large.path)
    leaves = forge.leaves_of(parts)
    leaves[changed] |= {"occurred_at": "2026-01-01T00:00:00.000000Z"}
    forged = forge.signed(forge.restamped(leaves), SIGNER, ORIGIN)
    forged[archive.CHECKPOINT] = parts[archive.CHECKPOINT]
    report = verify(forge.write(tmp_path / "anew.tar", forged), VKEY)
    assert report.integrity.findings == (
        "the entries do not hash to the root that the checkpoint signs",
    )
    assert report.integrity.ok is report.policy.ok is False


def test_a_log_whose_numbering_leaves_out_an_index_is_incomplete(
    small: Export, tmp_path: Path
) -> None:
    leaves = forge.leaves_of(forge.parts_of(small.path))
    parts = forge.signed(forge.restamped(leaves, gap_at=3), SIGNER, ORIGIN)
    report = verify(forge.write(tmp_path / "gap.tar", parts), VKEY)
    assert report.integrity.ok is True
    assert report.completeness.first_bad == 3


def test_an_entry_left_out_of_one_persons_stream_is_found(small: Export, tmp_path: Path) -> None:
    """Indices made to fit, streams not: the person's own numbering has a gap."""
    raws = forge.lines_of(forge.parts_of(small.path))
    leaves = forge.leaves_of(forge.parts_of(small.path))
    streams = leaves[3]["streams"]
    assert isinstance(streams, dict)
    for name in streams:
        changed = {**leaves[3], "streams": {**streams, name: [7, 1]}}
        forged = [*raws[:3], forge.canonical(changed), *raws[4:]]
        parts = forge.signed(forged, SIGNER, ORIGIN)
        report = verify(forge.write(tmp_path / "x.tar", parts), VKEY)
        assert report.integrity.ok is True
        assert report.completeness.first_bad == 3


def test_a_log_that_does_not_begin_at_the_beginning_is_incomplete(
    small: Export, tmp_path: Path
) -> None:
    leaves = forge.leaves_of(forge.parts_of(small.path))
    assert resigned(tmp_path, leaves[1:]).completeness.first_bad == 0
    leaves[0]["facts"] = {"origin": "another", "format": "habeas-log/1"}
    assert resigned(tmp_path, leaves).completeness.first_bad == 0


def test_a_document_that_a_lease_names_must_be_there(small: Export, tmp_path: Path) -> None:
    leaves = forge.leaves_of(forge.parts_of(small.path))
    leaves[2]["kind"] = "lease.changed"
    leaves[2]["facts"] = {"policy": digest(DOCUMENT)}
    parts = forge.signed(forge.restamped(leaves), SIGNER, ORIGIN)
    found = verify(forge.write(tmp_path / "whole.tar", parts), VKEY).completeness.findings
    assert not any("names the document" in finding for finding in found)
    del parts[archive.policy_path(digest(DOCUMENT))]
    report = verify(forge.write(tmp_path / "less.tar", parts), VKEY)
    assert f"entry 2 names the document {digest(DOCUMENT)}" in report.completeness.findings[0]
    assert report.completeness.first_bad == 2


@pytest.mark.parametrize(
    ("kind", "facts"),
    [
        ("policy.proposed", {"policy": digest(b"{}")}),
        ("policy.floor_adopted", {"policy": digest(b"{}")}),
        ("lease.changed", {"policy": None, "layers": [digest(b"{}")]}),
        ("lease.changed", {"policy": None, "offer": digest(b"{}")}),
        ("notice.adopted", {"notice": "capture", "digest": digest(b"{}")}),
        ("notice.shown", {"notice": "capture", "offer": digest(b"{}")}),
        ("consent.given", {"notice": {"id": "capture", "digest": digest(b"{}")}}),
        ("consent.given", {"notice": None, "offer": digest(b"{}")}),
        ("access.decided", {"purposes": digest(b"{}")}),
        ("access.decided", {"policies": [{"layers": [digest(b"{}")]}]}),
        ("access.decided", {"policies": [{"capture_layers": [digest(b"{}")]}]}),
    ],
)
def test_every_document_that_an_entry_names_must_be_there(
    small: Export, tmp_path: Path, kind: str, facts: dict[str, Json]
) -> None:
    leaves = forge.leaves_of(forge.parts_of(small.path))
    leaves[1] = {**leaves[1], "kind": kind, "facts": facts}
    parts = forge.signed(forge.restamped(leaves), SIGNER, ORIGIN)
    wanted = f"entry 1 names the document {digest(b'{}')}: it is not here"
    report = verify(forge.write(tmp_path / "less.tar", parts), VKEY)
    assert wanted in report.completeness.findings
    parts[archive.policy_path(digest(b"{}"))] = b"{}"
    whole = verify(forge.write(tmp_path / "whole.tar", parts), VKEY)
    assert wanted not in whole.completeness.findings


def test_a_document_that_no_entry_names_is_found(small: Export, tmp_path: Path) -> None:
    """So one document cannot be slipped in for another, whatever the manifest says."""
    parts = forge.parts_of(small.path)
    parts[archive.policy_path(digest(b"{}"))] = b"{}"
    report = verify(forge.write(tmp_path / "more.tar", parts), VKEY)
    assert "is a document that no entry names" in report.integrity.findings[0]


def test_one_event_twice_is_found(small: Export, tmp_path: Path) -> None:
    leaves = forge.leaves_of(forge.parts_of(small.path))
    leaves[3]["event"] = leaves[2]["event"]
    assert resigned(tmp_path, leaves).completeness.first_bad == 3


@pytest.mark.parametrize(
    ("change", "problem"),
    by_sentence(
        {
            "an unknown kind": ({"kind": "log.forgotten"}, "kind"),
            "another version": ({"v": 2}, "field v"),
            "a person by id": ({"subjects": ["E-1"]}, "subjects"),
            "an actor by id": ({"actor": {"kind": "person", "id": "E-1"}}, "actor"),
            "a date without zone": ({"occurred_at": "2026-11-16T09:00:00"}, "occurred_at"),
            "a plain digest": ({"commitment": "sha256:" + "0" * 64}, "commitment"),
            "a further field": ({"more": 1}, "fields"),
        }
    ),
)
def test_a_leaf_must_be_of_its_form(
    small: Export, tmp_path: Path, change: dict[str, Json], problem: str
) -> None:
    raws = forge.lines_of(forge.parts_of(small.path))
    leaf = forge.leaves_of(forge.parts_of(small.path))[2]
    forged = [*raws[:2], forge.canonical({**leaf, **change}), *raws[3:]]
    report = verify(forge.write(tmp_path / "x.tar", forge.signed(forged, SIGNER, ORIGIN)), VKEY)
    assert report.integrity.first_bad == 2
    assert problem in report.integrity.findings[0]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff",
        b"[]",
        b"null",
        b'{"v":1}',
        b"[" * 60_000,
        b'{"v":1,"v":1}',
        b"1" * 5_000,
        b"{" + b" " * 70_000 + b"}",
    ],
    ids=lambda raw: raw[:8].decode("latin-1"),
)
def test_a_line_of_any_kind_is_named_and_breaks_nothing(
    small: Export, tmp_path: Path, raw: bytes
) -> None:
    raws = forge.lines_of(forge.parts_of(small.path))
    parts = forge.signed([*raws[:2], raw, *raws[3:]], SIGNER, ORIGIN)
    report = verify(forge.write(tmp_path / "x.tar", parts), VKEY)
    assert report.integrity.ok is False
    assert report.first_bad == 2


# Decisions that may never be made ----------------------------------------------------------------


def decisions_with(
    tmp_path: Path, small: Export, facts: dict[str, Json], purpose: str | None
) -> Report:
    """The log with one decision changed, everything else made to fit, signed by the log's key."""
    leaves = forge.leaves_of(forge.parts_of(small.path))
    at = next(at for at, leaf in enumerate(leaves) if leaf["kind"] == "access.decided")
    said = leaves[at]["facts"]
    assert isinstance(said, dict)
    leaves[at] |= {"facts": {**said, **facts}, "purpose": purpose}
    return resigned(tmp_path, leaves)


@pytest.mark.parametrize(
    ("facts", "purpose"),
    by_sentence(
        {
            "a root of the floor": ({"purpose": make.FORBIDDEN}, make.FORBIDDEN),
            "a descendant": ({"purpose": "hr.scoring"}, "hr.scoring"),
            "an alias": ({"purpose": "Leistungsbeurteilung"}, "Leistungsbeurteilung"),
            "not on the list": ({"purpose": "curiosity"}, "curiosity"),
            "no purpose": ({"purpose": None}, None),
            "one filed, another recorded": ({"purpose": make.FORBIDDEN}, make.TRAINING),
            "purposes never adopted": ({"purposes": "sha256:" + "9" * 64}, make.TRAINING),
        }
    ),
)
def test_a_permit_for_a_purpose_that_is_not_allowed_is_counted(
    small: Export, tmp_path: Path, facts: dict[str, Json], purpose: str | None
) -> None:
    report = decisions_with(tmp_path, small, facts, purpose)
    assert report.integrity.ok is True
    assert report.policy.ok is False
    assert "1 of 3 decisions allowed a prohibited purpose" in report.policy.sentence
    assert report.policy.first_bad == 2


@pytest.mark.parametrize(
    "facts",
    [
        {"outcome": "deny"},
        {"outcome": "deny", "reasons": ["consent_now"], "retain_days": None},
        {"role_policy": False},
        {"caller_functions": ["hr"]},
        {"people_unknown": 1},
        {"people": None},
        {"captured_from": "yesterday"},
        {"outcome": "maybe"},
    ],
)
def test_a_decision_that_does_not_follow_from_its_facts_is_found(
    small: Export, tmp_path: Path, facts: dict[str, Json]
) -> None:
    report = decisions_with(tmp_path, small, facts, make.TRAINING)
    assert report.integrity.ok is True
    assert report.policy.ok is False
    assert report.policy.first_bad == 2
    assert "0 of 3" in report.policy.sentence


@pytest.mark.parametrize("word", ["withdrawn", "refused", "revoked"])
def test_a_permit_after_the_person_said_no_is_found(
    small: Export, tmp_path: Path, word: str
) -> None:
    """The facts of the entry lie about the standing; the person's own entries do not."""
    leaves = forge.leaves_of(forge.parts_of(small.path))
    decided = leaves[2]
    no = {**decided, "kind": f"consent.{word}", "purpose": None, "facts": {}}
    no["event"] = "00000000-0000-0000-0000-000000000000"
    report = resigned(tmp_path, [*leaves[:2], no, *leaves[2:]])
    assert report.policy.first_bad == 3
    assert f"whose last word is {word} (entry 2)" in report.policy.findings[0]
    yes = {**no, "kind": "consent.given", "event": "00000000-0000-0000-0000-000000000001"}
    assert resigned(tmp_path, [*leaves[:2], no, yes, *leaves[2:]]).policy.ok


def test_a_permit_within_a_pause_is_found(small: Export, tmp_path: Path) -> None:
    leaves = forge.leaves_of(forge.parts_of(small.path))
    pause = {**leaves[2], "kind": "consent.paused", "purpose": None}
    pause["event"] = "00000000-0000-0000-0000-000000000000"
    for until, holds in (("2026-11-16T08:59:59", True), ("2026-11-16T09:00:01", False)):
        pause["facts"] = {"until": f"{until}.000000Z"}
        report = resigned(tmp_path, [*leaves[:2], pause, *leaves[2:]])
        assert report.policy.ok is holds
    resumed = {**pause, "kind": "consent.resumed", "facts": {}}
    resumed["event"] = "00000000-0000-0000-0000-000000000001"
    assert resigned(tmp_path, [*leaves[:2], pause, resumed, *leaves[2:]]).policy.ok


def test_a_grant_on_a_refusal_is_found(small: Export, tmp_path: Path) -> None:
    refused: dict[str, Json] = {"outcome": "deny", "reasons": ["role_policy"], "retain_days": None}
    facts = {**refused, "role_policy": False}
    assert decisions_with(tmp_path, small, facts, make.TRAINING).policy.ok
    report = decisions_with(tmp_path, small, {**facts, "grant": "g-1"}, make.TRAINING)
    assert "refuses and yet names a grant" in report.policy.findings[0]


@pytest.mark.parametrize(
    ("facts", "holds"),
    [
        ({}, True),
        ({"standing": "withdrawn"}, False),
        ({"stopped": ["DE"]}, False),
        ({"reasons": ["paused"]}, False),
        ({"capture": "off"}, False),
        ({"capture": "off", "reasons": ["stopped"], "stopped": ["DE"]}, True),
        ({"standing": "unheard of"}, False),
    ],
)
def test_a_lease_that_does_not_follow_from_its_facts_is_found(
    small: Export, tmp_path: Path, facts: dict[str, Json], *, holds: bool
) -> None:
    leaves = forge.leaves_of(forge.parts_of(small.path))
    given = Circumstances(
        person_active=True,
        device_active=True,
        unknown=(),
        blocked=False,
        company=True,
        stopped=(),
        missing=(),
        lead_until=None,
        bases=frozenset({Basis.CONSENT}),
        state=State.GIVEN,
    )
    leaves[3]["kind"] = "lease.changed"
    record = LeaseRecord(
        circumstances=given,
        device="d_1",
        capture="on",
        reasons=(),
        regions=LeaseRegions("DE", "DE", "DE", None),
        layers=(),
        policy=None,
        decision=None,
        offer=None,
        seq=LeaseSeq(policy=1, consent=1),
        ttl_s=900,
    )
    leaves[3]["facts"] = {**encode(record), **facts}
    report = resigned(tmp_path, leaves)
    assert report.policy.ok is holds
    assert report.policy.first_bad == (None if holds else 3)


def test_purposes_that_widen_the_floor_are_found(small: Export, tmp_path: Path) -> None:
    leaves = forge.leaves_of(forge.parts_of(small.path))
    for facts in (
        {"allowed": sorted([*make.ALLOWED, make.FORBIDDEN]), "prohibited": sorted(make.PROHIBITED)},
        {"allowed": sorted(make.ALLOWED), "prohibited": ["hr"]},
        {"allowed": sorted(make.ALLOWED)},
    ):
        leaves[1]["facts"] = {"policy": make.PURPOSES, **facts}
        report = resigned(tmp_path, leaves)
        assert report.policy.ok is False
        assert report.policy.first_bad == 1


# Proofs ------------------------------------------------------------------------------------------


def test_a_proof_holds_under_the_logs_key_and_no_other(small: Export) -> None:
    report = verify(small.proof, VKEY)
    assert (report.ok, report.subject, report.size) == (True, "proof", 6)
    assert "Entry 3 is in the log" in render(report)
    assert report.completeness.ok is None
    other = VerifierKey(ORIGIN, FORGER.public).vkey
    for vkey in (None, other, "no key"):
        assert verify(small.proof, vkey).exit_code == 1


def test_no_byte_of_a_proof_changes_unseen(small: Export, tmp_path: Path) -> None:
    whole = small.proof.read_bytes()
    target = tmp_path / "x.tlog-proof"
    rng = dice(13)
    for at in range(0, len(whole), min(STRIDE, 3)):
        flipped = bytes([whole[at] ^ (1 << rng.randrange(8))])
        target.write_bytes(whole[:at] + flipped + whole[at + 1 :])
        assert verify(target, VKEY).exit_code == 1, f"byte {at}"


def test_a_proof_without_its_entry_or_of_another_shows_nothing(
    small: Export, tmp_path: Path
) -> None:
    target = tmp_path / "x.tlog-proof"
    lines = small.proof.read_text(encoding="utf-8").split("\n")
    for bad in (
        [line for line in lines if not line.startswith("extra ")],
        ["index 2" if line == "index 3" else line for line in lines],
        lines[:2],
    ):
        target.write_text("\n".join(bad), encoding="utf-8")
        assert verify(target, VKEY).exit_code == 1


# Without our code --------------------------------------------------------------------------------


def test_the_program_in_the_documentation_verifies_an_export_and_finds_a_flipped_byte(
    large: Export, tmp_path: Path
) -> None:
    """A second verifier, which shares no line with ours."""
    text = (Path(__file__).parents[2] / "docs" / "verify-an-export.md").read_text(encoding="utf-8")
    program = tmp_path / "check.py"
    program.write_text(text.rpartition("```python\n")[2].partition("```")[0], encoding="utf-8")

    def check(export: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, program, export, VKEY],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    good = check(large.path)
    assert good.stdout == f"300 entries hash to the root that {ORIGIN} signed\n", good.stderr
    parts = forge.parts_of(large.path)
    lines, _ = edited(forge.lines_of(parts), dice(1))
    bad = check(forge.write(tmp_path / "changed.tar", forge.with_lines(parts, lines)))
    assert bad.returncode != 0
