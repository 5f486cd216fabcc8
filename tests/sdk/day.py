"""A day in the office with laptops, and the log of it as a verifier gets it."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from app.agents.devices.model import Device
from app.agents.leases.terms import Poll
from app.audit.entries.model import SYSTEM, Actor
from app.audit.entries.named import named_documents
from app.audit.entries.store import entries_between
from app.directory.model import Person
from app.kernel.canonical import Json, parse_canonical
from app.kernel.forms import AGENT_FORM
from app.kernel.signing import LocalSigner, jwk, read_token
from app.kernel.tokens import GRANT_TYPE
from app.sdk.verify.replay.decisions import DecisionCheck
from app.wiring import Services
from tests.access.office import LAWYERS, Office, permissive_text
from tests.audit import forge

Leaf = dict[str, Any]


@dataclass
class Log:
    """Entries in order, and the documents that they name."""

    leaves: list[Leaf]
    documents: dict[str, bytes]

    @classmethod
    def of(cls, services: Services) -> "Log":
        services.integrator.integrate()
        with services.database.read() as tx:
            entries = entries_between(tx, 0, services.log.size(tx))
            leaves = [parse_canonical(entry.raw) for entry in entries]
            named = {name for leaf in leaves for name in named_documents(leaf)}
            documents = {
                name: body
                for name, body in (*services.exports.documents(tx), *services.log.documents(tx))
                if name in named
            }
        return cls(leaves, documents)

    def checked(self) -> DecisionCheck:
        """Replay it."""
        check = DecisionCheck(self.documents.get)
        for position, leaf in enumerate(self.leaves):
            check.see(position, leaf)
        check.finish()
        return check

    def findings(self) -> tuple[str, ...]:
        return self.checked().verdict(whole=True).findings

    def forged(self, position: int, change: Callable[[Leaf], None]) -> "Log":
        """The same with one entry changed, and everything else made to fit."""
        leaves: list[dict[str, Json]] = [
            parse_canonical(forge.canonical(leaf)) for leaf in self.leaves
        ]
        change(leaves[position])
        return self.restamped(leaves)

    def restamped(self, leaves: Sequence[Leaf]) -> "Log":
        raws = forge.restamped(leaves)
        return Log([parse_canonical(raw) for raw in raws], self.documents)

    def last(self, kind: str, **facts: object) -> int:
        """The index of the newest entry of a kind whose facts are these."""
        return max(
            at
            for at, leaf in enumerate(self.leaves)
            if leaf["kind"] == kind and facts.items() <= leaf["facts"].items()
        )


@dataclass
class Day(Office):
    """The office, where people also have laptops."""

    devices: dict[str, Device] = field(default_factory=dict)

    def log(self) -> Log:
        return Log.of(self.services)

    def person(self, one: Person) -> Person:
        with self.services.database.read() as tx:
            return self.services.directory.person(tx, one.id)

    def pseudonym(self, one: Person) -> str:
        with self.services.database.write() as tx:
            return self.services.log.pseudonym(tx, one.id)

    def pair(self, one: Person) -> Device:
        pairing, key = self.services.pairing, LocalSigner.generate()
        public: dict[str, object] = {name: jwk(key.public)[name] for name in ("kty", "crv", "x")}
        with self.services.database.write() as tx:
            name = f"laptop {secrets.token_hex(4)}"
            started = pairing.start(tx, name, public, self.now)
            device = pairing.approve(tx, self.person(one), started.request, self.now)
        self.devices[one.id] = device
        return device

    def poll(self, one: Person, place: str | None = None) -> tuple[str, ...]:
        """Ask for the lease; the reasons."""
        device = self.devices[one.id]
        with self.services.database.write() as tx:
            answer = self.services.leases.lease(
                tx, device, self.now, Poll(place=place, forms=str(AGENT_FORM))
            )
        return tuple(answer.reasons)

    def revoke_device(self, one: Person) -> None:
        with self.services.database.write() as tx:
            self.services.devices.revoke(tx, self.person(one), self.devices[one.id].id, self.now)

    def revoke(self, one: Person) -> None:
        with self.services.database.write() as tx:
            actor = Actor("person", LAWYERS[0].id)
            self.services.consent.revoke(tx, self.person(one), actor, "a reason", self.now)

    def stop(self, region: str) -> None:
        with self.services.database.write() as tx:
            self.services.policy.stops.stop(tx, LAWYERS[0], region, "a note", self.now)

    def resume(self, region: str) -> None:
        with self.services.database.write() as tx:
            self.services.policy.stops.propose_resume(tx, LAWYERS[0], region, self.now)
            self.services.policy.stops.approve_resume(tx, LAWYERS[1], region, self.now)

    def tighten(self, region: str, **knobs: Any) -> None:
        text = permissive_text(region, self.services.policy.shipped.apps, **knobs)
        with self.services.database.write() as tx:
            self.services.policy.workflow.tighten(tx, LAWYERS[0], region, text, "", self.now)

    def change(self, one: Person, **changes: object) -> None:
        self.hire(replace(self.person(one), **changes))  # type: ignore[arg-type]

    def leave(self, one: Person) -> None:
        with self.services.database.write() as tx:
            self.services.directory.leave(tx, one.id, SYSTEM, self.now)

    def grant(self, answer: Any) -> str:
        if answer.context["grant"] is None:
            raise LookupError("nothing was granted")
        return str(read_token(answer.context["grant"], GRANT_TYPE, self.grant_keys)["jti"])

    def use(
        self, grant: str, consumer: str = "pipeline", outcome: str = "used", **said: Any
    ) -> Any:
        with self.services.database.write() as tx:
            known = self.services.consumers.authenticate(tx, self.secrets[consumer], self.now)
            return self.services.access.use(tx, known, grant, outcome, self.now, **said)
