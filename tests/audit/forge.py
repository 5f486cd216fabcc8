"""Exports taken apart, changed and put together again, as somebody would who wants to deceive."""

import io
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from app.audit.entries.model import stamp, stream_names
from app.audit.export import archive
from app.audit.export.archive import ArchiveWriter
from app.audit.tree.checkpoint import (
    Checkpoint,
    VerifierKey,
    parse_checkpoint,
    parse_note,
    sign_note,
)
from app.audit.tree.merkle import CompactRange, leaf_hash
from app.audit.tree.tiles import tiles_of
from app.kernel.canonical import Json, canonical, parse_canonical
from app.kernel.clock import instant
from app.kernel.signing import Signer
from tests.audit import make

Parts = dict[str, bytes]


def parts_of(export: Path) -> Parts:
    """Every part but the manifest."""
    with tarfile.open(export) as tar:
        found = {}
        for member in tar.getmembers():
            file = tar.extractfile(member)
            assert file is not None
            found[member.name] = file.read()
    del found[archive.MANIFEST]
    return found


def lines_of(parts: Parts) -> list[bytes]:
    return parts[archive.ENTRIES].split(b"\n")[:-1]


def with_lines(parts: Parts, lines: Sequence[bytes]) -> Parts:
    return {**parts, archive.ENTRIES: b"".join(line + b"\n" for line in lines)}


def write(target: Path, parts: Parts) -> Path:
    """Put parts together as the program does, the manifest made to fit."""
    file = io.BytesIO()
    writer = ArchiveWriter(file)
    for name, data in parts.items():
        writer.add_bytes(name, data)
    checkpoint = parse_checkpoint(parse_note(parts[archive.CHECKPOINT]).text)
    writer.add_bytes(archive.MANIFEST, archive.manifest(checkpoint, writer.files))
    writer.end()
    target.write_bytes(file.getvalue())
    return target


def write_loose(target: Path, parts: Parts) -> Path:
    """Put parts together without a manifest."""
    file = io.BytesIO()
    writer = ArchiveWriter(file)
    for name, data in parts.items():
        writer.add_bytes(name, data)
    writer.end()
    target.write_bytes(file.getvalue())
    return target


def signed(raws: Sequence[bytes], signer: Signer, origin: str) -> Parts:
    """All parts of an export of these entries under a key of the forger's choice."""
    hashes = [leaf_hash(raw) for raw in raws]
    tree = CompactRange().extend(hashes)
    text = Checkpoint(origin, tree.size, tree.root).text
    parts = with_lines({archive.CHECKPOINT: sign_note(text, origin, signer).encode()}, raws)
    parts[archive.KEY] = f"{VerifierKey(origin, signer.public).vkey}\n".encode()
    return parts | tiles(hashes) | documents(raws)


def documents(raws: Sequence[bytes]) -> Parts:
    """The documents of these tests that entries name."""
    return {
        archive.policy_path(digest): text
        for digest, text in make.DOCUMENTS.items()
        if any(digest.encode() in raw for raw in raws)
    }


def tiles(hashes: Sequence[bytes]) -> Parts:
    """The tiles of a tree, each hash taken from the definition of its level."""
    found: Parts = {}
    for tile in tiles_of(len(hashes)):
        row = []
        for at in range(tile.width):
            start = tile.first_leaf + at * tile.leaves_per_hash
            row.append(CompactRange().extend(hashes[start : start + tile.leaves_per_hash]).root)
        found[tile.path] = b"".join(row)
    return found


def restamped(leaves: Sequence[Mapping[str, Json]], gap_at: int | None = None) -> list[bytes]:
    """Entries that fit together: index, streams and digests made anew.

    With ``gap_at`` an index is left out before that entry; the streams know nothing of it.
    """
    raws, places = [], dict[str, tuple[int, int]]()
    for position, leaf in enumerate(leaves):
        idx = position + (gap_at is not None and position >= gap_at)
        said = {
            name: value
            for name, value in leaf.items()
            if name not in {"idx", "integrated_at", "streams", "submission"}
        }
        stood = {name: places.get(name) for name in stream_names(said)}
        streams = {name: (at[0] + 1, at[1]) if at else (1, None) for name, at in stood.items()}
        places |= {name: (seq, idx) for name, (seq, _) in streams.items()}
        at = instant(str(leaf["integrated_at"]))
        raws.append(canonical(stamp(said, canonical(said), idx, at, streams)))
    return raws


def leaves_of(parts: Parts) -> list[dict[str, Json]]:
    return [parse_canonical(line) for line in lines_of(parts)]
