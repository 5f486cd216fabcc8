"""Nobody reads the log but at the desk, and every reading there is an entry."""

import ast
import contextlib
import importlib
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType

import pytest

import app
from app.kernel.errors import Forbidden
from app.wiring import Services
from tests import make
from tests.architecture.readings import READINGS, WITHOUT_ENTRY, methods

ROOT = Path(app.__file__).parent

READERS = ("web", "api", "cli")
"""The packages that answer people and machines."""

OF_THE_LOG = {
    "checkpoint": "the signed checkpoint is for everybody",
    "witnessed_checkpoint": "the signed checkpoint is for everybody",
    "size": "stands in the checkpoint",
    "pending": "counts what waits, for /healthz",
    "pending_since": "says since when something waits, for /healthz",
    "overdue": "counts what waits too long, for /healthz",
    "merge_within": "the promise, which every submission receipt carries",
    "halt": "the named state in which nothing is recorded",
    "origin": "the log's name",
    "index_of": "the place of an event, for whoever holds its random id",
    "submission_receipts": "the promise of an event, for whoever holds its random id",
}
"""What pages, addresses for machines and verbs may ask the log itself without an entry, and why."""

OF_THE_ROOMS = {
    "proofs.hashes_only": "hashes and no content",
    "proofs.consistency": "hashes and no content",
    "serving.hash_tile": "hashes and no content",
    "cosigned.policy_in_force": "the witness policy is for everybody",
}
"""What they may call in the rooms below, and why."""

MODULES = {
    "app.audit.entries.cosigned": "see OF_THE_ROOMS",
    "app.audit.reading.proofs": "see OF_THE_ROOMS",
    "app.audit.reading.serving": "see OF_THE_ROOMS",
    "app.audit.reading.search": "what is looked for; reads nothing",
    "app.audit.reading.selection": "what is chosen; reads nothing",
    "app.audit.reading.shown": "what the desk hands over",
    "app.audit.reading.activity": "counts that the desk handed over",
    "app.audit.export.projections": "the forms of an entry that was handed over",
    "app.audit.tree.checkpoint": "signed notes, which are for everybody",
    "app.audit.tree.merkle": "hashes",
    "app.audit.witnesses.state": "how witnesses stand, which is for everybody",
    "app.audit.restore.custody": "texts that custodians sign",
}
"""What of the log these packages may import, and why."""

NAMES = {
    "app.audit.entries.model.Entry": "an entry that was handed over",
    "app.audit.entries.model.Kind": "the list of kinds",
    "app.audit.entries.model.SYSTEM": "who acts at the command line",
    "app.audit.entries.model.outcome": "reads an entry that was handed over",
    "app.audit.export.jobs.Job": "how far an export is",
    "app.audit.export.jobs.JobState": "how far an export is",
    "app.audit.growing.lock.Published": "the last checkpoint, which is for everybody",
    "app.audit.restore.service.Restore": "the verb that acknowledges a restore; log.restored",
    "app.db.engine.Database": "the verbs of the database, which read no entry",
    "app.db.engine.Tx": "the transaction that services are called with",
    "app.db.engine.open_database": "the verbs of the database, which read no entry",
    "app.db.ring.Flaw": "the list of what can be wrong with a row",
    "app.db.migrate.migrate": "the verbs of the database, which read no entry",
    **{
        f"app.db.roles.{name}": "the verbs of the database, which read no entry"
        for name in (
            "APP", "AUDITOR", "INTEGRATOR", "create_roles", "grant", "open_as_admin", "role_name",
        )
    },
}  # fmt: skip
"""Single names of modules that hold more than these packages may have, and why."""

WRAPPED = {
    "vars(alarm)": "an alarm of a witness, which is for everybody",
    "vars(proof)": "a proof that the desk handed over",
    "import_module(module_of_verb)": "a module of app.cli, which is held to the lists itself",
}
"""Uses of what takes apart an object by text, and why."""

BY_TEXT = {
    "getattr", "setattr", "vars", "eval", "exec", "globals", "__import__", "import_module",
    "attrgetter", "methodcaller",
}  # fmt: skip

