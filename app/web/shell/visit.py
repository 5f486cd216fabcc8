"""A visit: somebody signed in asks for a page. What every handler of a page needs, in one value.

Rules:
1. First who is asking and whether the form is theirs (``door``), then the page's right, then the
   transaction. A refusal says nothing about what exists.
2. A page's right is declared where its route is: ``dependencies=[needs("log", "read")]``. A page
   without one shows people what is their own.
3. The transaction is committed before the answer is sent (app/api/deps.py).
4. A request holds one connection at a time: ``to_read`` undoes what was written before it reads.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Request, params
from fastapi.responses import HTMLResponse

from app.api.deps import Now, ReadTx, ServicesDep, WriteTx
from app.db.engine import Tx
from app.directory.model import Person
from app.kernel.errors import Forbidden
from app.web.shell import render
from app.web.shell.door import SignedIn, Visitor
from app.wiring import Services


@dataclass(frozen=True)
class Visit:
    """One request of somebody signed in.

    Attributes:
        request: what the browser sent.
        visitor: who is asking.
        services: everything that a handler can call.
        tx: the transaction of the request.
        now: the present instant.
        reader: the transaction of ``to_read``; begun by its first statement, so mostly never.
    """

    request: Request
    visitor: Visitor
    services: Services
    tx: Tx
    now: datetime
    reader: Tx

    @property
    def person(self) -> Person:
        """Who is asking, as the directory knows them."""
        return self.visitor.person

    def may(self, thing: str, action: str, region: str | None = None) -> bool:
        """Say whether the visitor has a right."""
        return self.services.authority.may(self.person.roles, region, thing, action)

    def to_read(self) -> "Visit":
        """Undo what was written; the same visit, reading one snapshot.

        For a form that is shown again: nothing was changed, and the page says so.
        """
        self.tx.close()
        return replace(self, tx=self.reader)

    def page(
        self, template: str, *, status: int = 200, lang: str = "en", **context: Any
    ) -> HTMLResponse:
        """Render a page for the visitor (``render.page``)."""
        return render.page(self.request, template, status=status, lang=lang, **context)

    def fragment(self, template: str, **context: Any) -> HTMLResponse:
        """Render a part of a page that a script asks for."""
        return HTMLResponse(render.fragment(self.request, template, **context))


def _reading(
    request: Request, visitor: SignedIn, services: ServicesDep, tx: ReadTx, now: Now
) -> Visit:
    return Visit(request, visitor, services, tx, now, reader=tx)


def _writing(
    request: Request,
    visitor: SignedIn,
    services: ServicesDep,
    tx: WriteTx,
    reader: ReadTx,
    now: Now,
) -> Visit:
    return Visit(request, visitor, services, tx, now, reader)


ReadVisit = Annotated[Visit, Depends(_reading)]
"""A visit that looks: one snapshot, nothing is kept."""

WriteVisit = Annotated[Visit, Depends(_writing)]
"""A visit that records something: committed before the answer is sent."""


@dataclass(frozen=True)
class Right:
    """What a visitor must be allowed to do before the page does anything.

    Attributes:
        thing: of the closed list in app/access/enforcer.py; action: what is done to it.
        in_region: in the region that the path names as ``region``; else in any region.
    """

    thing: str
    action: str
    in_region: bool = False

    def __call__(self, request: Request, visitor: SignedIn, services: ServicesDep) -> None:
        """Return if the visitor has the right.

        Raises:
            Forbidden: they have not; names the roles that have, or says why none of theirs counts.
        """
        broken = services.database.seals.broken
        if visitor.person.disputed and broken is not None:
            raise _roleless(
                f"the log cannot be believed, so nobody's roles count ({broken})",
                "Whoever runs Habeas restores the newest sound copy of the database; see "
                "docs/operate.md, When tables and log disagree.",
            )
        if visitor.person.disputed:
            raise _roleless(
                "what the directory says about you does not agree with the log, "
                "so none of your roles counts",
                "Ask whoever runs Habeas to compare your row with the log.",
            )
        region = request.path_params["region"] if self.in_region else None
        services.authority.require(visitor.person.roles, region, self.thing, self.action)


def _roleless(problem: str, cure: str) -> Forbidden:
    own = "Your own pages stay open, and you can always opt out there."
    return Forbidden(problem, cure=f"Nothing was changed. {cure} {own}")


def needs(thing: str, action: str, *, in_region: bool = False) -> params.Depends:
    """Declare the right of a page, for the ``dependencies`` of its route."""
    return params.Depends(Right(thing, action, in_region))
