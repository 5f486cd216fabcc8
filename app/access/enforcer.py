"""Casbin behind the Authority protocol: roles in, yes or no out.

Rules:
1. Roles are passed as the subject. There is no row per person and no ``g`` row: with one, the first
   question after a load took Casbin seconds with a few thousand people.
2. Deny overrides: one matching deny row, for any role held, refuses.
3. The rows are checked before the first question: closed lists of roles, things and actions.
4. The rows do not change while the process lives, so an answer can be kept.
"""

import csv
import logging
import threading
from functools import lru_cache
from pathlib import Path

import casbin

from app.access.floor.terms import Function
from app.directory.model import ROLES as PEOPLE_ROLES
from app.kernel.authority import Role, RoleRow, counting, write_rows
from app.kernel.errors import Fault, Forbidden, Unreadable

CONSUMER_ROLES = frozenset(f"consumer:{function}" for function in Function)
ROLES = PEOPLE_ROLES | CONSUMER_ROLES
"""The roles that a row may name."""

ACTIONS = {
    "policy": frozenset({"propose", "approve", "withdraw", "tighten", "read"}),
    "capture": frozenset({"stop", "propose_resume", "approve_resume"}),
    "catalogue": frozenset({"propose", "decline", "approve"}),
    "log": frozenset({"read", "export"}),
    "people": frozenset({"import"}),
    "consumer": frozenset({"register"}),
    "alarm": frozenset({"clear"}),
    "captured_data": frozenset({"read"}),
}
"""The things that a row may name, each with its actions."""

_COLUMNS = RoleRow._fields


class CasbinAuthority:
    """Answers from policies/access/model.conf and policy.csv; safe to share between threads."""

    def __init__(self, model_path: Path, policy_path: Path) -> None:
        """Load and check the rows.

        Raises:
            Unreadable: a row is not of the closed lists; names the line and the column.
        """
        self._rows = _read_rows(policy_path)
        # Casbin warns of every refusal with the request in it; whoever refuses says so itself.
        logging.getLogger("casbin.enforcer").setLevel(logging.ERROR)
        self._enforcer = casbin.Enforcer(str(model_path), str(policy_path))
        self._lock = threading.Lock()
        self._answer = lru_cache(maxsize=4096)(self._ask)

    def may(self, roles: tuple[Role, ...], region: str | None, thing: str, action: str) -> bool:
        """Say whether one of the roles may, and none of them is denied."""
        if action not in ACTIONS.get(thing, frozenset()):
            return False
        return self._answer(*counting(roles, region), thing, action)

    @property
    def document(self) -> bytes:
        """The rows, for the log and for whoever verifies who was allowed what."""
        return write_rows(self._rows)

    def require(self, roles: tuple[Role, ...], region: str | None, thing: str, action: str) -> None:
        """Return if one of the roles may.

        Raises:
            Forbidden: none may; names the roles that could.
        """
        if self.may(roles, region, thing, action):
            return
        could = self.could(region, thing, action)
        needed = " or ".join(could) if could else "no role at all"
        raise Forbidden(
            f"to {action.replace('_', ' ')} {thing.replace('_', ' ')}"
            f"{f' in {region}' if region else ''} you need the role {needed}",
            cure="Ask somebody who holds it." if could else "",
        )

    def could(self, region: str | None, thing: str, action: str) -> tuple[str, ...]:
        """The roles that may, as they would be held: ``legal@DE``, ``auditor``."""
        return tuple(
            f"{role}@{region}" if reach == "region" and region else role
            for role, reach, row_thing, row_action, effect in self._rows
            if (row_thing, row_action, effect) == (thing, action, "allow")
        )

    def _ask(self, bound: frozenset[str], unbound: frozenset[str], thing: str, action: str) -> bool:
        with self._lock:  # Casbin keeps state while it evaluates
            return bool(self._enforcer.enforce(bound, unbound, thing, action))


def _read_rows(path: Path) -> tuple[RoleRow, ...]:
    rows: list[RoleRow] = []
    faults: list[Fault] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        cells = tuple(cell.strip() for cell in next(csv.reader([line])))
        wrong = _faults(number, cells)
        faults.extend(wrong)
        if not wrong:
            rows.append(RoleRow(*cells[1:]))
    if not rows and not faults:
        faults.append(Fault(path.name, "no row", "List who may do what; without rows nobody may."))
    if faults:
        raise Unreadable(
            f"{path.name}: {faults[0].field}: {faults[0].problem}", faults=tuple(faults)
        )
    return tuple(rows)


def _faults(number: int, cells: tuple[str, ...]) -> list[Fault]:
    if len(cells) != 1 + len(_COLUMNS) or cells[0] != "p":
        return [
            Fault(
                f"line {number}",
                "not a row of the form p, role, reach, thing, action, effect",
                "Write one row per line; roles are given to people elsewhere (no g rows).",
            )
        ]
    _, role, reach, thing, action, effect = cells
    choices = (
        ("role", role, ROLES),
        ("reach", reach, frozenset({"region", "any"})),
        ("thing", thing, frozenset(ACTIONS)),
        ("action", action, ACTIONS.get(thing, frozenset())),
        ("effect", effect, frozenset({"allow", "deny"})),
    )
    return [
        Fault(f"line {number}, {name}", f"{value!r} is not known", f"One of {_list(known)}.")
        for name, value, known in choices
        if value not in known
    ]


def _list(names: frozenset[str]) -> str:
    return ", ".join(sorted(names)) or "none"
