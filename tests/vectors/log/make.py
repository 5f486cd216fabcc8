"""Writes the vectors of this folder, the same bytes every time.

    python tests/vectors/log/make.py [FOLDER]

Nothing is drawn: keys come from fixed seeds, entries and times from their number. README.md says
what is in the files.
"""

import hashlib
import io
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from app.audit.entries.model import (
    FORMAT,
    SYSTEM,
    Actor,
    Event,
    Kind,
    stamp,
    stream_names,
    submission,
)
from app.audit.export import archive
from app.audit.export.archive import ArchiveWriter
from app.audit.reading.selection import Selection
from app.audit.tree.checkpoint import Checkpoint, VerifierKey, sign_note
from app.audit.tree.cosignature import WitnessKey, cosign
from app.audit.tree.merkle import (
    CompactRange,
    complete_root,
    consistency_path,
    inclusion_path,
    leaf_hash,
)
from app.audit.tree.proof_file import TlogProof
from app.audit.tree.tiles import TILE_WIDTH, tiles_of
from app.kernel.canonical import canonical, digest, parse_canonical
from app.kernel.signing import LocalSigner

ORIGIN = "audit.example.com/vectors/2026"
SIGNER = LocalSigner.from_seed(hashlib.sha256(b"habeas vectors: log").digest())
WITNESS = LocalSigner.from_seed(hashlib.sha256(b"habeas vectors: witness").digest())
WITNESS_NAME = "witness.example.com"
COSIGNED_AT = 1_795_000_000
START = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
PERSON, OTHER = f"p_{1:032x}", f"p_{2:032x}"
SIZES = (1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 255, 256, 257, 511, 513, 1_000, 65_536, 70_000)
ENTRIES = 12


def b64(data: bytes) -> str:
    import base64

    return base64.b64encode(data).decode("ascii")


def plain_leaves(count: int) -> list[bytes]:
    """Hashes of the entries ``entry 0``, ``entry 1``, … (ASCII)."""
    return [leaf_hash(f"entry {number}".encode()) for number in range(count)]


def rows_of(hashes: Sequence[bytes]) -> list[list[bytes]]:
    """Each level of tiles: the leaves, the roots over 256 of them, and so on."""
    rows = [list(hashes)]
    while len(rows[-1]) >= TILE_WIDTH:
        full = len(rows[-1]) // TILE_WIDTH * TILE_WIDTH
        cuts = range(0, full, TILE_WIDTH)
        rows.append([complete_root(rows[-1][at : at + TILE_WIDTH]) for at in cuts])
    return rows


def tiles(hashes: Sequence[bytes]) -> dict[str, bytes]:
    """Path to content of every tile."""
    rows = rows_of(hashes)
    return {
        tile.path: b"".join(rows[tile.level][tile.n * TILE_WIDTH :][: tile.width])
        for tile in tiles_of(len(hashes))
    }


def node_of(hashes: Sequence[bytes]) -> Any:
    """The nodes of a tree from its leaves."""
    return lambda level, n: complete_root(hashes[n << level : (n + 1) << level])


