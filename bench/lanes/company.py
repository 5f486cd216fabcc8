"""A company to ask about, prepared through the services before the service runs."""

import base64
import csv
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from app.agents.devices import store as devices
from app.agents.devices.model import Device
from app.agents.pairing import store as tokens
from app.audit.entries.model import Actor, Event, Kind
from app.consent.model import Act
from app.db.engine import Tx
from app.directory.model import Person
from app.directory.packs import COLUMNS
from app.kernel.facts import encode
from app.kernel.signing import LocalSigner
from app.wiring import Services, build
from bench.lanes.crowd import Company
from bench.lanes.service import Place
from tests.access.office import TRAINING, Office
from tests.fakes import FakeClock
from tests.make import person

AT_ONCE = 100
"""How many people are prepared in one transaction."""
SUBJECTS = 100
"""How many people consumers ask about; they agreed, and stay."""
CONSUMERS = ("pipeline", "pipeline-2")


@dataclass(frozen=True)
class Sizes:
    """How large the company is.

    Attributes:
        people: with a session each.
        leavers: of these, who agreed and can withdraw.
        devices: laptops, each of another person.
    """

    people: int = 2_000
    leavers: int = 1_500
    devices: int = 300


def prepared(place: Place, sizes: Sizes) -> Company:
    """Prepare a company."""
    services = build(place.settings)
    office = Office(services, FakeClock(services.clock.now()))
    office.open()
    office.register(CONSUMERS[1], [TRAINING], ["training"])
    hired = [person(f"L-{number:06}", manager="E-2") for number in range(sizes.people)]
    office.hire(*hired)
    leavers, others = hired[: sizes.leavers], hired[sizes.leavers :]
    _opt_in(services, [*others[:SUBJECTS], *leavers])
    time.sleep(0.2)
    until = services.clock.now()
    company = Company(
        ports=place.ports,
        base_url=services.settings.base_url,
        keys=[_x(LocalSigner.generate().public) for _ in range(8)],
        devices=_pair(services, others[: sizes.devices]),
        secrets={name: office.secrets[name] for name in CONSUMERS},
        subjects=[one.id for one in others[:SUBJECTS]],
        asked={
            "signals": ["click"],
            "captured_from": (until - timedelta(seconds=0.1)).isoformat(),
            "captured_to": until.isoformat(),
        },
        readers=[cookie for cookie, _ in _sessions(services, others)],
        leavers=list(_sessions(services, leavers)),
    )
    services.integrator.integrate()
    services.close()
    return company


def write_people(file: Path, how_many: int) -> None:
    """Write newcomers as a file of people, each hundred with a superior among them."""
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, COLUMNS)
        writer.writeheader()
        for number in range(how_many):
            manager = f"N-{number - number % 100:06}" if number % 100 else ""
            made = person(f"N-{number:06}", manager=manager)
            row = {name: getattr(made, name, "") for name in COLUMNS}
            writer.writerow(row | {"place_of_work": made.place, "roles": ""})


def _opt_in(services: Services, people: Sequence[Person]) -> None:
    for group in _groups(people):
        with services.database.write() as tx:
            for one in group:
                now = services.clock.now()
                offer = services.capture.situation(tx, one, now).offer
                shown = services.notices.show(tx, one, offer, "en", now)
                services.consent.decide(tx, one, Act.GIVEN, now, shown_id=shown.id)


def _sessions(services: Services, people: Sequence[Person]) -> Iterator[tuple[str, str]]:
    """Sign people in; the cookie of each and the token of its forms."""
    for group in _groups(people):
        now = services.clock.now()
        with services.database.write() as tx:
            cookies = [services.sessions.start(tx, one.id, "lanes", one.id, now) for one in group]
            for cookie in cookies:
                session = services.sessions.find(tx, cookie, now)
                assert session is not None
                yield cookie, session.csrf


def _pair(services: Services, people: Sequence[Person]) -> list[str]:
    """Give each a laptop; the tokens of these."""
    given = []
    with services.database.write() as tx:
        for one in people:
            given.append(secrets.token_urlsafe(32))
            _laptop(services, tx, one, given[-1])
    return given


def _laptop(services: Services, tx: Tx, one: Person, token: str) -> None:
    now = services.clock.now()
    device = Device(
        f"d_{secrets.token_hex(16)}", one.id, "laptop", LocalSigner.generate().public, now
    )
    devices.insert_device(tx, device)
    tokens.insert_token(tx, token, device.id, now + timedelta(hours=8))
    actor, record = Actor("person", one.id), encode(device.pairing_record)
    services.log.append(tx, Event(Kind.DEVICE_PAIRED, actor, record, subjects=(one.id,)), now)


def _groups(people: Sequence[Person]) -> Iterator[Sequence[Person]]:
    return (people[start : start + AT_ONCE] for start in range(0, len(people), AT_ONCE))


def _x(public: bytes) -> str:
    return base64.urlsafe_b64encode(public).rstrip(b"=").decode()
