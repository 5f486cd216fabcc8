"""Everything the employee's page shows, gathered in one transaction."""

from dataclasses import dataclass
from datetime import datetime

from app.agents.devices.model import Device
from app.agents.reports.model import Totals
from app.audit.entries.model import Kind
from app.capture.service import LastChange
from app.capture.situation import Situation
from app.consent.model import Decision
from app.db.engine import Tx
from app.directory.model import Person
from app.kernel.clock import instant
from app.kernel.errors import NotFound
from app.policy.law.layer import Floor
from app.policy.model import InForce
from app.web.employee.choices import Choices, choices
from app.web.employee.decide_words import decide_words
from app.web.employee.past.used import Used, used
from app.web.employee.state.laptops import LaptopRow, laptop_row, permissions, told, told_of
from app.web.employee.state.phase import column_of, extent_in_words, phase_of
from app.web.employee.state.state_words import StateWords, state_in_words
from app.web.employee.state.wider_words import wider_in_words
from app.web.words.decision_words import decision_in_words
from app.web.words.obstacle_words import Part
from app.web.words.region_words import Names
from app.wiring import Services


@dataclass(frozen=True)
class HistoryRow:
    """One decision, what it says, and its place in the log; None: it is on its way there."""

    decision: Decision
    said: tuple[Part, ...]
    index: int | None


@dataclass(frozen=True)
class Overview:
    """One person's situation, in words and rows; laptops and history newest first.

    Where the record of decisions is in doubt, the history is what the log says, too.
    """

    situation: Situation
    names: Names
    state: StateWords
    listed: str
    """What the list of signals is, in words; empty where it is what is captured."""
    column: str
    """What its column of modes says of them."""
    more: tuple[str, ...]
    """What is offered beyond what was agreed to, one line each."""
    looked: bool
    """Whether the person has looked at all of that: then it is not pointed out any more."""
    choices: Choices
    laptops: tuple[LaptopRow, ...]
    history: tuple[HistoryRow, ...]
    used: Used
    captured: Totals


def overview(services: Services, tx: Tx, person: Person, now: datetime) -> Overview:
    """Gather what the page shows."""
    situation = services.capture.situation(tx, person, now)
    laptops = laptop_rows(services, tx, situation, now)
    telling = told_of(situation, laptops)
    names = region_names(services, tx, telling.in_force)
    history = services.consent.history(tx, person.id)
    held = permissions(laptops)
    phase = phase_of(situation, held)
    return Overview(
        situation=telling,
        names=names,
        state=state_in_words(telling, names, held),
        listed=extent_in_words(situation, phase),
        column=column_of(phase),
        more=wider_in_words(situation, decide_words("en")),
        looked=services.consent.notices.was_shown(tx, person, situation.offer),
        choices=choices(situation, history, current_notices(services), now),
        laptops=laptops,
        history=_history_rows(services, tx, situation, history),
        used=used(services, tx, person, now),
        captured=services.reports.totals(tx, person.id),
    )


def _history_rows(
    services: Services, tx: Tx, situation: Situation, history: tuple[Decision, ...]
) -> tuple[HistoryRow, ...]:
    person_id = situation.person.id
    if situation.standing.disputed:
        history = tuple(one for one in history if _as_logged(services, tx, person_id, one))
    before = services.consent.stood_before(tx, person_id)
    return tuple(
        HistoryRow(
            decision,
            decision_in_words(decision, before.get(decision.id)),
            services.log.index_of(tx, decision.event_id),
        )
        for decision in reversed(history)
    )


def _as_logged(services: Services, tx: Tx, person_id: str, decision: Decision) -> bool:
    """Whether the log says of a decision what its row says on the page."""
    try:
        said = services.desk.own_event(tx, person_id, decision.event_id).said
    except NotFound:
        return False
    logged = said["kind"], said["facts"].get("decision"), instant(said["occurred_at"])
    return logged == (f"consent.{decision.act.value}", decision.id, decision.decided_at)


def region_names(services: Services, tx: Tx, in_force: InForce) -> Names:
    """Names of the regions whose floors are in force, the widest first, from those very floors."""
    floors = [
        Floor.read(services.policy.document(tx, layer.digest))
        for layer in in_force.layers
        if layer.kind == "floor"
    ]
    floors.sort(key=lambda floor: len(services.policy.chain(floor.region) or ()))
    return {floor.region: floor.name for floor in floors}


def laptop_rows(
    services: Services, tx: Tx, situation: Situation, now: datetime
) -> tuple[LaptopRow, ...]:
    """The person's laptops, newest first, with what each was last told and last reported."""
    devices = services.devices.of_person(tx, situation.person.id)
    changed = services.capture.changed_at(tx, situation, now)
    return tuple(
        _laptop_row(services, tx, device, situation.person, changed, now)
        for device in reversed(devices)
    )


def _laptop_row(
    services: Services, tx: Tx, device: Device, person: Person, changed: LastChange, now: datetime
) -> LaptopRow:
    event, last, holding = services.leases.told_by(tx, device.id), None, None
    if event is not None:
        said = services.desk.own_event(tx, person.id, event)
        last = told(said.said, said.idx)
        holding = services.leases.holding(tx, device.id, last.place, last.form, now)
    report = services.desk.own_newest(tx, person.id, device.id, Kind.AGENT_REPORTED)
    return laptop_row(device, last, holding, changed, report, now)


def current_notices(services: Services) -> frozenset[str]:
    """Digests of the current notice, one per language."""
    return frozenset(
        services.notices.text(language).digest for language in services.notices.languages
    )
