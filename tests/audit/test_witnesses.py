"""The log and its witnesses: honest ones, those that are down or slow, and those that lie."""

import base64
import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from starlette.testclient import TestClient

from app.audit.entries import cosigned, documents, store
from app.audit.entries.service import AuditService
from app.audit.growing.integrator import Integrator
from app.audit.reading.service import ReadingService
from app.audit.tree.checkpoint import Checkpoint, VerifierKey, parse_note, sign_note
from app.audit.tree.cosignature import cosign, signed_message
from app.audit.tree.merkle import CompactRange, leaf_hash
from app.audit.tree.quorum import Policy, evaluate, parse_policy
from app.audit.witnesses import asking as witnesses
from app.audit.witnesses.asking import Witnesses, read_policy
from app.audit.witnesses.client import request_body
from app.audit.witnesses.state import WitnessState
from app.db.engine import Database
from app.kernel.canonical import digest
from app.kernel.errors import Unreadable
from app.kernel.signing import LocalSigner
from app.settings import Settings
from app.wiring import build
from app.wiring.shipped import Shipped
from app.witness.http import witness_app
from app.witness.service import Witness, open_witness
from tests.audit import make
from tests.audit.conftest import ORIGIN
from tests.audit.cosigning import cosign_now
from tests.fakes import FakeClock

pytestmark = pytest.mark.slow

MONTH = timedelta(days=30)
Handler = Callable[[httpx2.Request], httpx2.Response]


_ONE_AT_A_TIME = threading.Lock()
"""What an application is made of (pydantic) is not made by two threads at once."""


@dataclass
class World:
    """A log with some entries, and witnesses in the same process: w1, w2, w3.

    ``answers`` replaces what a witness says, by its host.
    """

    database: Database
    log: AuditService
    integrator: Integrator
    clock: FakeClock
    folder: Path
    answers: dict[str, Handler] = field(default_factory=dict)
    made: dict[str, Witness] = field(default_factory=dict)

    def witness(self, name: str) -> Witness:
        if name not in self.made:
            self.made[name] = open_witness(self.folder / name, f"{name}.example", self.clock)
            self.made[name].trust(self.integrator.vkey)
        return self.made[name]

    def policy(self, rule: str = "all", names: tuple[str, ...] = ("w1",)) -> Policy:
        lines = [
            f"witness {name} {self.witness(name).vkey} http://{name}.localhost/" for name in names
        ]
        group = f"group g {rule} {' '.join(names)}"
        return parse_policy("\n".join([*lines, group, "quorum g", ""]).encode())

    def asking(self, policy: Policy, *, adopted: bool = True) -> Witnesses:
        client = httpx2.Client(transport=httpx2.MockTransport(self._answer))
        key = VerifierKey(ORIGIN, self.integrator.signer.public)
        asking = Witnesses(self.database, self.clock, key, policy, client)
        if adopted:
            with self.database.write() as tx:
                asking.adopt(tx, self.log, self.clock.now())
            self.integrator.integrate()
        return asking

    def grow(self, count: int = 1) -> None:
        with self.database.write() as tx:
            for number in range(count):
                self.log.append(tx, make.withdrawal(number), self.clock.advance(1))
        self.integrator.integrate()

    def state(self, asking: Witnesses) -> WitnessState:
        with self.database.read() as tx:
            return asking.state(tx)

    def served(self) -> tuple[int | None, int | None]:
        """Sizes of the served and of the newest checkpoint."""
        with self.database.read() as tx:
            served, newest = cosigned.served(tx), cosigned.newest(tx)
        return served and served.size, newest and newest.size

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        name = request.url.host.partition(".")[0]
        if name in self.answers:
            return self.answers[name](request)
        with _ONE_AT_A_TIME:
            http = TestClient(witness_app(self.witness(name)))
        answer = http.post(request.url.path, content=request.read())
        return httpx2.Response(answer.status_code, headers=answer.headers, content=answer.content)


@pytest.fixture
def world(
    database: Database, log: AuditService, integrator: Integrator, clock: FakeClock, tmp_path: Path
) -> Iterator[World]:
    make.fill(database, log, integrator, clock, 9)
    world = World(database, log, integrator, clock, tmp_path)
    yield world
    for witness in world.made.values():
        witness.database.engine.dispose()


def problem_of(state: WitnessState) -> str | None:
    (one,) = state.witnesses
    return one.problem and one.problem.code


# Honest witnesses ------------------------------------------------------------------------------


