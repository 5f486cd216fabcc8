"""Nobody reads the log but at the desk, and every reading there is an entry."""

import ast
from collections.abc import Iterator
from pathlib import Path

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
