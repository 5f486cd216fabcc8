"""How long verifying an export takes, next to hashing alone and to another Merkle library.

The reference is the work that no verifier can avoid, as fast as Python does it: the same entries,
in memory, hashed as leaves, and the leaves as nodes up to the root. Measured next to it:

lines hashed    the reference, with the lines read from a file
integrity       every byte of the file: lines hashed, tree and tiles compared, digests, signature
without replay  also: every entry's form but for its facts, indices, streams, events, documents
pymerkle        the same leaves appended to its tree in memory, and the root taken; skipped where it
                is not installed (``pip install pymerkle``: GPL, so it is no dependency of ours)
facts           also: facts in canonical form, submissions, decisions made again; once, and on
                the first 50,000 entries

The reference has the lines in memory; ours are read from the file. Rounds alternate in one process;
figures are medians, ratios medians of the rounds' ratios, both of the time that passed. Next to it
stands the processors' time: ours has the digest of the file in it, which is made by a thread of its
own and costs no time where a second processor is idle. The bars are ratios of the time that passed;
where the machine has other work to do, only those of the processors' time can be compared. Memory
is the peak of a process of its own that does nothing but verify.

    python bench/verify_export.py [ENTRIES]
"""

import hashlib
import re
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from app.access.decision.decide import decide
from app.access.decision.model import (
    Caller,
    Facts,
    PersonFacts,
    PolicyFacts,
    Question,
    ScopeFacts,
)
from app.access.decision.record import entry_facts
from app.access.floor.terms import ALLOWED, PROHIBITED
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
from app.audit.tree.checkpoint import Checkpoint, VerifierKey, sign_note
from app.audit.tree.merkle import CompactRange, complete_root, leaf_hash
from app.audit.tree.tiles import TILE_WIDTH, tiles_of
from app.kernel.canonical import Json, canonical, digest, parse_canonical
from app.kernel.signing import LocalSigner
from app.sdk.verify import Ask, Depth, verify_asked

ENTRIES, ROUNDS, PEOPLE, WITH_FACTS = 100_000, 5, 500, 50_000
ORIGIN = "audit.example.com/bench/2026"
PURPOSE = "ai_training.computer_use"
DOCUMENT = canonical({"sample": "purposes"})
PURPOSES = digest(DOCUMENT)
START = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)


def decision(number: int) -> Event:
    """A permitted access decision about one person."""
    person = f"p_{number % PEOPLE:032x}"
    policy = PolicyFacts(
        (PURPOSES,), (PURPOSES,), ("consent",), {"click": 90}, (PURPOSE,), cohort_min=1
    )
    scope = ScopeFacts(("click",), (PURPOSE,))
    about = PersonFacts(
        person,
        line=(),
        standing="given",
        decision=str(number),
        suffices_now=True,
        suffices_at_capture=True,
        scope=scope,
        policy=policy,
    )
    when = START - timedelta(days=9)
    question = Question(
        PURPOSE,
        START,
        dataset="ui-events",
        signals=("click",),
        captured_from=when,
        captured_to=when,
    )
    facts = Facts(Caller("pipeline", (PURPOSE,), ("training",)), (about,), role_policy=True)
    said = entry_facts(
        question, facts, decide(question, facts), purposes=PURPOSES, grant=str(number)
    )
    return Event(Kind.ACCESS_DECIDED, Actor("consumer", "pipeline"), said, (person,), PURPOSE)


def report(number: int) -> Event:
    """What a device did."""
    facts: dict[str, Json] = {"device": str(number % PEOPLE), "report": str(number), "allowed": 7}
    actor = Actor("device", str(number % PEOPLE))
    return Event(Kind.AGENT_REPORTED, actor, facts, (f"p_{number % PEOPLE:032x}",))


