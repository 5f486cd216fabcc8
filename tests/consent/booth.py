"""Where tests let people decide: decisions by hand, notices, a service with short calls."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from app.audit.entries.model import SYSTEM
from app.audit.entries.service import AuditService
from app.consent.model import VALIDITY, Act, Decision, Standing
from app.consent.notices import NoticeService, texts_of
from app.consent.offers import Notice, NoticeName, Offer, Shown
from app.consent.packs import read_notice
from app.consent.receipts import Receipt
from app.consent.service import ConsentService
from app.db.engine import Database
from app.directory.model import Person
from app.directory.service import DirectoryService
from app.kernel.authority import Role
from app.kernel.errors import Forbidden
from tests.directory.entries import submitted
from tests.fakes import FakeClock

NINE = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    """An instant, so many minutes after nine."""
    return NINE + timedelta(minutes=minutes)


def notice_name(version: int) -> NoticeName:
    """The notice in English, in a version."""
    return NoticeName("capture", version, "en", "sha256:n")


def decision(seq: int, act: Act | str, minutes: float = 0, **changes: Any) -> Decision:
    """A decision of a person in DE on version 1 of the notice; an opening act has a scope."""
    act, opens = Act(act), act in {"given", "acknowledged"}
    made = Decision(
        id=f"d{seq}",
        person_id="ada",
        seq=seq,
        act=act,
        region="DE",
        residence=1,
        notice=notice_name(1) if opens else None,
        shown_id="s" if opens else None,
        offer_digest="sha256:o" if opens else None,
        signals=("click", "menu") if opens else (),
        purposes=("ai_training.computer_use",) if opens else (),
        apps=("editor",) if opens else (),
        until=at(minutes + 30) if act is Act.PAUSED else None,
        valid_until=at(minutes) + VALIDITY if opens else None,
        decided_at=at(minutes),
        recorded_at=at(minutes),
        event_id="e",
    )
    return replace(made, **changes)


def offer(**changes: Any) -> Offer:
    """What is offered to ada in DE."""
    return replace(
        Offer(
            region="DE",
            regions=("DE",),
            signals=("click", "menu"),
            purposes=("ai_training.computer_use",),
            apps=("editor", "tracker"),
            retention_days={"click": 30, "menu": 30},
            bases=("consent",),
            policy=("sha256:" + "a" * 64,),
        ),
        **changes,
    )


def notice(version: int = 1, language: str = "en", words: str = "Read this.") -> Notice:
    """A notice that says little."""
    head = f"id: capture\nversion: {version}\nlanguage: {language}\ntitle: A notice\n"
    file = f"---\n{head}content: [purposes]\n---\n{words}\n"
    return read_notice(file.encode(), f"capture/{language}.md")


class Nobody:
    """An authority under which nobody may do anything: deciding for oneself asks no role."""

    def require(self, roles: tuple[Role, ...], region: str | None, thing: str, action: str) -> None:
        del roles, region, thing, action
        raise Forbidden("nobody may")

    def may(self, roles: tuple[Role, ...], region: str | None, thing: str, action: str) -> bool:
        del roles, region, thing, action
        return False


class OnlyDpo(Nobody):
    """An authority under which a data protection officer may stop capture in their region."""

    def may(self, roles: tuple[Role, ...], region: str | None, thing: str, action: str) -> bool:
        return Role("dpo", region) in roles and (thing, action) == ("capture", "stop")


def above(region: str) -> tuple[str, ...] | None:
    """The regions above; Atlantis is unknown."""
    return {"DE": ("DE", "EU", "GLOBAL"), "FR": ("FR", "EU", "GLOBAL")}.get(region)


@dataclass
class Booth:
    """A consent service with a person in front of it; each call is one transaction."""

    database: Database
    clock: FakeClock
    log: AuditService
    directory: DirectoryService
    consent: ConsentService
    who: str = "ada"

    def person(self) -> Person:
        with self.database.read() as tx:
            return self.directory.person(tx, self.who)

    def show(self, what: Offer | None = None, language: str = "en") -> Shown:
        with self.database.write() as tx:
            person = self.directory.person(tx, self.who)
            return self.consent.notices.show(
                tx, person, what or offer(), language, self.clock.now()
            )

    def decide(self, act: Act | str, **details: Any) -> Receipt:
        with self.database.write() as tx:
            person = self.directory.person(tx, self.who)
            return self.consent.decide(tx, person, Act(act), self.clock.now(), **details)

    def give(self, what: Offer | None = None) -> Receipt:
        return self.decide("given", shown_id=self.show(what).id)

    def pause(self, minutes: float) -> Receipt:
        return self.decide("paused", until=self.clock.now() + timedelta(minutes=minutes))

    def standing(self) -> Standing:
        with self.database.read() as tx:
            person = self.directory.person(tx, self.who)
            return self.consent.standing(tx, person, self.clock.now())

    def history(self) -> tuple[Decision, ...]:
        with self.database.read() as tx:
            return self.consent.history(tx, self.who)

    def move(self, **changes: Any) -> None:
        with self.database.write() as tx:
            moved = replace(self.directory.person(tx, self.who), **changes)
            self.directory.import_people(
                tx, (moved,), actor=SYSTEM, now=self.clock.now(), file_digest="sha256:f"
            )

    def adopt(self, *notices: Notice) -> None:
        """Run on with other texts, as after a restart with other files."""
        texts = NoticeService(self.log, self.directory, texts_of(notices))
        self.consent = replace(self.consent, notices=texts)
        with self.database.write() as tx:
            self.consent.notices.adopt(tx, self.clock.now())

    def entries(self, kind: str) -> list[dict[str, Any]]:
        with self.database.read() as tx:
            return [entry for entry in submitted(tx) if entry["kind"] == kind]
