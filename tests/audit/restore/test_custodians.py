"""Only custodians whom the log named before the loss can let it go on."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import select, text

from app.audit.entries import documents, store
from app.audit.entries.documents import CUSTODIANS
from app.audit.entries.model import SYSTEM, Event, Kind
from app.audit.entries.vault import Vault
from app.audit.restore.custody import Custodians, parse_custodians
from app.audit.restore.record import RestoreRecord
from app.audit.restore.service import Restore
from app.db.engine import open_database
from app.demo.custodians import NAMES, sample_custodians
from app.kernel.errors import Conflict, Unavailable
from app.kernel.facts import encode
from tests.audit.restore.instance import Crash, Instance, consents, dies, withdraws, write
from tests.tamper import tampering

pytestmark = pytest.mark.slow


def others(instance: Instance) -> Custodians:
    """Two keys that somebody has just made, named in the settings from now on."""
    instance.custodians = instance.folder / "others"
    listed = sample_custodians(instance.custodians)
    instance.settings = instance.settings.model_copy(update={"custodians": listed})
    return parse_custodians(listed.read_bytes())


def without_custodians(instance: Instance) -> None:
    instance.settings = instance.settings.model_copy(update={"custodians": None})


def test_custodians_who_were_named_after_the_loss_are_refused(instance: Instance) -> None:
    """The lost entries had named them, too: what is lost names nobody."""
    without_custodians(instance)
    write(instance.start(), consents)
    instance.back_up()
    others(instance)
    services = instance.start()
    write(services, withdraws)
    instance.put_back()
    with pytest.raises(Conflict, match="were named after it") as refused:
        instance.recover().statement()
    assert refused.value.kind == "other-custodians"
    assert "begin a new one" in str(refused.value.cure)


def test_a_list_that_only_a_table_names_is_refused(instance: Instance) -> None:
    """The service's own role may put the row there; nobody signed for it."""
    without_custodians(instance)
    write(instance.start(), consents)
    instance.back_up()
    write(instance.start(), withdraws)
    instance.put_back()
    found, listed = instance.recover(), others(instance)
    with found.database.write() as tx:
        kept = documents.keep(tx, listed.document, instance.clock.now())
        documents.adopt(tx, CUSTODIANS, kept, instance.clock.now())
        adoption = Event(Kind.LOG_CUSTODIANS_ADOPTED, SYSTEM, {"custodians": kept})
        found.log.append(tx, adoption, instance.clock.now())
    with pytest.raises(Conflict, match="no entry from before the loss"):
        instance.recover().statement()


def renamed(instance: Instance, listed: Custodians) -> bytes:
    return adoption(instance).replace(known(instance).encode(), listed.digest.encode())


def cut_short(instance: Instance, _listed: Custodians) -> bytes:
    return adoption(instance)[:-1]


def adoption(instance: Instance) -> bytes:
    owner = open_database(instance.owner)
    with owner.read() as tx:
        entry: bytes = tx.execute(
            select(store.leaf.c.entry).where(store.leaf.c.kind == Kind.LOG_CUSTODIANS_ADOPTED)
        ).scalar_one()
    owner.engine.dispose()
    return entry


def known(instance: Instance) -> str:
    listed = instance.folder / "var" / "custodians" / "custodians.txt"
    return parse_custodians(listed.read_bytes()).digest


@pytest.mark.parametrize("written_anew", [renamed, cut_short])
def test_an_entry_that_was_changed_names_nobody(
    lost: Instance, written_anew: Callable[[Instance, Custodians], bytes]
) -> None:
    put(lost, written_anew(lost, others(lost)))
    with pytest.raises(Unavailable, match="the restored copy was altered"):
        lost.recover().statement()


@pytest.mark.parametrize("lost", ["sqlite"], indirect=True)
def test_an_entry_that_is_kept_as_text_is_named(lost: Instance) -> None:
    """SQLite keeps any type in any column."""
    put(lost, adoption(lost).decode())
    with pytest.raises(Unavailable, match="is not kept as bytes"):
        lost.recover().statement()


def put(instance: Instance, entry: bytes | str) -> None:
    owner = open_database(instance.owner)
    with tampering(owner) as connection:
        connection.execute(
            text("UPDATE audit_leaf SET entry = :entry WHERE kind = 'log.custodians_adopted'"),
            {"entry": entry},
        )
    owner.engine.dispose()


def test_a_restore_that_others_signed_is_not_finished_by_the_next_start(lost: Instance) -> None:
    """Whoever has the database and the settings puts the entry there, signed by two keys."""
    found, now = lost.recover(), lost.clock.now()
    with found.database.write() as tx:
        restored, _ = found._situation(tx)
        listed = others(lost)
        note = lost.signed(restored.statement(listed), *NAMES)
        record = RestoreRecord(
            restored,
            statement=documents.keep(tx, note, now),
            custodians=documents.keep(tx, listed.document, now),
        )
        found.log.append(tx, Event(Kind.LOG_RESTORED, SYSTEM, encode(record)), now)
    for start in (lost.start, lost.recover):
        with pytest.raises(Conflict, match="in force is sha256:"):
            start()


def add_leaf(lost: Instance, found: Restore) -> None:
    """As the integrator writes it, but for the key of seals."""
    owner = open_database(lost.owner)
    log, integrator = replace(found.log, vault=Vault(bytes(32))), found.integrator
    with owner.write() as tx:
        log.append(tx, Event(Kind.LOG_READ, SYSTEM), lost.clock.now())
        replace(integrator, database=owner, lock=None, fold=None).grow(tx, store.head_of(tx))
    owner.engine.dispose()


def test_a_copy_to_which_a_leaf_was_added_is_refused(lost: Instance) -> None:
    """It would be signed under the new name, as if the service had said it."""
    found = lost.recover()
    add_leaf(lost, found)
    with pytest.raises(Unavailable) as refused:
        found.statement()
    assert refused.value.kind == "head-unsealed"


def test_a_leaf_that_was_added_before_a_restore_is_finished_is_not_signed(lost: Instance) -> None:
    found = lost.recover()
    note = lost.signed(found.statement(), *NAMES)
    with pytest.raises(Crash):
        dies(found, "before the tree").acknowledge(
            note, lost.running[-1].consent.end_all, lost.clock.now()
        )
    add_leaf(lost, found)
    with found.database.write() as tx:  # with it, the head would be moved by us once more
        found.log.append(tx, Event(Kind.LOG_READ, SYSTEM), lost.clock.now())
    with pytest.raises(Unavailable) as refused:
        lost.start()
    assert refused.value.kind == "head-unsealed"
