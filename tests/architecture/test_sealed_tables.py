"""Rows of sealed tables are inserted sealed, and every table that grows is sealed or says why."""

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from sqlalchemy import Table

import app
from app.audit.entries import store
from app.db.protection import append_only
from app.wiring.held import HELD

ROOT = Path(app.__file__).parent
SEALED = {*(table.name for table in HELD), store.pending.name, store.head.name}

PLAIN = {
    ("app.audit.entries.subjects", "audit_subject"): "sealed in the next line, if it was this row",
    ("app.rights.store", "policy_step"): "written again under a pseudonym, which the seal is over",
}
"""Where a row of a sealed table is inserted without ``seals.insert``, and why that is right."""

OPENS_NOTHING = {
    "agent_report": "what a laptop says; nothing is decided by it",
    "agent_report_allowed": "as agent_report",
    "agent_report_excluded": "as agent_report",
    "agent_report_refused": "as agent_report",
    "audit_body": "encrypted and bound to its place; the leaf commits to it",
    "audit_checkpoint": "signed",
    "audit_cosignature": "signed",
    "audit_document": "named by its digest, which is checked where it is read",
    "audit_leaf": "under the signed root",
    "audit_leaf_region": "for searching; the log is the authority",
    "audit_leaf_subject": "for searching; the log is the authority",
    "audit_quorum": "for showing; the note is checked where it counts",
    "audit_tile": "under the signed root",
    "audit_witness_alarm": "evidence that is signed by others",
    "consent_offer": "named by its digest, which is checked where it is read",
    "directory_import": "counts of an import that goes on; what it does follows from the file",
    "policy_document": "named by its digest, which is checked where it is read",
    "row_seal": "the seals",
}


def inserted(path: Path) -> Iterator[str]:
    """The tables into which a module inserts by SQLAlchemy's ``insert``."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    name = ".".join(("app", *path.relative_to(ROOT).with_suffix("").parts))
    module = import_module(name.removesuffix(".__init__"))
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        called = node.func.id if isinstance(node.func, ast.Name) else called
        if called in {"insert", "insert_into"}:
            yield from _table(module, node.args[0])


def _table(module: object, node: ast.expr) -> Iterator[str]:
    found: object = module
    for part in ast.unparse(node).split("."):
        found = getattr(found, part, None)
    if isinstance(found, Table):
        yield found.name


def test_a_row_of_a_sealed_table_is_inserted_sealed() -> None:
    plain = {
        (".".join(("app", *path.relative_to(ROOT).with_suffix("").parts)), table)
        for path in ROOT.rglob("*.py")
        if "sdk" not in path.parts and path.name != "__main__.py"
        for table in inserted(path)
        if table in SEALED
    }
    assert plain == PLAIN.keys()


def test_a_table_that_grows_is_sealed_or_opens_nothing() -> None:
    growing = {table.name for table in append_only()}
    assert growing - SEALED == OPENS_NOTHING.keys()