def test_the_newest_checkpoint_gets_the_cosignatures_that_it_needs(world: World) -> None:
    policy = world.policy("all", ("w1", "w2"))
    asking = world.asking(policy)
    assert not world.state(asking).met
    assert world.served() == (None, 10)
    assert cosign_now(asking)
    state = world.state(asking)
    assert (state.met, state.size, state.quorum_size) == (True, 10, 10)
    assert state.quorum_at == world.clock.now()
    assert world.served() == (10, 10)
    with world.database.read() as tx:
        note = world.log.witnessed_checkpoint(tx)
    assert note is not None
    verdict = evaluate(policy, note.encode(), VerifierKey(ORIGIN, world.integrator.signer.public))
    assert verdict.met
    assert set(verdict.cosigned) == {"w1", "w2"}


def test_a_log_that_grows_proves_it_to_each_witness(world: World) -> None:
    asking = world.asking(world.policy("all", ("w1", "w2", "w3")))
    for count in (1, 2, 300, 5):
        world.grow(count)
        assert cosign_now(asking)
    last = world.witness("w2").watched()[0].last
    assert last is not None
    assert last.checkpoint.size == world.served()[0]


def test_a_witness_that_was_away_is_shown_what_it_missed(world: World) -> None:
    asking = world.asking(world.policy())
    cosign_now(asking)
    world.answers["w1"] = lambda _: httpx2.Response(503)
    for _ in range(3):
        world.grow(7)
        assert not cosign_now(asking)
    assert problem_of(world.state(asking)) == "wrong_answer"
    del world.answers["w1"]
    assert cosign_now(asking)
    assert problem_of(world.state(asking)) is None


def test_a_process_that_knows_nothing_of_a_witness_is_told_the_size(world: World) -> None:
    first = world.asking(world.policy())
    cosign_now(first)
    world.grow(4)
    # Another process showed more meanwhile, and kept no answer.
    with world.database.read() as tx:
        signed = cosigned.newest(tx)
    assert signed is not None
    path = world.asking(world.policy(), adopted=False)
    second = open_witness(world.folder / "w1", clock=world.clock)
    assert cosign_now(path)
    world.grow(2)
    assert cosign_now(first)
    last = second.watched()[0].last
    assert last is not None
    assert last.checkpoint.size == signed.size + 2
    second.database.engine.dispose()


def test_a_log_keeps_its_quorum_through_a_rotation_of_its_witness(world: World) -> None:
    """By the old key until the policy names the new one, and by that one from then on."""
    by_old = world.policy()
    first = world.asking(by_old)
    assert cosign_now(first)
    world.witness("w1").rotate(MONTH)
    world.grow(2)
    assert cosign_now(first)
    second = world.asking(world.policy())
    assert cosign_now(second)
    world.clock.advance(MONTH)
    world.grow(2)
    assert cosign_now(second)
    stale = world.asking(by_old, adopted=False)
    assert not cosign_now(stale)


def test_one_thread_a_witness_shows_what_is_new_and_renews_the_times(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(witnesses, "LOOK_EVERY_S", 0.02)
    asking, stop = world.asking(world.policy("all", ("w1", "w2"))), threading.Event()
    thread = threading.Thread(target=asking.run, args=(stop,))
    thread.start()
    try:
        assert until(lambda: world.state(asking).met)
        world.grow(3)
        assert until(lambda: world.state(asking).met)
        before = world.state(asking).quorum_at
        world.clock.advance(601)
        now = world.clock.now()
        assert until(lambda: world.state(asking).quorum_at == now)
        assert before is not None
        assert before < now
    finally:
        stop.set()
        thread.join()


def until(holds: Callable[[], bool], patience_s: float = 10) -> bool:
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.02)
    return False


# Quorum policies -------------------------------------------------------------------------------