OPEN_NAMES = {
    "_replace",
    "_asdict",
    "_start_asgi_task",
    "__init__",
    "__name__",
    "__module__",
    "__mro__",
    "__getitem__",
}
"""Names with a line before them that Python, or a server that is built upon, means for others."""

ROOMS = {"proofs", "serving", "cosigned", "store", "lookup"}

INTEGRATES = ("audit/growing/", "audit/export/", "cli/", "demo/", "wiring/")
"""Who may run the integrator: whoever starts the log, ends a verb, or writes a file of the log."""


def reaches(source: str) -> set[str]:
    """What a module takes from the log past the desk, as it is written there."""
    return set(_reaches(ast.parse(source)))


def _reaches(tree: ast.Module) -> Iterator[str]:
    taken = {
        id(node.value): node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr="log") if taken.get(id(node), "") not in OF_THE_LOG:
                yield f"log.{taken.get(id(node), '')}"
            case ast.Attribute(value=ast.Name(id=room), attr=attr) if (
                room in ROOMS and f"{room}.{attr}" not in OF_THE_ROOMS
            ):
                yield f"{room}.{attr}"
            case ast.ImportFrom(module=str(module), names=names) if module.startswith("app.audit."):
                room = module.rpartition(".")[2]
                yield from (
                    f"{room}.{name.name}"
                    for name in names
                    if room in ROOMS and name.name[:1].islower()
                )


def past_the_list(source: str) -> set[str]:
    """What a module imports or takes apart that these packages may not have."""
    tree = ast.parse(source)
    return {*_imported(tree), *_taken_apart(tree)}


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names if name.name.partition(".")[0] == "app")
            case ast.ImportFrom(module=module, level=level, names=names):
                if level or module is None:
                    yield "a relative import"
                    continue
                for name in names:
                    meant = _meant(module, name.name)
                    if _is_guarded(meant) and not _is_listed(meant):
                        yield meant
                    elif name.asname and meant in MODULES:
                        yield f"{meant} as {name.asname}"


def _meant(module: str, name: str) -> str:
    """Where the imported thing is made, however many modules it was handed through."""
    if not module.startswith("app.") or name == "*":
        return f"{module}.{name}"
    with contextlib.suppress(ImportError):
        return importlib.import_module(f"{module}.{name}").__name__
    thing = getattr(importlib.import_module(module), name)
    if isinstance(thing, ModuleType):
        return thing.__name__
    if isinstance(thing, type | FunctionType) and thing.__module__.startswith("app."):
        return f"{thing.__module__}.{thing.__qualname__}"
    return f"{module}.{name}"


def _is_guarded(meant: str) -> bool:
    of_the_log = meant == "app" or meant.startswith(("app.audit", "app.db"))
    return of_the_log or "store" in meant.split(".")[2:] or meant.endswith(".*")


def _is_listed(meant: str) -> bool:
    module, _, name = meant.rpartition(".")
    return meant in NAMES or meant in MODULES or (module in MODULES and name != "*")


def _taken_apart(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=value, attr=attr) if (
                attr.startswith("_")
                and attr not in OPEN_NAMES
                and not (isinstance(value, ast.Name) and value.id in {"self", "cls"})
            ):
                yield f".{attr}"
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in BY_TEXT:
                if ast.unparse(node) not in WRAPPED:
                    yield name


def _modules(*packages: str) -> Iterator[Path]:
    for package in packages:
        yield from (ROOT / package).rglob("*.py")


def test_pages_machines_and_verbs_read_the_log_only_at_the_desk() -> None:
    past_the_desk = {
        str(path.relative_to(ROOT)): reaches(path.read_text(encoding="utf-8"))
        for path in _modules(*READERS)
    }
    assert len(past_the_desk) > 50
    assert {path: taken for path, taken in past_the_desk.items() if taken} == {}


def test_pages_machines_and_verbs_have_of_the_log_what_is_listed() -> None:
    past = {
        str(path.relative_to(ROOT)): past_the_list(path.read_text(encoding="utf-8"))
        for path in _modules(*READERS)
    }
    assert {path: taken for path, taken in past.items() if taken} == {}


