"""Who held which role, and what each role may do, folded from the log.

Rules:
1. Before an entry says what roles may do (``roles.adopted``), nothing is known of anybody.
2. An entry about a person that is too old to say regions says the names of the roles. Who held none
   of a name that would do, held none; of the others it is not known.
3. Whoever loses a role may have begun something just before: what they held in the last minutes,
   by the time of integration, counts.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from app.access.decision.model import CAPTURED_DATA, Caller, Facts, Question
from app.audit.entries.records import RolesAdoption
from app.directory.model import PersonRecord
from app.kernel.authority import Role, RoleRow, allowed, read_rows
from app.kernel.clock import instant
from app.kernel.facts import decode
from app.policy.timeline import SKEW
from app.sdk.verify.folded.people import Documents, Unknown


class Needed(NamedTuple):
    """What somebody must be allowed to do: to which thing, in which region, in which role.

    Attributes:
        region: None for a thing that is not bound to one.
        role: only a role of this name counts; None: any.
    """

    thing: str
    action: str
    region: str | None = None
    role: str | None = None


@dataclass(frozen=True)
class _Holding:
    """What somebody holds from one entry on.

    Attributes:
        roles: by name only where the entry does not say regions.
        at: when the entry was integrated.
    """

    roles: tuple[Role, ...]
    says_regions: bool
    at: datetime
    position: int


@dataclass
class RolesHeld:
    """Folds ``directory.person`` and ``roles.adopted``.

    Attributes:
        rows: what each role may do; None before an entry says it.
    """

    documents: Documents
    rows: tuple[RoleRow, ...] | None = None
    _held: dict[str, list[_Holding]] = field(default_factory=dict)

    def adopted(self, _position: int, leaf: Mapping[str, Any]) -> Iterator[str]:
        """Take ``roles.adopted``.

        Raises:
            Unknown: the rows are not here.
        """
        yield from ()
        name = decode(RolesAdoption, leaf["facts"]).policy
        body = self.documents(name)
        if body is None:
            raise Unknown(f"names the document {name}, which is not here")
        self.rows = read_rows(body)

    def recorded(self, position: int, leaf: Mapping[str, Any]) -> None:
        """Take ``directory.person``."""
        stated = decode(PersonRecord, leaf["facts"])
        (pseudonym,) = leaf["subjects"]
        roles = tuple(map(Role, stated.functions)) if stated.roles is None else stated.roles
        holding = _Holding(
            roles if stated.active else (),
            stated.roles is not None or not stated.active,
            instant(leaf["integrated_at"]),
            position,
        )
        self._held[pseudonym] = [*self._lately(pseudonym, holding.at), holding]

    def may(self, pseudonym: str, needed: tuple[Needed, ...], at: datetime) -> bool | None:
        """Whether somebody was allowed one of these things; None where the log does not show it.

        Args:
            pseudonym: who.
            needed: what; one suffices.
            at: when the entry of it was integrated.
        """
        if self.rows is None:
            return None
        answers = {
            self._allows(holding, one) for holding in self._lately(pseudonym, at) for one in needed
        }
        return True if True in answers else None if None in answers else False

    def policy(self, question: Question, in_entry: Facts, caller: Caller) -> bool:
        """What the rows say of an access decision; what its entry says, where there are none yet.

        As ``access.decision.inquiry`` asks: for captured data what the consumer is for counts, for
        everything else the roles of the person on whose behalf it asks.
        """
        if self.rows is None:
            return in_entry.role_policy
        roles = [f"consumer:{function}" for function in caller.functions]
        if question.resource != CAPTURED_DATA:
            if caller.kind == "unknown":
                return False
            if caller.person is not None:
                roles = [] if caller.person_left else list(caller.person_functions)
        held = map(Role, roles)
        return allowed(self.rows, held, None, question.resource, question.action)

    def source(self, pseudonym: str) -> int | None:
        """The newest entry about somebody; None where there is none."""
        holdings = self._held.get(pseudonym)
        return None if holdings is None else holdings[-1].position

    def _allows(self, holding: _Holding, needed: Needed) -> bool | None:
        rows = self.rows or ()
        roles = [role for role in holding.roles if needed.role in {None, role.name}]
        if holding.says_regions:
            return allowed(rows, roles, needed.region, needed.thing, needed.action)
        return None if allowed(rows, roles, None, needed.thing, needed.action) else False

    def _lately(self, pseudonym: str, at: datetime) -> list[_Holding]:
        """What somebody holds, and what they held until just before (rule 3)."""
        holdings = self._held.get(pseudonym, [])
        ends = (after.at for after in holdings[1:])
        ended = (holding for holding, end in zip(holdings, ends, strict=False) if end >= at - SKEW)
        return [*ended, *holdings[-1:]]