@pytest.mark.parametrize(("rule", "met"), [("all", False), ("any", True), ("1", True), ("2", True)])
def test_one_witness_down_matters_as_much_as_the_policy_says(
    world: World, rule: str, *, met: bool
) -> None:
    def down(_: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused")

    asking = world.asking(world.policy(rule, ("w1", "w2", "w3")))
    assert cosign_now(asking)
    world.answers["w3"] = down
    before = world.served()[1]
    world.grow()
    assert cosign_now(asking) == met
    served, newest = world.served()
    assert newest == (before or 0) + 1
    assert served == (newest if met else before)
    state = world.state(asking)
    assert [witness.problem and witness.problem.code for witness in state.witnesses] == [
        None,
        None,
        "silent",
    ]


def test_an_entry_that_is_younger_than_the_quorum_is_proved_against_the_newest(
    world: World,
) -> None:
    asking = world.asking(world.policy())
    cosign_now(asking)
    world.answers["w1"] = lambda _: httpx2.Response(503)
    world.grow(2)
    cosign_now(asking)
    with world.database.read() as tx:
        assert ReadingService(world.log).proof(tx, 3).size == 10
        assert ReadingService(world.log).proof(tx, 11).size == 12


def test_another_policy_counts_from_its_adoption(world: World) -> None:
    cosign_now(world.asking(world.policy("all", ("w1",))))
    stricter = world.asking(world.policy("all", ("w1", "w2")))
    assert world.served()[0] is None
    assert cosign_now(stricter)
    assert world.served()[0] == world.served()[1]


# Witnesses that lie ----------------------------------------------------------------------------


def lines(text: str, signer: LocalSigner, name: str, at: int) -> httpx2.Response:
    return httpx2.Response(200, content=f"{cosign(text, name, signer, at)}\n".encode())


def lie(kind: str, world: World) -> Handler:
    """What a lying witness answers to whatever it is shown."""
    signer = world.witness("w1").keys.signer("witness")
    assert isinstance(signer, LocalSigner)
    stranger = LocalSigner.from_seed(b"z" * 32)
    now = int(world.clock.now().timestamp())

    def text(request: httpx2.Request) -> str:
        return parse_note(request.read().partition(b"\n\n")[2]).text

    def other(request: httpx2.Request) -> str:
        said = text(request).split("\n")
        return "\n".join([said[0], str(int(said[1]) + 1), *said[2:]])

    def flipped(request: httpx2.Request) -> httpx2.Response:
        blob = now.to_bytes(8) + bytes(64)
        key = cosign(text(request), "w1.example", signer, now).split(" ")[2]
        line = base64.b64encode(base64.b64decode(key)[:4] + blob).decode()
        return httpx2.Response(200, content=f"\N{EM DASH} w1.example {line}\n".encode())

    def plain(request: httpx2.Request) -> httpx2.Response:
        note = sign_note(text(request), "w1.example", signer)
        return httpx2.Response(200, content=note.rpartition("\n\n")[2].encode())

    answers: dict[str, Handler] = {
        "a stranger's key": lambda r: lines(text(r), stranger, "w1.example", now),
        "another name": lambda r: lines(text(r), signer, "w2.example", now),
        "another checkpoint": lambda r: lines(other(r), signer, "w1.example", now),
        "no signature at all": flipped,
        "a log's signature": plain,
        "a time in the future": lambda r: lines(text(r), signer, "w1.example", now + 301),
        "a time long ago": lambda r: lines(text(r), signer, "w1.example", now - 301),
        "nothing": lambda _: httpx2.Response(200),
        "a page": lambda _: httpx2.Response(200, content=b"<html>sign in</html>\n"),
        "too much": lambda _: httpx2.Response(200, content=b"x" * 64_001),
        "a redirect": lambda _: httpx2.Response(307, headers={"Location": "http://127.0.0.1/"}),
        "no such log": lambda _: httpx2.Response(404),
        "no such key": lambda _: httpx2.Response(403),
        "an error": lambda _: httpx2.Response(500),
        "a size that is none": lambda _: httpx2.Response(
            409, headers={"Content-Type": "text/x.tlog.size"}, content=b"-1\n"
        ),
    }
    return answers[kind]


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("a stranger's key", "wrong_answer"),
        ("another name", "wrong_answer"),
        ("another checkpoint", "wrong_answer"),
        ("no signature at all", "wrong_answer"),
        ("a log's signature", "wrong_answer"),
        ("a time in the future", "clock"),
        ("a time long ago", "clock"),
        ("nothing", "wrong_answer"),
        ("a page", "wrong_answer"),
        ("too much", "wrong_answer"),
        ("a redirect", "wrong_answer"),
        ("no such log", "unknown_log"),
        ("no such key", "untrusted_key"),
        ("an error", "wrong_answer"),
        ("a size that is none", "wrong_answer"),
    ],
)
def test_what_a_lying_witness_says_is_not_kept_and_does_not_stop_the_log(
    world: World, kind: str, code: str
) -> None:
    asking = world.asking(world.policy())
    world.answers["w1"] = lie(kind, world)
    assert not cosign_now(asking)
    state = world.state(asking)
    assert problem_of(state) == code
    assert state.witnesses[0].last_size is None
    assert state.alarms == ()
    world.grow()
    assert world.served() == (None, 11)
    del world.answers["w1"]
    assert cosign_now(asking)
    assert problem_of(world.state(asking)) is None


