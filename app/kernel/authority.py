"""Who may do what, by rows (pure). The rows are in policies/access; app/access/enforcer answers.

The service asks Casbin. A verifier asks ``allowed``, which gives the same answer to the same rows
(tests/access/test_enforcer.py holds the two against each other); it takes the rows from the log,
which says from where on which of them are in force.
"""

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from app.kernel.canonical import canonical, parse_canonical


class Role(NamedTuple):
    """A role somebody holds; ``region`` is None for a role that is not bound to one."""

    name: str
    region: str | None = None

    def __str__(self) -> str:
        """``legal@DE``, or ``auditor``."""
        return f"{self.name}@{self.region}" if self.region else self.name


class RoleRow(NamedTuple):
    """One row: what a role may do to a thing.

    Attributes:
        reach: ``region``: the role must be held for the region asked; ``any``: a role that is held
            without a region counts too.
        effect: ``allow`` or ``deny``.
    """

    role: str
    reach: str
    thing: str
    action: str
    effect: str


class Counting(NamedTuple):
    """The names of the roles that count for a region: held with a region, and without."""

    bound: frozenset[str]
    unbound: frozenset[str]


def counting(roles: Iterable[Role], region: str | None) -> Counting:
    """The roles that count where something is asked for a region.

    >>> sorted(counting([Role("legal", "DE"), Role("dpo", "FR")], "DE").bound)
    ['legal']

    Args:
        roles: those that somebody holds.
        region: None for a thing that is not bound to one; then any region's role counts.
    """
    held = tuple(roles)
    unbound = frozenset(role.name for role in held if role.region is None)
    bound = frozenset(
        role.name for role in held if role.region is not None and region in {None, role.region}
    )
    return Counting(bound | unbound if region is None else bound, unbound)


def allowed(
    rows: Iterable[RoleRow], roles: Iterable[Role], region: str | None, thing: str, action: str
) -> bool:
    """Say whether one of the roles may, and none of them is denied.

    >>> rows = [RoleRow("legal", "region", "policy", "approve", "allow")]
    >>> [allowed(rows, [Role("legal", held)], "DE", "policy", "approve") for held in ("DE", "FR")]
    [True, False]
    """
    bound, unbound = counting(roles, region)
    effects = {
        row.effect
        for row in rows
        if (row.thing, row.action) == (thing, action)
        and (row.role in bound or (row.reach == "any" and row.role in unbound))
    }
    return "allow" in effects and "deny" not in effects


def write_rows(rows: Iterable[RoleRow]) -> bytes:
    """The rows as a document, in one order: entries name it by its digest.

    >>> write_rows([RoleRow("dpo", "any", "log", "read", "allow")])
    b'{"roles":[["dpo","any","log","read","allow"]]}'
    """
    return canonical({"roles": [list(row) for row in sorted(set(rows))]})


def read_rows(document: bytes) -> tuple[RoleRow, ...]:
    """Read what ``write_rows`` wrote.

    Raises:
        ValueError: it is something else.
    """
    content = parse_canonical(document)
    rows = content.get("roles") if isinstance(content, dict) else None
    if not isinstance(rows, list) or not all(_is_row(row) for row in rows):
        raise ValueError("these are no rows of roles")
    return tuple(RoleRow(*row) for row in rows)


def _is_row(row: object) -> bool:
    return (
        isinstance(row, list)
        and len(row) == len(RoleRow._fields)
        and all(isinstance(cell, str) for cell in row)
    )


class Authority(Protocol):
    """Decides role, region, object and action together."""

    def require(self, roles: tuple[Role, ...], region: str | None, thing: str, action: str) -> None:
        """Return if one of the roles may do ``action`` on ``thing`` in ``region``.

        A role bound to a region counts for exactly that region.

        Raises:
            Forbidden: none may; names the role that could.
        """
        ...

    def may(self, roles: tuple[Role, ...], region: str | None, thing: str, action: str) -> bool:
        """Say whether ``require`` would return."""
        ...
