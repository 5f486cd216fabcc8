"""Yesterday's copy of the database comes back: nothing serves until two people have signed."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import make_url, select
from starlette.testclient import TestClient
from typer.testing import CliRunner

from app.agents.leases.terms import Poll
from app.audit.entries import store
from app.audit.entries.halt import Halt
from app.audit.entries.model import SYSTEM, EntryFilter, Event, Kind
from app.audit.export.writing import export_log
from app.audit.growing.integrator import Integrator
from app.audit.growing.lock import LockStore, open_lock
from app.audit.reading.service import ReadingService
from app.audit.restore.custody import read_private_key, sign_statement
from app.audit.restore.record import RestoreRecord
from app.audit.restore.service import Restore
from app.audit.tree.checkpoint import (
    VerifierKey,
    open_checkpoint,
    parse_checkpoint,
    parse_note,
)
from app.audit.tree.quorum import parse_policy
from app.audit.witnesses.asking import Witnesses
from app.cli import understood
from app.consent.model import Act, State
from app.demo.custodians import NAMES, sample_custodians
from app.kernel.errors import Conflict, Forbidden, HabeasError, Unavailable
from app.kernel.facts import encode
from app.kernel.forms import AGENT_FORM
from app.kernel.signing import thumbprint
from app.sdk.agent import memory
from app.sdk.agent.guard import Guard
from app.sdk.lease import read_lease
from app.sdk.verify import verify
from app.settings import Settings
from app.wiring import Services, build, restore
from app.wiring.shipped import Shipped
from app.witness.http import witness_app
from app.witness.service import Witness, open_witness
from tests.architecture.test_every_change_is_an_entry import EMPLOYEE, Story, start_session
from tests.audit import make
from tests.fakes import FakeClock
from tests.postgresql import copy_database, drop_database
from tests.roles import Estate, dropping_roles, new_prefix
from tests.templates import FILE, Templates

pytestmark = pytest.mark.slow


class Crash(Exception):
    """Ends a process in a test."""


class Instance:
    """The sample organisation on a database that can be copied and put back."""

    def __init__(self, settings: Settings, server: str, clock: FakeClock, shipped: Shipped) -> None:
        self.custodians = settings.var / "custodians"
        listed = sample_custodians(self.custodians)
        self.settings = settings.model_copy(update={"custodians": listed})
        self.server, self.clock, self.shipped = server, clock, shipped
        self.folder = settings.var.parent
        self.file, self.copy = self.folder / FILE, self.folder / "copy.sqlite"
        url = make_url(settings.database_url)
        self.kind, self.name = url.get_backend_name(), str(url.database)
        self.copied = False
        self.running: list[Services] = []

    def start(self) -> Services:
        self.running.append(build(self.settings, clock=self.clock, shipped=self.shipped))
        return self.running[-1]

    def recover(self) -> Restore:
        services, found = restore(self.settings, clock=self.clock, shipped=self.shipped)
        self.running.append(services)
        return found

    def stop(self) -> None:
        for services in self.running:
            services.close()
        self.running.clear()

    def back_up(self) -> None:
        self.stop()
        if self.kind == "sqlite":
            with (
                closing(sqlite3.connect(self.file)) as source,
                closing(sqlite3.connect(self.copy)) as target,
            ):
                source.backup(target)
        else:
            copy_database(self.server, f"{self.name}_c", self.name)
            self.copied = True

    def put_back(self) -> None:
        self.stop()
        if self.kind == "sqlite":
            for suffix in ("-wal", "-shm"):
                self.file.with_name(self.file.name + suffix).unlink(missing_ok=True)
            shutil.copyfile(self.copy, self.file)
        else:
            drop_database(self.server, self.name)
            copy_database(self.server, self.name, f"{self.name}_c")

    def drop_copy(self) -> None:
        if self.copied:
            drop_database(self.server, f"{self.name}_c")

    def signed(self, statement: str, *names: str) -> bytes:
        for name in names:
            key = (self.custodians / f"{name}.key").read_bytes()
            statement = sign_statement(statement.encode(), *read_private_key(key))
        return statement.encode()

    def acknowledge(self) -> Services:
        """The two-person path, whole; the service runs again."""
        found = self.recover()
        note = self.signed(found.statement(), *NAMES)
        done = found.acknowledge(note, self.running[-1].consent.end_all, self.clock.now())
        assert set(done.signers) == set(NAMES)
        self.stop()
        return self.start()


def write(services: Services, tell: Callable[[Story], object]) -> object:
    with services.database.write() as tx:
        said = tell(Story(services, tx))
    services.integrator.integrate()
    return said


def consents(story: Story) -> None:
    story.given()


def withdraws(story: Story) -> None:
    story.services.consent.decide(story.tx, story.person(EMPLOYEE), Act.WITHDRAWN, story.now)


MINUTE = 60


def lose_a_withdrawal(instance: Instance) -> None:
    """A consent, the copy, a withdrawal and more, and the copy comes back."""
    write(instance.start(), consents)
    instance.back_up()
    services = instance.start()
    instance.clock.advance(MINUTE)
    write(services, withdraws)
    for _ in range(3):
        write(services, start_session)
    instance.put_back()


@contextmanager
def opened(
    kind: str, name: str, request: pytest.FixtureRequest, folder: Path, clock: FakeClock
) -> Iterator[Instance]:
    """A copy of an instance, on PostgreSQL under its roles; what it leaves there is dropped."""
    templates: Templates = request.getfixturevalue("templates")
    shipped: Shipped = request.getfixturevalue("shipped")
    server = request.getfixturevalue("postgresql_server") if kind == "postgresql" else ""

    def lose(settings: Settings) -> None:
        instance = Instance(settings, server, FakeClock(), shipped)
        lose_a_withdrawal(instance)
        instance.drop_copy()

    templates.add("lost", "sample", lose)
    prefix = new_prefix()
    with (
        dropping_roles(server, prefix) if server else nullcontext(),
        templates.copy(kind, name, folder) as url,
    ):
        instance = Instance(as_documented(folder, url, prefix), server, clock, shipped)
        yield instance
        instance.stop()
        instance.drop_copy()


def as_documented(folder: Path, url: str, prefix: str) -> Settings:
    """As docs/operate.md says: outside the demo, on PostgreSQL with its roles."""
    settings = Settings(var=folder / "var", database_url=url, oidc_issuer="https://idp.example")
    if settings.database.startswith("sqlite"):
        return settings
    estate = Estate(url, prefix)
    estate.make_roles()
    urls = {"database_url": estate.as_role("app"), "integrator_url": estate.as_role("integrator")}
    return settings.model_copy(update=urls)


@pytest.fixture(params=["sqlite", "postgresql"])
def instance(
    request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock
) -> Iterator[Instance]:
    """The sample organisation."""
    with opened(request.param, "sample", request, tmp_path, clock) as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def lost(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> Iterator[Instance]:
    """The same after a withdrawal was lost (``lose_a_withdrawal``)."""
    clock.advance(MINUTE)
    with opened(request.param, "lost", request, tmp_path, clock) as made:
        yield made


def lock_store(instance: Instance) -> bytes:
    """The newest checkpoint that the instance remembers."""
    lock = open_lock(instance.settings.lock)
    note = lock.read()
    lock.database.engine.dispose()
    assert note is not None
    return note


def test_a_restored_copy_is_refused_and_two_people_let_the_log_go_on(
    lost: Instance, tmp_path: Path
) -> None:
    with pytest.raises(Unavailable) as refused:
        lost.start()
    assert refused.value.kind == "rolled_back"
    kept = lock_store(lost)
    before = parse_checkpoint(parse_note(kept).text).origin

    services = lost.acknowledge()

    key = services.integrator.key
    signed = open_checkpoint(kept, VerifierKey(before, key.public))
    assert services.log.origin == f"{before}/e2"
    with services.database.read() as tx:
        (entry,) = ReadingService(services.log).search(tx, EntryFilter(kind="log.restored"))
        facts = entry.leaf["facts"]
        assert facts["previous_origin"] == before
        assert (facts["previous_size"], facts["previous_root"]) == (signed.size, signed.root.hex())
        assert facts["restored_size"] < facts["previous_size"]
        assert facts["origin"] == services.log.origin
        documents = dict(services.log.documents(tx))
        assert b"acknowledge-restore" in documents[facts["statement"]]
        assert documents[facts["custodians"]].count(b"\n") == 2
    note = services.lock.read()
    assert note is not None
    assert open_checkpoint(note, services.integrator.key).origin == services.log.origin
    write(services, start_session)  # it grows again
    export = export_log(
        services.database, services.log, services.integrator, tmp_path / "e2.tar",
        actor=SYSTEM, now=lost.clock.now(), documents=services.exports.documents,
    )  # fmt: skip
    (tmp_path / "kept").write_bytes(kept)
    report = verify(export.path, services.integrator.vkey)
    assert report.ok, report
    # Who kept the lost checkpoint is told, and not that all is as it was.
    told = verify(export.path, services.integrator.vkey, tmp_path / "kept")
    assert "lost at the restore" in str(told)


def test_a_consent_whose_withdrawal_may_be_lost_no_longer_holds(lost: Instance) -> None:
    services = lost.acknowledge()
    with services.database.read() as tx:
        person = services.directory.person(tx, EMPLOYEE)
        standing = services.consent.standing(tx, person, lost.clock.now())
        assert standing.state is State.REVOKED
        (entry,) = ReadingService(services.log).search(tx, EntryFilter(kind="consent.revoked"))
        assert entry.leaf["facts"]["reason"] == "restore"
        body = ReadingService(services.log).body(tx, entry.leaf["event"])
        assert body is not None
        assert "decide anew" in str(body["note"])
    write(services, consents)  # and it can be given anew
    with services.database.read() as tx:
        person = services.directory.person(tx, EMPLOYEE)
        assert services.consent.standing(tx, person, lost.clock.now()).state is State.GIVEN


def test_laptops_that_saw_what_is_lost_go_on_and_the_old_permission_does_not(
    instance: Instance,
) -> None:
    """What a laptop remembers is above what the copy counts; the new epoch counts above both."""
    services = instance.start()
    paired = write(services, Story.paired)
    write(services, consents)
    instance.back_up()
    services = instance.start()
    for _ in range(3):
        write(services, withdraws)
        write(services, consents)
    key = services.keys.signer("lease").public
    memory.begin(instance.folder / "laptop", paired.id)
    guard = Guard(
        instance.folder / "laptop", {thumbprint(key): key}, paired.id, instance.clock,
        elapsed=instance.clock.elapsed,
    )  # fmt: skip

    def poll(services: Services) -> object:
        def ask(story: Story) -> tuple[str, bytes | None, bytes | None]:
            poll = Poll(forms=str(AGENT_FORM))
            answer = services.leases.lease(story.tx, paired.device, instance.clock.now(), poll)
            assert answer.token is not None
            named = read_lease(answer.token, {thumbprint(key): key})
            policy, others = (
                services.policy.document(story.tx, name) if name else None
                for name in (named.policy, named.counterparties)
            )
            return answer.token, policy, others

        return guard.accept(*write(services, ask))

    assert poll(services) is None
    assert guard.state is None
    instance.clock.advance(5)
    instance.put_back()
    services = instance.acknowledge()
    assert poll(services) is None  # accepted, though the copy's own numbers are behind
    assert str(guard.state) == "consent_withdrawn"
    write(services, consents)
    instance.clock.advance(1)
    assert poll(services) is None
    assert guard.state is None


def one_twice(instance: Instance, found: Restore) -> bytes:
    once = instance.signed(found.statement(), NAMES[0])
    return once + once.split(b"\n\n")[1]


def only_one(instance: Instance, found: Restore) -> bytes:
    return instance.signed(found.statement(), NAMES[0])


def of_another_log(instance: Instance, found: Restore) -> bytes:
    return instance.signed(found.statement().replace("audit.", "other.", 1), *NAMES)


def about_less_lost(instance: Instance, found: Restore) -> bytes:
    text = found.statement()
    line = next(line for line in text.splitlines() if line.startswith("previous_size"))
    return instance.signed(text.replace(line, "previous_size 1"), *NAMES)


def for_something_else(instance: Instance, found: Restore) -> bytes:
    return instance.signed(found.statement().replace("acknowledge-restore", "erase"), *NAMES)


def unsigned(_instance: Instance, found: Restore) -> bytes:
    return found.statement().encode()


FORGERIES = (
    one_twice, only_one, of_another_log, about_less_lost, for_something_else, unsigned,
)  # fmt: skip


def test_anything_less_than_two_signatures_over_this_loss_changes_nothing(
    lost: Instance,
) -> None:
    found = lost.recover()
    for forge in FORGERIES:
        with pytest.raises(Forbidden):
            found.acknowledge(
                forge(lost, found), lost.running[-1].consent.end_all, lost.clock.now()
            )
    with found.database.read() as tx:
        assert store.count_pending(tx) == 0
    with pytest.raises(Unavailable):
        lost.start()


def test_a_statement_about_an_earlier_loss_counts_for_nothing(lost: Instance) -> None:
    """Signed once, it cannot be used again for the next restore of the same copy."""
    lost.back_up()
    found = lost.recover()
    stale = lost.signed(found.statement(), *NAMES)
    services = lost.acknowledge()
    write(services, start_session)
    lost.put_back()
    with pytest.raises(Unavailable) as refused:
        lost.start()
    assert refused.value.kind == "rolled_back"
    found = lost.recover()
    with pytest.raises(Forbidden, match="not what is to be done now"):
        found.acknowledge(stale, lost.running[-1].consent.end_all, lost.clock.now())
    services = lost.acknowledge()
    assert services.log.origin.endswith("/e3")


def test_nothing_is_acknowledged_where_nothing_was_lost(instance: Instance) -> None:
    write(instance.start(), start_session)
    with pytest.raises(Conflict, match="nothing to acknowledge"):
        instance.recover().statement()


class Dying(LockStore):
    """The process dies as the lock store is to be moved."""

    after = False

    def advance(self, *arguments: object) -> None:
        if self.after:
            super().advance(*arguments)  # type: ignore[arg-type]
        raise Crash


class DyingAfter(Dying):
    """The process dies just after the lock store was moved."""

    after = True


class DyingTree(Integrator):
    """The process dies before the tree takes in the entry."""

    def grow(self, *_: object) -> int:
        raise Crash


def dies(found: Restore, where: str) -> Restore:
    parts = dict(vars(found.integrator))
    if where == "before the tree":
        return replace(found, integrator=DyingTree(**parts))
    dying = DyingAfter if where == "after the lock" else Dying
    parts["lock"] = dying(found.lock.database)
    return replace(found, integrator=Integrator(**parts))


@pytest.mark.parametrize("where", ["before the tree", "before the lock", "after the lock"])
def test_a_crash_in_the_middle_is_finished_by_the_next_start(lost: Instance, where: str) -> None:
    found = lost.recover()
    note = lost.signed(found.statement(), *NAMES)
    with pytest.raises(Crash):
        dies(found, where).acknowledge(note, lost.running[-1].consent.end_all, lost.clock.now())
    services = lost.start()
    assert services.log.origin.endswith("/e2")
    with services.database.read() as tx:
        assert len(ReadingService(services.log).search(tx, EntryFilter(kind="log.restored"))) == 1
        assert (
            len(ReadingService(services.log).search(tx, EntryFilter(kind="consent.revoked"))) == 1
        )
        assert services.log.pending(tx) == 0
    lost.stop()
    assert lost.start().log.origin.endswith("/e2")


def test_a_restore_that_was_begun_is_finished_by_asking_again_too(lost: Instance) -> None:
    found = lost.recover()
    note = lost.signed(found.statement(), *NAMES)
    with pytest.raises(Crash):
        dies(found, "before the tree").acknowledge(
            note, lost.running[-1].consent.end_all, lost.clock.now()
        )
    with pytest.raises(Conflict, match="is finished"):
        lost.recover()
    assert lost.start().log.origin.endswith("/e2")


def test_an_entry_put_into_the_database_by_hand_changes_no_name(lost: Instance) -> None:
    """Whoever owns the database can submit a ``log.restored``; nobody has signed for it."""
    found = lost.recover()
    note = lost.signed(found.statement(), NAMES[0])
    with found.database.write() as tx:
        restored, _ = found._situation(tx)
        kept = found.log.keep_document(tx, note, lost.clock.now())
        record = RestoreRecord(restored, statement=kept, custodians=kept)
        event = Event(Kind.LOG_RESTORED, SYSTEM, encode(record))
        found.log.append(tx, event, lost.clock.now())
    with pytest.raises(Forbidden):
        lost.start()


def test_an_entry_of_a_restore_without_its_facts_is_refused_in_words(instance: Instance) -> None:
    services = instance.start()
    with services.database.write() as tx:
        event = Event(Kind.LOG_RESTORED, SYSTEM, {"origin": services.log.origin})
        services.log.append(tx, event, instance.clock.now())
    for start in (instance.start, instance.recover):
        with pytest.raises(
            Unavailable, match=r"by this program: previous_origin: is missing"
        ) as refused:
            start()
        assert refused.value.kind == "another-log"


def test_a_lost_lock_store_is_acknowledged_like_a_restore(instance: Instance) -> None:
    write(instance.start(), consents)
    instance.stop()
    for file in instance.settings.var.glob("lock.sqlite*"):
        file.unlink()
    with pytest.raises(Unavailable) as refused:
        instance.start()
    assert refused.value.kind == "lock-lost"
    services = instance.acknowledge()
    assert services.log.origin.endswith("/e2")
    with services.database.read() as tx:
        (entry,) = ReadingService(services.log).search(tx, EntryFilter(kind="log.restored"))
        assert entry.leaf["facts"]["previous_size"] == entry.leaf["facts"]["restored_size"]


def test_a_lock_store_from_before_the_restore_is_refused(instance: Instance) -> None:
    """It knows neither what was lost nor the new name: under the old one the log would fork."""
    lock = instance.settings.var / "lock.sqlite"
    write(instance.start(), consents)
    instance.stop()
    old = lock.read_bytes()
    lose_a_withdrawal(instance)
    services = instance.acknowledge()
    write(services, start_session)
    instance.stop()
    lock.write_bytes(old)
    for start in (instance.start, instance.recover):
        with pytest.raises(Unavailable, match="before the restore") as refused:
            start()
        assert refused.value.kind == "lock-lost"
    lock.unlink()
    assert instance.acknowledge().log.origin.endswith("/e3")


def test_without_custodians_nobody_can_acknowledge(lost: Instance) -> None:
    lost.settings = lost.settings.model_copy(update={"custodians": None})
    with pytest.raises(Unavailable, match="knows none"):
        lost.recover().statement()


def test_others_than_the_custodians_of_the_log_cannot_acknowledge(
    lost: Instance, tmp_path: Path
) -> None:
    """A reader of the log holds the restore against the list that it adopted."""
    own = sample_custodians(tmp_path / "own")
    lost.settings = lost.settings.model_copy(update={"custodians": own})
    with pytest.raises(Conflict, match="in force is sha256:"):
        lost.recover().statement()


def test_the_command_writes_the_statement_and_takes_it_signed(
    lost: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("var", "database_url", "integrator_url", "oidc_issuer", "custodians"):
        monkeypatch.setenv(f"HABEAS_{name.upper()}", str(getattr(lost.settings, name)))
    statement = lost.folder / "statement"

    def run(*words: object) -> str:
        done = CliRunner().invoke(understood(words), [str(word) for word in words])
        if isinstance(done.exception, HabeasError):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done.output

    shown = run("audit", "acknowledge-restore")
    assert shown.startswith("habeas statement\nacknowledge-restore\n")
    run("audit", "acknowledge-restore", "--out", statement)
    assert statement.read_text(encoding="utf-8") == shown
    for name in NAMES:
        with pytest.raises(Forbidden):
            run("audit", "acknowledge-restore", "--signed", statement)
        run("custodian", "sign", statement, "--key", lost.custodians / f"{name}.key")
    result = run("audit", "acknowledge-restore", "--signed", statement)
    assert "1 consent was ended" in result
    assert lost.start().log.origin.endswith("/e2")


def test_promises_made_before_a_restore_name_the_same_log_after_it(instance: Instance) -> None:
    services = instance.start()
    write(services, consents)
    with services.database.read() as tx:
        event = (
            tx.execute(select(store.leaf.c.event_id).order_by(store.leaf.c.idx.desc()))
            .scalars()
            .first()
        )
        before = services.log.submission_receipts(tx, (str(event),))
    instance.back_up()
    services = instance.start()
    instance.clock.advance(timedelta(hours=1))
    write(services, start_session)
    instance.put_back()
    services = instance.acknowledge()
    with services.database.read() as tx:
        assert services.log.submission_receipts(tx, (str(event),)) == before


# With a witness --------------------------------------------------------------------------------


@pytest.fixture
def witness(tmp_path: Path, clock: FakeClock) -> Iterator[Witness]:
    opened = open_witness(tmp_path / "witness", "council.example", clock)
    yield opened
    opened.database.engine.dispose()


def asking(witness: Witness, services: Services, key: VerifierKey) -> Witnesses:
    """What this log's process would ask, without its memory."""
    text = f"witness council {witness.vkey} http://council.localhost/\nquorum council\n"

    def answer(request: httpx2.Request) -> httpx2.Response:
        http = TestClient(witness_app(witness))
        answer = http.post(request.url.path, content=request.read())
        return httpx2.Response(answer.status_code, headers=answer.headers, content=answer.content)

    client = httpx2.Client(transport=httpx2.MockTransport(answer))
    policy = parse_policy(text.encode())
    return Witnesses(services.database, services.clock, key, policy, client)


