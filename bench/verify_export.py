"""How long verifying an export takes, beside hashing alone.

The reference hashes the same entries, in Python, into the same tree: the work that no verifier can
avoid. Whatever `habeas verify` takes on top is reading each entry strictly, following the streams,
holding tiles and files against each other, and deciding every access decision again. Rounds of both
alternate in one process; the figures are medians of five.

    python bench/verify_export.py [ENTRIES]
"""

import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.access.floor import ALLOWED, PROHIBITED
from app.access.model import Caller, Facts, PersonFacts, PolicyFacts, Question, ScopeFacts, decide
from app.access.record import entry_facts
from app.audit import archive
from app.audit.archive import ArchiveWriter
from app.audit.checkpoint import Checkpoint, VerifierKey, sign_note
from app.audit.merkle import CompactRange, complete_root, leaf_hash
from app.audit.model import FORMAT, SYSTEM, Actor, Event, Kind, stamp, stream_names, submission
from app.audit.tiles import TILE_WIDTH, tiles_of
from app.kernel.canonical import Json, canonical, digest, parse_canonical
from app.kernel.signing import LocalSigner
from app.sdk.verify import verify

ENTRIES, ROUNDS, PEOPLE = 100_000, 5, 500
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


def seconds(work: Callable[[], object]) -> float:
    """How long a piece of work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main(count: int) -> None:
    """Measure and print."""
    raws = list(entries(count))
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "log.tar"
        vkey = write(path, raws)
        assert verify(path, vkey).ok

        def hashing() -> CompactRange:
            return CompactRange().extend(leaf_hash(raw) for raw in raws)

        rounds = [(seconds(lambda: verify(path, vkey)), seconds(hashing)) for _ in range(ROUNDS)]
    verifying = statistics.median(one for one, _ in rounds)
    reference = statistics.median(one for _, one in rounds)
    size = sum(map(len, raws)) / len(raws)
    print(f"{count:,} entries of {size:,.0f} bytes; medians of {ROUNDS}")
    print(f"verify   {verifying:8.3f} s   {count / verifying:12,.0f} entries/s")
    print(f"hashing  {reference:8.3f} s   {count / reference:12,.0f} entries/s")
    print(f"verify takes {statistics.median(v / h for v, h in rounds):.1f} times hashing alone")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ENTRIES)