def events(count: int) -> Iterator[Event]:
    """A log: opened, purposes adopted, then one access decision to three reports."""
    yield Event(Kind.LOG_OPENED, SYSTEM, {"origin": ORIGIN, "format": FORMAT})
    purposes: dict[str, Json] = {
        "policy": PURPOSES,
        "allowed": sorted(ALLOWED),
        "prohibited": sorted(PROHIBITED),
    }
    yield Event(Kind.POLICY_PURPOSES_ADOPTED, SYSTEM, purposes)
    for number in range(2, count):
        yield decision(number) if number % 4 == 0 else report(number)


def entries(count: int) -> Iterator[bytes]:
    """The leaves of that log."""
    places: dict[str, tuple[int, int]] = {}
    for idx, event in enumerate(events(count)):
        submitted = submission(
            event,
            event_id=str(uuid.UUID(int=idx)),
            occurred_at=START,
            actor=event.actor,
            subjects=event.subjects,
            commitment=None,
        )
        said = parse_canonical(submitted)
        streams = {}
        for name in stream_names(said):
            last = places.get(name)
            streams[name] = (last[0] + 1, last[1]) if last else (1, None)
            places[name] = (streams[name][0], idx)
        yield canonical(stamp(said, submitted, idx, START, streams))


def write(path: Path, raws: list[bytes]) -> str:
    """Write the export of these entries; return the key that verifies it."""
    signer = LocalSigner.generate()
    vkey = VerifierKey(ORIGIN, signer.public).vkey
    hashes = [leaf_hash(raw) for raw in raws]
    tree = CompactRange().extend(hashes)
    signed = Checkpoint(ORIGIN, tree.size, tree.root)
    rows = [hashes]
    while len(rows[-1]) >= TILE_WIDTH:
        full = len(rows[-1]) // TILE_WIDTH
        cuts = range(0, full * TILE_WIDTH, TILE_WIDTH)
        rows.append([complete_root(rows[-1][at : at + TILE_WIDTH]) for at in cuts])
    with path.open("wb") as file:
        writer = ArchiveWriter(file)
        writer.add_bytes(archive.CHECKPOINT, sign_note(signed.text, ORIGIN, signer).encode())
        writer.add_bytes(archive.ENTRIES, b"".join(raw + b"\n" for raw in raws))
        writer.add_bytes(archive.KEY, f"{vkey}\n".encode())
        writer.add_bytes(f"policies/{PURPOSES.removeprefix('sha256:')}.json", DOCUMENT)
        for tile in tiles_of(tree.size):
            start = tile.n * TILE_WIDTH
            writer.add_bytes(tile.path, b"".join(rows[tile.level][start : start + tile.width]))
        writer.add_bytes(archive.MANIFEST, archive.manifest(signed, writer.files))
        writer.end()
    return vkey


class Took(NamedTuple):
    """Seconds that passed, and seconds of all processors."""

    passed: float
    processors: float


def seconds(work: Callable[[], object]) -> Took:
    """How long a piece of work takes."""
    passed, processors = time.perf_counter(), time.process_time()
    work()
    return Took(time.perf_counter() - passed, time.process_time() - processors)


def ratio(rounds: Sequence[Mapping[str, Took]], one: str, other: str, which: int = 0) -> float:
    """How many times as long one takes as the other, in one round; the median."""
    return statistics.median(took[one][which] / took[other][which] for took in rounds)


def hash_only(raws: Sequence[bytes]) -> bytes:
    """The reference: every leaf and every node of RFC 6962, and nothing else."""
    sha256 = hashlib.sha256
    return root_of([sha256(b"\x00" + raw).digest() for raw in raws])


def hash_lines(path: Path) -> bytes:
    """The same, of the lines of a file."""
    sha256 = hashlib.sha256
    with path.open("rb") as lines:
        return root_of([sha256(b"\x00" + line[:-1]).digest() for line in lines])


def root_of(row: list[bytes]) -> bytes:
    """The root over leaf hashes."""
    sha256, whole = hashlib.sha256, []
    while row:
        if len(row) % 2:
            whole.append(row.pop())
        row = [sha256(b"\x01" + a + b).digest() for a, b in zip(row[::2], row[1::2], strict=True)]
    root = whole[0]
    for left in whole[1:]:
        root = sha256(b"\x01" + left + root).digest()
    return root


