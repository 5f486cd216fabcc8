"""Yesterday's copy of the database comes back: nothing serves until two people have signed."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from app.agents.leases.terms import Poll
from app.audit.entries import store
from app.audit.entries.model import SYSTEM, EntryFilter
from app.audit.export.writing import export_log
from app.audit.reading.service import ReadingService
from app.audit.restore.service import Restore
from app.audit.tree.checkpoint import (
    VerifierKey,
    open_checkpoint,
    parse_checkpoint,
    parse_note,
)
from app.cli import understood
from app.demo.custodians import NAMES, sample_custodians
from app.kernel.errors import Conflict, Forbidden, HabeasError, Unavailable
from app.kernel.forms import AGENT_FORM
from app.kernel.signing import thumbprint
from app.sdk.agent import memory
from app.sdk.agent.guard import Guard
from app.sdk.lease import read_lease
from app.sdk.verify import verify
from app.wiring import Services
from tests.architecture.test_every_change_is_an_entry import Story, start_session
from tests.audit.restore.instance import Instance, consents, lock_store, withdraws, write

pytestmark = pytest.mark.slow


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
        assert not store.any_pending(tx)
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