def test_an_older_cosignature_is_not_taken_for_a_newer_one(world: World) -> None:
    asking = world.asking(world.policy())
    with world.database.read() as tx:
        signed = cosigned.newest(tx)
    assert signed is not None
    signer = world.witness("w1").keys.signer("witness")
    assert isinstance(signer, LocalSigner)
    now, text = int(world.clock.now().timestamp()), parse_note(signed.note.encode()).text
    world.answers["w1"] = lambda _: lines(text, signer, "w1.example", now)
    assert cosign_now(asking)
    world.answers["w1"] = lambda _: lines(text, signer, "w1.example", now - 10)
    cosign_now(asking)
    state = world.state(asking)
    assert problem_of(state) == "old_answer"
    assert state.quorum_at == world.clock.now()


def test_a_line_written_into_the_table_by_hand_meets_no_quorum(world: World) -> None:
    asking = world.asking(world.policy())
    signer = LocalSigner.from_seed(b"z" * 32)
    now = world.clock.now()
    key = asking._asking["w1"].witness.key
    blob = key.key_id + int(now.timestamp()).to_bytes(8) + signer.sign(signed_message("x", 1))
    row = {
        "size": 10,
        "witness": key.vkey,
        "time": int(now.timestamp()),
        "line": f"\N{EM DASH} w1.example {base64.b64encode(blob).decode()}",
        "received_at": now,
    }
    with world.database.write() as tx:
        tx.execute(cosigned.cosignature.insert(), row)
        policy = documents.in_force(tx, cosigned.ADOPTED)
        assert policy is not None
        cosigned.add_quorum(tx, policy, 10, now)
    state = world.state(asking)
    assert (state.met, state.quorum_size) == (False, None)


# Alarms ----------------------------------------------------------------------------------------


def fork_at(world: World, size: int) -> None:
    """The log's key signs another tree of this size, and the witness sees that one first."""
    root = CompactRange().extend(leaf_hash(str(one).encode()) for one in range(size)).root
    text = Checkpoint(ORIGIN, size, root).text
    note = sign_note(text, ORIGIN, world.integrator.signer)
    world.witness("w1").add_checkpoint(request_body(0, (), note))


@pytest.mark.parametrize("size", [10, 7])
def test_a_log_that_was_signed_twice_is_an_alarm_on_both_sides(world: World, size: int) -> None:
    asking = world.asking(world.policy())
    fork_at(world, size)
    assert not cosign_now(asking)
    assert not cosign_now(asking)
    state = world.state(asking)
    assert problem_of(state) == "contradicted"
    (alarm,) = state.alarms
    assert (alarm.what, alarm.size, alarm.witness) == (
        "contradicted",
        10,
        world.witness("w1").vkey,
    )
    assert world.served() == (None, 10)
    assert len(world.witness("w1").evidence()) == (1 if size == 10 else 0)


@pytest.mark.parametrize(
    ("size", "problem", "alarms"), [(9, "moved", 0), (10, "moved", 0), (11, "ahead", 1)]
)
def test_only_a_witness_that_names_more_than_there_is_raises_an_alarm(
    world: World, size: int, problem: str, alarms: int
) -> None:
    """The log has ten entries; one that names another size each time was shown more meanwhile."""
    asking = world.asking(world.policy())
    answer = {"headers": {"content-type": "text/x.tlog.size"}, "content": f"{size}\n".encode()}
    world.answers["w1"] = lambda _: httpx2.Response(409, **answer)
    assert not cosign_now(asking)
    state = world.state(asking)
    assert problem_of(state) == problem
    assert len(state.alarms) == alarms


def test_a_witness_that_saw_more_than_there_is_tells_of_a_rollback(world: World) -> None:
    asking = world.asking(world.policy())
    fork_at(world, 12)
    assert not cosign_now(asking)
    state = world.state(asking)
    assert problem_of(state) == "ahead"
    (alarm,) = state.alarms
    assert "12 entries" in alarm.said


def test_an_older_edition_that_answers_409_without_a_size_is_an_alarm_too(world: World) -> None:
    asking = world.asking(world.policy())
    world.answers["w1"] = lambda _: httpx2.Response(409)
    cosign_now(asking)
    assert [alarm.what for alarm in world.state(asking).alarms] == ["contradicted"]