def trees() -> dict[str, Any]:
    """Roots, proofs and tiles of trees over ``entry 0`` … ``entry n-1``."""
    every = plain_leaves(max(SIZES))
    found = []
    for size in SIZES:
        hashes = every[:size]
        node = node_of(hashes)
        indices = sorted({0, size // 3, size // 2, size - 1})
        olds = sorted({1, size // 3, size // 2, size - 1, size} - {0})
        found.append(
            {
                "size": size,
                "root": b64(CompactRange().extend(hashes).root),
                "inclusion": [
                    {
                        "index": index,
                        "leaf_hash": b64(hashes[index]),
                        "proof": [b64(one) for one in inclusion_path(index, size, node)],
                    }
                    for index in indices
                ],
                "consistency": [
                    {
                        "old": old,
                        "old_root": b64(CompactRange().extend(hashes[:old]).root),
                        "proof": [b64(one) for one in consistency_path(old, size, node)],
                    }
                    for old in olds
                ],
                "tiles": {
                    path: hashlib.sha256(data).hexdigest()
                    for path, data in list(tiles(hashes).items())[-6:]
                },
            }
        )
    return {"entry": "the ASCII text `entry <index>`", "trees": found}


def events() -> list[Event]:
    """A small log: opened, then two people sign in and out."""
    made = [Event(Kind.LOG_OPENED, SYSTEM, {"origin": ORIGIN, "format": FORMAT})]
    for number in range(1, ENTRIES - 1):
        person = PERSON if number % 3 else OTHER
        kind = (Kind.SESSION_STARTED, Kind.SESSION_ENDED)[number % 2]
        made.append(
            Event(
                kind, Actor("person", person), {"session": f"s-{number}", "seq": number}, (person,)
            )
        )
    return made


def leaves(made: Sequence[Event]) -> list[bytes]:
    """Their leaves, one second apart."""
    places: dict[str, tuple[int, int]] = {}
    raws = []
    for idx, event in enumerate(made):
        at = START + timedelta(seconds=idx)
        said = submission(
            event,
            event_id=f"00000000-0000-4000-8000-{idx:012x}",
            occurred_at=at,
            actor=event.actor,
            subjects=event.subjects,
            commitment=None,
        )
        leaf = parse_canonical(said)
        streams = {}
        for name in stream_names(leaf):
            last = places.get(name)
            streams[name] = (last[0] + 1, last[1]) if last else (1, None)
            places[name] = (streams[name][0], idx)
        raws.append(canonical(stamp(leaf, said, idx, at, streams)))
    return raws


def checkpoint_of(raws: Sequence[bytes]) -> tuple[Checkpoint, str]:
    """The checkpoint over these leaves, and its signed note."""
    tree = CompactRange().extend(leaf_hash(raw) for raw in raws)
    signed = Checkpoint(ORIGIN, tree.size, tree.root)
    return signed, sign_note(signed.text, ORIGIN, SIGNER)


def export(raws: Sequence[bytes], chosen: Sequence[int], selection: Selection) -> bytes:
    """The export of a log, whole or of a selection."""
    signed, note = checkpoint_of(raws)
    file = io.BytesIO()
    writer = ArchiveWriter(file)
    writer.add_bytes(archive.CHECKPOINT, note.encode())
    if not selection.is_whole:
        writer.add_bytes(archive.SELECTION, selection.canonical)
    writer.add_bytes(archive.ENTRIES, b"".join(raws[at] + b"\n" for at in chosen))
    writer.add_bytes(archive.KEY, f"{VerifierKey(ORIGIN, SIGNER.public).vkey}\n".encode())
    for path, data in tiles([leaf_hash(raw) for raw in raws]).items():
        writer.add_bytes(path, data)
    writer.add_bytes(archive.MANIFEST, archive.manifest(signed, writer.files))
    writer.end()
    return file.getvalue()


def exported(raws: Sequence[bytes], selection: Selection) -> list[bytes]:
    """The log with the entry about its export at the end."""
    root = CompactRange().extend(leaf_hash(raw) for raw in raws).root.hex()
    facts = {
        "size": len(raws),
        "root": root,
        "selection": None if selection.is_whole else selection.facts,
        "format": "tar",
    }
    subjects = () if selection.person is None else (selection.person,)
    last = Event(Kind.LOG_EXPORTED, SYSTEM, facts, subjects)
    return leaves([*events(), last])


def bad_leaves(good: bytes) -> list[dict[str, str]]:
    """Leaves that are none, each with the reason."""
    leaf = parse_canonical(good)
    cases = {
        "not canonical: a space": good.replace(b'":', b'": ', 1),
        "not canonical: another order": b'{"v":1,' + good[1:-7] + b"}",
        "a field too many": canonical({**leaf, "more": 1}),
        "a field too few": canonical({k: v for k, v in leaf.items() if k != "purpose"}),
        "an unknown kind": canonical({**leaf, "kind": "log.forgotten"}),
        "another version": canonical({**leaf, "v": 2}),
        "no instant": canonical({**leaf, "occurred_at": "2026-02-30T09:00:00.000000Z"}),
        "a person by name": canonical({**leaf, "subjects": ["E-1000"]}),
        "streams of somebody else": canonical({**leaf, "streams": {"actor:system:x": [1, None]}}),
        "not what was submitted": canonical({**leaf, "facts": {**leaf["facts"], "seq": 99}}),
        "a number that is no integer": good.replace(b'"v":1}', b'"v":1.0}'),
        "two fields of one name": good.replace(b'"v":1}', b'"v":1,"v":1}'),
        "no JSON": good[:-1],
        "empty": b"",
    }
    return [{"why": why, "leaf": b64(raw)} for why, raw in cases.items()]


def files() -> dict[str, bytes]:
    """Every file by name."""
    key, witness = VerifierKey(ORIGIN, SIGNER.public), WitnessKey(WITNESS_NAME, WITNESS.public)
    whole = exported(leaves(events()), Selection())
    signed, note = checkpoint_of(whole)
    cosigned = note + cosign(signed.text, WITNESS_NAME, WITNESS, COSIGNED_AT) + "\n"
    hashes = [leaf_hash(raw) for raw in whole]
    proof = TlogProof(5, inclusion_path(5, len(whole), node_of(hashes)), note, whole[5])
    person = Selection(person=PERSON)
    filtered = exported(leaves(events()), person)
    stream = [at for at, raw in enumerate(filtered) if f'"subject:{PERSON}"'.encode() in raw]
    policy = f"log {key.vkey}\nwitness w {witness.vkey}\nquorum w\n"
    return {
        "trees.json": written(trees()),
        "leaves.json": written(
            {
                "good": [
                    {
                        "leaf": b64(raw),
                        "leaf_hash": leaf_hash(raw).hex(),
                        "submission": digest(
                            canonical(
                                {
                                    name: value
                                    for name, value in parse_canonical(raw).items()
                                    if name not in {"idx", "integrated_at", "streams", "submission"}
                                }
                            )
                        ),
                    }
                    for raw in whole[:4]
                ],
                "bad": bad_leaves(whole[3]),
            }
        ),
        "checkpoints.json": written(
            {
                "vkey": key.vkey,
                "witness": witness.vkey,
                "policy": policy,
                "checkpoint": note,
                "cosigned": cosigned,
                "cosigned_at": COSIGNED_AT,
                "tlog_proof": proof.text,
            }
        ),
        "export.tar": export(whole, range(len(whole)), Selection()),
        "export-person.tar": export(filtered, stream, person),
    }


def written(value: Any) -> bytes:
    """JSON for people to read."""
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    for name, data in files().items():
        (folder / name).write_bytes(data)