def pymerkle_root(raws: Sequence[bytes]) -> bytes | None:
    """The root by pymerkle; None where it is not installed."""
    try:
        from pymerkle import InmemoryTree  # noqa: PLC0415 - not installed everywhere
    except ImportError:
        return None
    tree = InmemoryTree(algorithm="sha256")
    for raw in raws:
        tree.append_entry(raw)
    return bytes(tree.get_root())


def verified(path: Path, vkey: str, depth: Depth) -> bytes:
    """Verify; return the root."""
    report = verify_asked(path, Ask(vkey=vkey, depth=depth))
    assert report.ok, report
    assert report.root is not None
    return report.root


def peak(path: Path, vkey: str, depth: Depth) -> int:
    """Peak resident memory of a process that verifies, MB."""
    command = [sys.executable, __file__, "--peak", path, vkey, str(int(depth))]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(done.stdout)


def main(count: int) -> None:
    """Measure and print."""
    raws = list(entries(count))
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "log.tar"
        vkey = write(path, raws)
        lines = Path(name) / "entries.jsonl"
        lines.write_bytes(b"".join(raw + b"\n" for raw in raws))
        works: dict[str, Callable[[], bytes | None]] = {
            "hashing": lambda: hash_only(raws),
            "lines hashed": lambda: hash_lines(lines),
            "integrity": lambda: verified(path, vkey, Depth.BYTES),
            "without replay": lambda: verified(path, vkey, Depth.ORDER),
            "pymerkle": lambda: pymerkle_root(raws),
        }
        roots = {work() for work in works.values()} - {None}
        assert len(roots) == 1, "all come to the same root"
        rounds = [{name: seconds(work) for name, work in works.items()} for _ in range(ROUNDS)]
        memory = {depth: peak(path, vkey, depth) for depth in (Depth.BYTES, Depth.ORDER)}
        fewer = raws[:WITH_FACTS]
        few = Path(name) / "few.tar"
        vkey = write(few, fewer)
        facts = seconds(lambda: verified(few, vkey, Depth.FACTS)).passed
        few_hashed = seconds(lambda: hash_only(fewer)).passed
        memory[Depth.FACTS] = peak(few, vkey, Depth.FACTS)
    size = sum(map(len, raws)) / len(raws)
    print(
        f"{count:,} entries of {size:,.0f} bytes; medians of {ROUNDS}; x hashing: of the time that"
    )
    print("passed, and of the processors' time")
    for name in works:
        passed = statistics.median(took[name].passed for took in rounds)
        against = [ratio(rounds, name, "hashing", which) for which in (0, 1)]
        speed = f"{passed:9.3f} s {count / passed:12,.0f} entries/s"
        print(f"{name:<15}{speed} {against[0]:8.2f} {against[1]:8.2f} x hashing")
    print(
        f"{'facts':<15}{facts:9.3f} s {len(fewer) / facts:12,.0f} entries/s "
        f"{facts / few_hashed:8.2f} {'':8} x hashing"
    )
    if pymerkle_root(raws[:1]) is None:
        print("pymerkle is not installed: its row says nothing")
    else:
        for ours in ("integrity", "without replay"):
            print(f"pymerkle takes {ratio(rounds, 'pymerkle', ours):.1f} times as long as {ours}")
    for depth, megabytes in memory.items():
        print(f"peak memory of {depth.name.lower()}: {megabytes} MB")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--peak"]:
        verified(Path(sys.argv[2]), sys.argv[3], Depth(int(sys.argv[4])))
        # Not getrusage: what that says was inherited from the process that measures.
        status = Path("/proc/self/status").read_text(encoding="ascii")
        print(int(re.search(r"VmHWM:\s+([0-9]+)", status)[1]) // 1024)  # type: ignore[index]
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else ENTRIES)
