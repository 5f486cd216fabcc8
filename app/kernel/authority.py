"""Who may do what. The rows are in policies/access; app/access/enforcer answers."""

from typing import NamedTuple, Protocol


class Role(NamedTuple):
    """A role somebody holds; ``region`` is None for a role that is not bound to one."""

    name: str
    region: str | None = None

    def __str__(self) -> str:
        """``legal@DE``, or ``auditor``."""
        return f"{self.name}@{self.region}" if self.region else self.name


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
