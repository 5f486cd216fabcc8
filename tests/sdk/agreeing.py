"""A day on which policies and files change after people have agreed."""

from dataclasses import replace
from typing import Any

from app.agents.leases.terms import Poll
from app.capture.situation import Situation
from app.consent.model import Act
from app.directory.model import Person
from app.kernel.canonical import parse_canonical
from app.kernel.forms import AGENT_FORM
from app.kernel.signing import read_token, thumbprint
from app.kernel.tokens import LEASE_TYPE
from app.kernel.vocabulary import Signal
from app.policy.catalogue.model import App, Catalogue, Exclusion
from app.wiring import build
from app.wiring.shipped import Shipped
from tests.access.office import LAWYERS
from tests.make import person
from tests.sdk.day import Day


def signals(**changed: tuple[str, int]) -> dict[str, Any]:
    """What a policy says of signals: all allowed for a year, but these."""
    named = {signal.value: ("allow", 365) for signal in Signal} | changed
    return {name: {"mode": mode, "retention_days": days} for name, (mode, days) in named.items()}


LITTLE = signals(pointer=("redact", 7))
"""Pointer movement without content, kept for 7 days."""
MORE = signals(pointer=("allow", 30))


def restart(day: Day, shipped: Shipped) -> None:
    """The service starts anew with other files, or other rules."""
    services = day.services
    day.services = build(
        services.settings, clock=day.clock, database=services.database, shipped=shipped
    )


CHIEFS = (person("E-30", "legal@GLOBAL"), person("E-31", "legal@GLOBAL"))


def agree_to_files(day: Day) -> None:
    """Two people bring into force what the files loosen; nothing where they loosen nothing."""
    day.hire(*CHIEFS)
    catalogues = day.services.policy.catalogues
    with day.services.database.write() as tx:
        waiting = catalogues.waiting(tx)
        if waiting is not None:
            seen = (waiting.digest, waiting.base, "a note", day.now)
            catalogues.propose(tx, CHIEFS[0], *seen)
            catalogues.approve(tx, CHIEFS[1], *seen)


def publish(day: Day, **knobs: Any) -> None:
    """Two people publish what takes nothing away but this."""
    day.publish("US-CA", LAWYERS, **knobs)


def situation(day: Day, one: Person) -> Situation:
    with day.services.database.read() as tx:
        return day.services.capture.situation(tx, day.person(one), day.now)


OURS = Poll(forms=str(AGENT_FORM))
"""What an agent of today says."""


def document(day: Day, one: Person) -> dict[str, Any]:
    """The policy document that a laptop's next lease names, as the laptop fetches it."""
    public = day.services.keys.signer("lease").public
    with day.services.database.write() as tx:
        answer = day.services.leases.lease(tx, day.devices[one.id], day.now, OURS)
        assert answer.token is not None
        lease = read_token(answer.token, LEASE_TYPE, {thumbprint(public): public})
        return dict(parse_canonical(day.services.policy.document(tx, str(lease["policy"]))))


def opt_in_as_release_0_1(day: Day, one: Person) -> None:
    """Show what release 0.1 showed, an offer without terms, and agree to it."""
    offer = replace(situation(day, one).offer, terms=None)
    with day.services.database.write() as tx:
        shown = day.services.notices.show(tx, one, offer, "en", day.now)
        day.services.consent.decide(tx, one, Act.GIVEN, day.now, shown_id=shown.id)


def pointer(written: dict[str, Any]) -> tuple[str, int]:
    """What a policy document says of pointer movement."""
    rule = written["signals"]["pointer"]
    return rule["mode"], rule["retention_days"]


def edited(shipped: Shipped, *items: App | Exclusion, without: str = "") -> Shipped:
    """The shipped files with other entries in the catalogue, or one exclusion fewer."""
    catalogue = shipped.catalogue
    apps = {**catalogue.apps, **{item.id: item for item in items if isinstance(item, App)}}
    exclusions = {
        **catalogue.exclusions,
        **{item.id: item for item in items if isinstance(item, Exclusion)},
    }
    exclusions.pop(without, None)
    return replace(shipped, catalogue=Catalogue(apps, exclusions))