@pytest.mark.parametrize(
    ("source", "taken"),
    [
        ("import app.audit.entries.store", "app.audit.entries.store"),
        ("import app.audit.entries.store as kept", "app.audit.entries.store"),
        ("from app import audit", "app.audit"),
        ("from app.audit import entries", "app.audit.entries"),
        ("from app.audit.entries import store as kept", "app.audit.entries.store"),
        ("from app.audit.entries import documents", "app.audit.entries.documents"),
        ("from app.audit.entries.vault import Vault", "app.audit.entries.vault.Vault"),
        ("from app.audit.growing import growth as g", "app.audit.growing.growth"),
        (
            "from app.audit.reading.desk import ReadingService as R",
            "app.audit.reading.service.ReadingService",
        ),
        ("from app.wiring.core import AuditService", "app.audit.entries.service.AuditService"),
        ("from app.audit.reading.desk import store", "app.audit.entries.store"),
        ("from app.audit.reading import serving as s", "app.audit.reading.serving as s"),
        ("from app.audit.reading.shown import *", "app.audit.reading.shown.*"),
        ("from app.rights.store import TABLES", "app.rights.store.TABLES"),
        ("from app.rights import store", "app.rights.store"),
        ("from app.db.engine import Access", "app.db.engine.Access"),
        ("from .. import audit", "a relative import"),
        ("services.desk._reading.search(tx, wanted)", "._reading"),
        ("services.__dict__['log']", ".__dict__"),
        ("getattr(services, 'log').people(tx, names)", "getattr"),
        ("vars(services)['log']", "vars"),
        ("operator.attrgetter('log')(services)", "attrgetter"),
        ("importlib.import_module('app.audit.entries.store')", "import_module"),
    ],
)
def test_a_way_past_the_list_is_noticed(source: str, taken: str) -> None:
    assert past_the_list(source) == {taken}


def test_what_is_listed_is_imported() -> None:
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in _modules(*READERS)]
    imported = {
        _meant(node.module, name.name)
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for name in node.names
    }
    assert NAMES.keys() <= imported
    assert MODULES.keys() <= imported | {name.rpartition(".")[0] for name in imported}


@pytest.mark.parametrize(
    ("source", "taken"),
    [
        ("services.log.append(tx, event, now)", "log.append"),
        ("visit.services.log.body(tx, 1)", "log.body"),
        ("log = services.log", "log."),
        ("read(services.log)", "log."),
        ("serving.entry_bundle(tx, path)", "serving.entry_bundle"),
        ("from app.audit.reading.lookup import entries", "lookup.entries"),
    ],
)
def test_reading_without_the_desk_is_noticed(source: str, taken: str) -> None:
    assert reaches(source) == {taken}


def test_what_is_allowed_past_the_desk_is_used() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in _modules(*READERS))
    assert [name for name in OF_THE_LOG if f".log.{name}" not in sources] == []
    assert [name for name in OF_THE_ROOMS if name not in sources] == []


def test_no_page_runs_the_integrator() -> None:
    """A page that waits for an index says so and asks again; it does not make one."""
    callers = {
        str(path.relative_to(ROOT))
        for path in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "integrate"
    }
    assert [to for to in INTEGRATES if not any(path.startswith(to) for path in callers)] == []
    assert {path for path in callers if not path.startswith(INTEGRATES)} == set()


def test_every_reading_at_the_desk_is_an_entry_or_says_in_its_name_why_not() -> None:
    assert methods() == READINGS.keys() | WITHOUT_ENTRY.keys()
    assert {name.partition("_")[0] for name in WITHOUT_ENTRY} == {"public", "own"}


@pytest.mark.parametrize("name", READINGS)
def test_whoever_may_not_read_is_refused_and_nothing_is_recorded(
    sample: Services, name: str
) -> None:
    stranger = make.person("E-9999", "legal@DE", "hr", "admin")
    _, reading = READINGS[name]
    with sample.database.write() as tx:
        before = (sample.log.size(tx), sample.log.pending(tx))
        with pytest.raises(Forbidden):
            reading(sample, tx, stranger)
        assert (sample.log.size(tx), sample.log.pending(tx)) == before


def test_counting_for_an_export_needs_the_right_to_export(sample: Services) -> None:
    reader = make.person("E-9999", "dpo@GB")
    with sample.database.write() as tx, pytest.raises(Forbidden):
        READINGS["count"][1](sample, tx, reader)
