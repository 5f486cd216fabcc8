"""Notices: what people read before they opt in, and what each of them was shown.

Rules:
1. A text is kept for ever, once, with its entry. It changes with a new version only: people would
   else be bound to words that they never read.
2. Opting in rests on a notice and an offer that were shown to this very person and are still what
   they were.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from app.audit.entries.model import SYSTEM, Actor, Event, Kind
from app.audit.entries.service import AuditService
from app.consent import store
from app.consent.model import Act, opening_act
from app.consent.notice_records import NoticeAdoption, NoticeShowing
from app.consent.offers import Notice, Offer, Shown
from app.consent.packs import read_notice
from app.db.engine import Tx
from app.directory.model import Person
from app.directory.service import DirectoryService
from app.kernel.errors import Conflict, NotFound, Unavailable, wrong_field
from app.kernel.facts import encode

NOTICE = "capture"
"""The notice that capture rests on."""

SHOWN_CHANGED = "shown-changed"
"""The kind of the conflict in which what was shown is no longer what is in force."""


@dataclass(frozen=True)
class NoticeService:
    """Shows notices, and says what was shown.

    Attributes:
        texts: the current text of the notice in each language, as ``texts_of`` gives them.
    """

    log: AuditService
    directory: DirectoryService
    texts: Mapping[str, Notice]

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages in which the notice can be read, sorted."""
        return tuple(sorted(self.texts))

    @property
    def version(self) -> int | None:
        """The version of the notice that is current; None if there is no notice."""
        return next((notice.version for notice in self.texts.values()), None)

    def text(self, language: str) -> Notice:
        """Return the current notice in a language.

        Raises:
            NotFound: not in this language; another is for the person to choose, not for us.
            Unavailable: there is no notice at all.
        """
        if not self.texts:
            raise Unavailable(
                "there is no notice to read, so nobody can opt in",
                cure="Opting out works. Ask whoever runs Habeas to install the notice.",
            )
        if language not in self.texts:
            raise NotFound(
                f"there is no notice in the language {language!r}",
                cure=f"Choose one of: {', '.join(self.languages)}.",
            )
        return self.texts[language]

    def adopt(self, tx: Tx, now: datetime) -> None:
        """Keep the current texts for ever, once each, with their entries.

        Raises:
            Conflict: a text was changed without a new version: people would be bound to words that
                they never read.
        """
        for notice in self.texts.values():
            if store.adopted(tx, notice) is None and store.was_adopted(tx, notice):
                continue  # the alarm says so, and nobody is asked by it: see ``show``
            self._adopt(tx, notice, now)

    def show(self, tx: Tx, person: Person, offer: Offer, language: str, now: datetime) -> Shown:
        """Record that the notice and an offer are put before a person; once for the same two.

        Raises:
            NotFound, Unavailable: there is no notice in this language.
            Unavailable: what was recorded of the notice does not agree with the log.
        """
        notice = self.text(language)
        self.directory.lock(tx, person.id)
        known = store.shown_before(tx, person.id, notice.digest, offer.digest)
        if known is not None:
            return replace(known, notice=notice)
        self._adopt(tx, notice, now)
        shown_id = str(uuid.uuid4())
        facts = encode(NoticeShowing(shown_id, NoticeAdoption.of(notice), offer.digest))
        actor = Actor("person", person.id)
        event = Event(Kind.NOTICE_SHOWN, actor, facts, subjects=(person.id,))
        shown = Shown(shown_id, person.id, notice, offer, now, self.log.append(tx, event, now))
        store.add_shown(tx, shown)
        return shown

    def was_shown(self, tx: Tx, person: Person, offer: Offer) -> bool:
        """Whether an offer was put before a person with the notice of today, in any language."""
        texts = self.texts.values()
        return any(store.was_shown(tx, person.id, text.digest, offer.digest) for text in texts)

    def shown(self, tx: Tx, person: Person, shown_id: str) -> Shown:
        """Return what was shown to a person.

        Raises:
            NotFound: nothing was shown to this person under this id.
        """
        shown = store.shown(tx, person.id, shown_id)
        if shown is None:
            raise NotFound(
                "this notice was not shown to you", cure="Read the current notice, then decide."
            )
        return replace(shown, notice=self._as_named(shown.notice))

    def documents(self, tx: Tx) -> Iterator[tuple[str, bytes]]:
        """Every notice text and every offer that entries name, each with its digest.

        The bytes are those that the digest was taken of: the notice's file, the offer's canonical
        form. Neither says anything about one person.
        """
        return store.documents(tx)

    def believed_starts(self, tx: Tx) -> dict[int, datetime] | None:
        """When each version was first adopted; None where the rows do not agree with the log."""
        starts, stand = store.version_starts(tx, NOTICE)
        return starts if stand else None

    def require_current(
        self, tx: Tx, person: Person, act: Act, shown_id: str | None, offer: Offer | None
    ) -> Shown:
        """Return what was shown to a person if they can opt in on it now (rule 2).

        Raises:
            InvalidInput: nothing is named, or the law asks for another act.
            NotFound: nothing was shown to this person under this id.
            Conflict: it is no longer what is in force, or the person has left.
        """
        if not person.active:
            raise Conflict("you have left; nothing of yours can be captured")
        if not shown_id:
            raise wrong_field(
                "shown", "no notice was read before deciding", "Read the notice first."
            )
        shown = self.shown(tx, person, shown_id)
        if self._is_stale(shown, person, offer):
            raise Conflict(
                "what you were shown has changed since; nothing was decided",
                cure="Read the current notice and decide again.",
                kind=SHOWN_CHANGED,
            )
        _require_act(act, opening_act(shown.offer.bases), person.region)
        return shown

    def _as_named(self, kept: Notice) -> Notice:
        """The words of the file whose digest was shown, whatever stands next to it in the row."""
        for notice in self.texts.values():
            if notice.digest == kept.digest:
                return notice
        return read_notice(kept.source, kept.digest)

    def _is_stale(self, shown: Shown, person: Person, offer: Offer | None) -> bool:
        current = self.texts.get(shown.notice.language)
        return (
            current is None
            or current.digest != shown.notice.digest
            or (shown.offer.region, shown.offer.regions) != (person.region, person.regions)
            or (offer is not None and offer.digest != shown.offer.digest)
        )

    def _adopt(self, tx: Tx, notice: Notice, now: datetime) -> None:
        adopted = store.adopted(tx, notice)
        if adopted is None and store.was_adopted(tx, notice):
            raise Unavailable(
                "what was recorded of the notice does not agree with the log",
                cure="See the page Alarms. Saying no works; to agree, come back when it is mended.",
            )
        if adopted is None:
            store.adopt(tx, notice, now)
            facts = encode(NoticeAdoption.of(notice))
            self.log.append(tx, Event(Kind.NOTICE_ADOPTED, SYSTEM, facts), now)
        elif adopted != notice.digest:
            raise Conflict(
                f"the notice {notice.id}/{notice.language}.md was changed, but it still says "
                f"version {notice.version}",
                cure="Raise the version in every language; people will be asked again.",
            )


def texts_of(notices: Iterable[Notice]) -> dict[str, Notice]:
    """The texts of the notice that capture rests on, by language."""
    return {notice.language: notice for notice in notices if notice.id == NOTICE}


def _require_act(act: Act, wanted: Act | None, region: str) -> None:
    if act is not wanted:
        raise wrong_field(
            "act",
            f"{act.value} is not what the law of {region} asks for here",
            f"Send {wanted.value}." if wanted else "Nothing can be captured here.",
        )