def test_a_witness_that_moves_the_size_each_time_holds_nobody(world: World) -> None:
    asking, sizes = world.asking(world.policy()), iter(range(1, 1000))

    def moving(_: httpx2.Request) -> httpx2.Response:
        size = next(sizes)
        return httpx2.Response(
            409, headers={"Content-Type": "text/x.tlog.size"}, content=f"{size}\n".encode()
        )

    world.answers["w1"] = moving
    assert not cosign_now(asking)
    assert next(sizes) < 5
    assert problem_of(world.state(asking)) == "moved"


# Real sockets ----------------------------------------------------------------------------------


def test_a_witness_that_takes_the_call_and_says_nothing_is_slow(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        text = f"witness w1 {world.witness('w1').vkey} http://127.0.0.1:{port}\nquorum w1\n"
        key = VerifierKey(ORIGIN, world.integrator.signer.public)
        client = httpx2.Client(timeout=0.3, trust_env=False)
        asking = Witnesses(world.database, world.clock, key, parse_policy(text.encode()), client)
        began = time.monotonic()
        assert not cosign_now(asking)
        assert time.monotonic() - began < 2
        assert problem_of(world.state(asking)) == "slow"
    cosign_now(asking)
    assert problem_of(world.state(asking)) == "silent"


def test_a_witness_that_drips_bytes_is_left(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.audit.witnesses.client.TIMEOUT_S", 0.2)

    def drip() -> Iterator[bytes]:
        while True:
            time.sleep(0.05)
            yield b"x"

    asking = world.asking(world.policy())
    world.answers["w1"] = lambda _: httpx2.Response(200, content=drip())
    began = time.monotonic()
    assert not cosign_now(asking)
    assert time.monotonic() - began < 2
    assert problem_of(world.state(asking)) == "slow"


def test_a_witness_that_drips_headers_is_slow_while_it_does(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each byte comes in time, so no timeout ends it; whoever looks is told."""
    monkeypatch.setattr("app.audit.witnesses.asking.PATIENCE_S", 0.2)
    stop = threading.Event()
    with socket.socket() as dripping:
        dripping.bind(("127.0.0.1", 0))
        dripping.listen()

        def drip() -> None:
            call, _ = dripping.accept()
            with call:
                call.sendall(b"HTTP/1.1 200 OK\r\nX: ")
                while not stop.wait(0.02):
                    call.sendall(b"x")

        server = threading.Thread(target=drip)
        server.start()
        port = dripping.getsockname()[1]
        policy = f"witness w1 {world.witness('w1').vkey} http://127.0.0.1:{port}\nquorum w1\n"
        key = VerifierKey(ORIGIN, world.integrator.signer.public)
        asking = Witnesses(world.database, world.clock, key, parse_policy(policy.encode()))
        assert not cosign_now(asking, 0.3)
        assert problem_of(world.state(asking)) == "slow"
        stop.set()
        server.join()
        assert until(lambda: problem_of(world.state(asking)) == "silent")
    asking.close()


def test_a_clock_that_is_set_back_does_not_stop_the_asking(world: World) -> None:
    asking = world.asking(world.policy())
    assert cosign_now(asking)
    (one,) = asking._asking.values()
    assert not asking._is_due(one)
    world.clock.advance(-86_400)
    assert asking._is_due(one)


def test_a_witness_that_packs_its_answer_is_not_unpacked(world: World) -> None:
    """A few bytes of gzip can be as many megabytes as a witness likes."""
    asked: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.headers["accept-encoding"])
        return httpx2.Response(
            200, headers={"Content-Encoding": "gzip"}, content=gzip.compress(b"x")
        )

    world.answers["w1"] = answer
    asking = world.asking(world.policy())
    assert not cosign_now(asking)
    assert (asked, problem_of(world.state(asking))) == (["identity"], "wrong_answer")


# The policy ------------------------------------------------------------------------------------


def adoptions(database: Database, log: AuditService) -> list[str]:
    with database.read() as tx:
        size = log.size(tx)
        leaves = [entry.leaf for entry in store.entries_between(tx, 0, size)]
    return [
        str(leaf["facts"]["policy"]) for leaf in leaves if leaf["kind"] == "log.witnesses_adopted"
    ]


def test_a_policy_is_adopted_once_by_an_entry_that_names_its_text(world: World) -> None:
    policy = world.policy()
    world.asking(policy)
    world.asking(policy)
    other = world.policy("any", ("w1", "w2"))
    world.asking(other)
    found = adoptions(world.database, world.log)
    assert found == [digest(policy.text.encode()), digest(other.text.encode())]
    with world.database.read() as tx:
        kept = dict(world.log.documents(tx))
        assert cosigned.policy_in_force(tx) == other.text.encode()
    assert kept[found[0]] == policy.text.encode()


def test_a_policy_that_is_taken_away_leaves_an_entry_too(world: World) -> None:
    key = VerifierKey(ORIGIN, world.integrator.signer.public)
    none = Witnesses(world.database, world.clock, key, None)
    with world.database.write() as tx:
        none.adopt(tx, world.log, world.clock.now())
    world.integrator.integrate()
    assert adoptions(world.database, world.log) == []
    world.asking(world.policy())
    for _ in range(2):
        with world.database.write() as tx:
            none.adopt(tx, world.log, world.clock.now())
    world.integrator.integrate()
    assert adoptions(world.database, world.log)[1:] == [digest(b"quorum none\n")]
    assert world.served()[0] == world.served()[1]
    assert world.state(none).met


def test_a_verb_next_to_the_service_changes_nothing_about_who_must_cosign(
    settings: Settings, database: Database, clock: FakeClock, shipped: Shipped, tmp_path: Path
) -> None:
    """An export from a shell without the service's settings must not say that no witness counts."""
    witness = open_witness(tmp_path / "w", "w.example", clock)
    witness.database.engine.dispose()
    file = tmp_path / "policy"
    file.write_text(f"witness w {witness.vkey} http://127.0.0.1:9/\nquorum w\n", encoding="utf-8")
    served = settings.model_copy(update={"witnesses": file})
    build(served, clock=clock, database=database, shipped=shipped)
    build(settings, clock=clock, database=database, shipped=shipped, serving=False)
    with database.read() as tx:
        assert cosigned.policy_in_force(tx) == file.read_bytes()
    build(settings, clock=clock, database=database, shipped=shipped)
    with database.read() as tx:
        assert cosigned.policy_in_force(tx) == b"quorum none\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("quorum\n", "line 1"),
        ("log {other}\nquorum none\n", "does not name this log"),
        ("witness w {witness} http://witness.example/\nquorum w\n", "not https"),
        ("witness w {witness} http://127.0.0.1.witness.example/\nquorum w\n", "not https"),
        ("witness w {witness} file:///etc/passwd\nquorum w\n", "not https"),
        ("witness w {witness} https://\nquorum w\n", "not https"),
    ],
)
def test_a_policy_that_cannot_be_followed_stops_the_start(
    settings: Settings,
    database: Database,
    clock: FakeClock,
    shipped: Shipped,
    tmp_path: Path,
    text: str,
    problem: str,
) -> None:
    other = VerifierKey("other", LocalSigner.generate().public).vkey
    witness = open_witness(tmp_path / "w", "w.example", clock)
    file = tmp_path / "policy"
    file.write_text(text.format(other=other, witness=witness.vkey), encoding="utf-8")
    witness.database.engine.dispose()
    with pytest.raises(Unreadable, match=problem):
        read_policy(file, VerifierKey(ORIGIN, LocalSigner.generate().public))
    with pytest.raises(Unreadable, match="HABEAS_WITNESSES"):
        missing = settings.model_copy(update={"witnesses": tmp_path / "missing"})
        build(missing, clock=clock, database=database, shipped=shipped)


def test_a_policy_may_name_the_log_under_its_name_before_a_restore(tmp_path: Path) -> None:
    signer = LocalSigner.generate()
    file = tmp_path / "policy"
    file.write_text(f"log {VerifierKey(ORIGIN, signer.public).vkey}\nquorum none\n", "utf-8")
    assert read_policy(file, VerifierKey(f"{ORIGIN}/e2", signer.public)) is not None
    assert read_policy(None, VerifierKey(ORIGIN, signer.public)) is None


def test_a_witness_without_an_address_is_not_asked(world: World) -> None:
    text = f"witness w1 {world.witness('w1').vkey}\nquorum w1\n"
    asking = world.asking(parse_policy(text.encode()))
    assert not cosign_now(asking)
    assert problem_of(world.state(asking)) == "no_address"


def test_without_a_policy_there_is_nobody_to_ask(world: World) -> None:
    key = VerifierKey(ORIGIN, world.integrator.signer.public)
    none = Witnesses(world.database, world.clock, key, None)
    none.run(threading.Event())
    assert cosign_now(none)
    state = world.state(none)
    assert (state.has_policy, state.met, state.witnesses, state.alarms) == (False, True, (), ())