def told(asked: Witnesses, services: Services) -> tuple[str | None, list[str]]:
    """What is wrong with the witness now, and every alarm so far."""
    with services.database.read() as tx:
        state = asked.state(tx)
    (seen,) = state.witnesses
    return seen.problem and seen.problem.code, [alarm.what for alarm in state.alarms]


def sign_without_a_lock_store(services: Services, clock: FakeClock, size: int) -> None:
    """What an operator can do who owns every file here: the log grows and signs all the same."""
    integrator = replace(services.integrator, lock=None, halt=Halt())
    log = replace(services.log, halt=integrator.halt)
    with services.database.write() as tx:
        for number in range(size - log.size(tx)):
            log.append(tx, make.decision(number), clock.now())
    integrator.integrate()


def test_a_witness_refuses_yesterdays_copy_that_is_signed_all_the_same(
    instance: Instance, witness: Witness
) -> None:
    """Only a new name, for which two people signed, is cosigned again."""
    services = instance.start()
    old = services.integrator.key
    witness.trust(old.vkey)
    write(services, consents)
    assert asking(witness, services, old).cosign_now()
    instance.back_up()
    services = instance.start()
    write(services, withdraws)
    for _ in range(3):
        write(services, start_session)
    assert asking(witness, services, old).cosign_now()
    (seen,) = witness.watched()
    assert seen.last is not None
    size = seen.last.checkpoint.size

    instance.put_back()
    with pytest.raises(Unavailable) as refused:
        instance.start()
    assert refused.value.kind == "rolled_back"
    # The service's own memory is thrown away, and then the service is not asked either.
    lock = instance.settings.var / "lock.sqlite"
    kept = lock.rename(instance.folder / "lock.kept")
    with pytest.raises(Unavailable) as refused:
        instance.start()
    assert refused.value.kind == "lock-lost"
    asked = asking(witness, services, old)
    sign_without_a_lock_store(services, instance.clock, size - 1)
    assert not asked.cosign_now()
    assert told(asked, services) == ("ahead", ["ahead"])
    sign_without_a_lock_store(services, instance.clock, size)
    assert not asked.cosign_now()
    assert not asked.cosign_now()  # told the size, it shows another root
    sign_without_a_lock_store(services, instance.clock, size + 3)
    assert not asked.cosign_now()
    problem, alarms = told(asked, services)
    assert problem == "contradicted"
    assert sorted(alarms) == ["ahead", "contradicted", "contradicted"]
    assert len(witness.evidence()) == 1
    assert witness.watched() == (seen,)

    services.close()
    instance.put_back()
    for file in instance.settings.var.glob("lock.sqlite*"):
        file.unlink()
    kept.rename(lock)
    services = instance.acknowledge()
    new = services.integrator.key
    asked = asking(witness, services, new)
    assert not asked.cosign_now()
    assert told(asked, services) == ("unknown_log", [])
    witness.trust(new.vkey)
    assert asked.cosign_now()
    assert told(asked, services) == (None, [])
    assert [one.origin for one in witness.watched()] == sorted((old.name, new.name))
