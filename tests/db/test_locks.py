"""Advisory locks have one table of numbers, and nobody else has a number of their own."""

import ast
from pathlib import Path

from app.agents.pairing.codes import BUCKETS
from app.db.locks import LockNumber

APP = Path("app")
TAKEN = {*LockNumber, *range(LockNumber.OPEN_CODES, LockNumber.OPEN_CODES + BUCKETS)}


def test_no_number_locks_two_things() -> None:
    assert len(LockNumber.__members__) == len(set(LockNumber))
    assert max(LockNumber) == LockNumber.OPEN_CODES


def test_every_number_is_in_the_table_and_only_there() -> None:
    holders = {
        module.relative_to(APP).as_posix()
        for module in APP.rglob("*.py")
        for node in ast.walk(ast.parse(module.read_text("utf-8")))
        if isinstance(node, ast.Constant) and node.value in TAKEN
    }
    assert holders == {"db/locks.py"}
