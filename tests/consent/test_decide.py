"""Opting in rests on what was shown; every decision is numbered, logged and receipted."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.audit.entries.model import SYSTEM, Actor
from app.audit.reading.service import ReadingService
from app.consent.model import VALIDITY, Act, State, standing
from app.consent.offers import NoticeName
from app.kernel.canonical import digest
from app.kernel.clock import instant
from app.kernel.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    Unavailable,
)
from tests.consent.booth import Booth, decision, notice, offer

UNCONSENTED = offer(bases=("acknowledgement", "notice"))


def field_of(refused: pytest.ExceptionInfo[InvalidInput]) -> str:
    return refused.value.faults[0].field


def test_who_read_the_notice_and_agrees_has_given(booth: Booth) -> None:
    receipt = booth.give()
    found = booth.standing()
    assert (found.state, found.decision) == (State.GIVEN, receipt.decision)
    assert found.until == booth.clock.now() + VALIDITY
    assert (receipt.decision.seq, receipt.decision.notice_version) == (1, 1)


def test_what_is_agreed_to_is_exactly_what_was_offered(booth: Booth) -> None:
    given, offered = booth.give().decision, offer()
    assert (given.signals, given.purposes, given.apps) == (
        offered.signals,
        offered.purposes,
        offered.apps,
    )
    assert given.offer_digest == offered.digest
    assert booth.standing().agreed == given


def test_the_same_notice_and_offer_are_shown_once(booth: Booth) -> None:
    first = booth.show()
    booth.clock.advance(60)
    assert booth.show() == first
    assert booth.show(language="de").id != first.id
    assert booth.show(offer(apps=("editor",))).id != first.id
    assert len(booth.entries("notice.shown")) == 3


def test_an_offer_is_kept_as_its_bytes(booth: Booth) -> None:
    shown = booth.show(offer(signals=("menu", "click", "menu")))
    assert shown.offer.digest == offer().digest, "order and repetition mean nothing"
    with booth.database.read() as tx:
        kept = booth.consent.notices.shown(tx, booth.directory.person(tx, "ada"), shown.id)
    assert kept.offer.canonical == offer().canonical
    assert kept.notice == notice()


@pytest.mark.parametrize("act", ["given", "acknowledged"])
def test_nobody_agrees_before_reading_the_notice(booth: Booth, act: str) -> None:
    """The record first and the notice later is refused, as the order of events is the proof."""
    with pytest.raises(InvalidInput) as refused:
        booth.decide(act)
    assert field_of(refused) == "shown"
    assert booth.history() == ()


def test_a_notice_shown_to_another_binds_nobody(booth: Booth) -> None:
    shown = booth.show()
    booth.who = "ben"
    with pytest.raises(NotFound):
        booth.decide("given", shown_id=shown.id)
    with pytest.raises(NotFound):
        booth.decide("given", shown_id="no such thing")


def test_what_was_shown_must_still_be_the_notice(booth: Booth) -> None:
    shown = booth.show()
    booth.adopt(notice(version=2))
    with pytest.raises(Conflict, match="changed since") as refused:
        booth.decide("given", shown_id=shown.id)
    assert "Read the current notice" in refused.value.cure
    assert booth.history() == ()


def test_what_was_shown_must_still_be_the_offer(booth: Booth) -> None:
    shown = booth.show()
    with pytest.raises(Conflict):
        booth.decide("given", shown_id=shown.id, offer=offer(apps=("editor",)))
    assert booth.decide("given", shown_id=shown.id, offer=offer()).decision.seq == 1


@pytest.mark.parametrize("moved", [{"region": "FR"}, {"place": "FR"}])
def test_what_was_shown_before_a_move_is_not_offered_any_more(
    booth: Booth, moved: dict[str, str]
) -> None:
    shown = booth.show()
    booth.move(**moved)
    with pytest.raises(Conflict):
        booth.decide("given", shown_id=shown.id)


def test_a_move_is_seen_also_by_who_holds_an_older_view_of_the_person(booth: Booth) -> None:
    shown, before = booth.show(), booth.person()
    booth.move(region="FR")
    with pytest.raises(Conflict), booth.database.write() as tx:
        booth.consent.decide(tx, before, Act.GIVEN, booth.clock.now(), shown_id=shown.id)


def test_the_act_is_what_the_bases_ask_for(booth: Booth) -> None:
    for what, wrong in ((offer(), "acknowledged"), (UNCONSENTED, "given")):
        with pytest.raises(InvalidInput) as refused:
            booth.decide(wrong, shown_id=booth.show(what).id)
        assert field_of(refused) == "act"
    receipt = booth.decide("acknowledged", shown_id=booth.show(UNCONSENTED).id)
    assert booth.standing().state is State.ACKNOWLEDGED
    assert receipt.decision.offer_digest == UNCONSENTED.digest


def test_where_no_act_can_make_it_lawful_none_is_taken(booth: Booth) -> None:
    shown = booth.show(offer(bases=("collective",)))
    for act in ("given", "acknowledged"):
        with pytest.raises(InvalidInput, match="act"):
            booth.decide(act, shown_id=shown.id)


def test_who_left_cannot_opt_in(booth: Booth) -> None:
    shown = booth.show()
    with booth.database.write() as tx:
        booth.directory.leave(tx, "ada", SYSTEM, booth.clock.now())
    with pytest.raises(Conflict):
        booth.decide("given", shown_id=shown.id)


def test_moving_invalidates_at_once_and_moving_back_does_not_revive(booth: Booth) -> None:
    booth.give()
    booth.move(region="FR")
    assert booth.standing().state is State.INVALIDATED
    booth.move(region="DE")
    assert booth.standing().state is State.INVALIDATED
    booth.give()
    assert booth.standing().state is State.GIVEN


def test_a_new_version_of_the_notice_asks_everybody_anew(booth: Booth) -> None:
    booth.give()
    booth.adopt(notice(version=2), notice(version=2, language="de"))
    assert booth.standing().state is State.INVALIDATED
    booth.give()
    assert booth.standing().state is State.GIVEN


def test_a_text_cannot_change_under_its_version(booth: Booth) -> None:
    """People would be bound to words that they never read."""
    with pytest.raises(Conflict, match=r"capture/en\.md was changed, but it still says version 1"):
        booth.adopt(notice(words="Read that."))


def test_each_text_is_adopted_once(booth: Booth) -> None:
    booth.adopt(notice(), notice(language="de"))
    adopted = [entry["facts"] for entry in booth.entries("notice.adopted")]
    assert [(one["notice"], one["version"], one["language"]) for one in adopted] == [
        ("capture", 1, "en"),
        ("capture", 1, "de"),
    ]


def test_a_notice_in_another_language_is_never_chosen_for_the_person(booth: Booth) -> None:
    assert booth.consent.notices.languages == ("de", "en")
    assert booth.consent.notices.text("de").language == "de"
    with pytest.raises(NotFound) as refused:
        booth.consent.notices.text("fi")
    assert refused.value.cure == "Choose one of: de, en."


def test_without_a_notice_nobody_can_opt_in(booth: Booth) -> None:
    shown = booth.show()
    booth.adopt()
    with pytest.raises(Unavailable, match="nobody can opt in"):
        booth.show()
    with pytest.raises(Conflict):
        booth.decide("given", shown_id=shown.id)


def test_a_decision_is_one_entry_that_names_nobody(booth: Booth) -> None:
    shown = booth.show()
    made = booth.decide("given", shown_id=shown.id).decision
    with booth.database.write() as tx:
        pseudonym = booth.log.pseudonym(tx, "ada")
    (entry,) = booth.entries("consent.given")
    assert entry["event"] == made.event_id
    assert entry["actor"] == {"kind": "person", "id": pseudonym}
    assert entry["subjects"] == [pseudonym]
    assert entry["facts"] == {
        "decision": made.id,
        "seq": 1,
        "notice": {
            "id": "capture",
            "version": 1,
            "language": "en",
            "digest": notice().digest,
        },
        "offer": offer().digest,
        "shown": shown.id,
        "region": "DE",
        "residence": 1,
        "signals": ["click", "menu"],
        "purposes": ["ai_training.computer_use"],
        "apps": ["editor", "tracker"],
        "recorded_at": "2026-11-16T09:00:00.000000Z",
        "until": None,
        "valid_until": "2027-11-16T09:00:00.000000Z",
    }
    (seen,) = booth.entries("notice.shown")
    assert seen["facts"]["shown"] == shown.id
    assert "'ada'" not in str([entry, seen])


def test_what_entries_name_by_digest_can_be_handed_out_under_that_digest(booth: Booth) -> None:
    booth.give()
    booth.who = "ben"
    booth.show()
    booth.show(offer(apps=("editor",)), language="de")
    with booth.database.read() as tx:
        documents = tuple(booth.consent.notices.documents(tx))
    assert len(documents) == len(set(documents)) == 4, "two texts, two offers, once each"
    assert all(digest(data) == name for name, data in documents)
    named = {entry["facts"]["digest"] for entry in booth.entries("notice.adopted")}
    named |= {entry["facts"]["offer"] for entry in booth.entries("notice.shown")}
    assert named == {name for name, _ in documents}


def test_the_log_alone_gives_what_a_person_agreed_to_and_when_it_stands(booth: Booth) -> None:
    """Everything that the fold reads stands in the entries."""
    booth.give()
    booth.pause(30)
    facts = [
        entry["facts"] for kind in ("given", "paused") for entry in booth.entries(f"consent.{kind}")
    ]
    told = tuple(
        decision(
            one["seq"],
            act,
            region=one["region"],
            residence=one["residence"],
            notice=NoticeName(**one["notice"]) if one["notice"] else None,
            signals=tuple(one["signals"]),
            purposes=tuple(one["purposes"]),
            apps=tuple(one["apps"]),
            until=instant(one["until"]) if one["until"] else None,
            valid_until=instant(one["valid_until"]) if one["valid_until"] else None,
        )
        for act, one in zip(("given", "paused"), facts, strict=True)
    )
    for minutes in (0, 29, 31, 366 * 24 * 60):
        then = booth.clock.now() + timedelta(minutes=minutes)
        with booth.database.read() as tx:
            stood = booth.consent.standing(tx, booth.person(), then)
        replayed = standing(told, then, region="DE", residence=1, notice_version=1)
        assert (replayed.state, replayed.stands, replayed.until) == (
            stood.state,
            stood.stands,
            stood.until,
        )


def test_the_order_is_that_of_recording_also_when_the_clock_runs_backwards(booth: Booth) -> None:
    booth.give()
    booth.clock.advance(timedelta(hours=-2))
    booth.decide("withdrawn")
    first, second = booth.history()
    assert (first.seq, second.seq) == (1, 2)
    assert second.decided_at < first.decided_at, "what the clock said is kept"
    assert second.recorded_at == first.recorded_at, "recording never runs backwards"
    booth.clock.advance(timedelta(days=3))
    assert booth.standing().state is State.WITHDRAWN


@pytest.mark.parametrize("change", ["UPDATE {} SET {}={}", "DELETE FROM {}"])
@pytest.mark.parametrize(
    ("table", "column"),
    [("consent_decision", "act"), ("notice_shown", "offer"), ("notice_text", "title")],
)
def test_what_was_decided_shown_and_recorded_cannot_be_rewritten(
    booth: Booth, change: str, table: str, column: str
) -> None:
    booth.give()
    with pytest.raises(DBAPIError, match="append-only"), booth.database.write() as tx:
        tx.execute(text(change.format(table, column, "'given'")))
    assert booth.standing().state is State.GIVEN


def test_somebody_else_may_end_a_consent_and_must_say_why(booth: Booth) -> None:
    booth.give()
    officer = Actor("person", "dan")
    with booth.database.write() as tx:
        person = booth.directory.person(tx, "ada")
        for note in ("", " ", "x" * 2001):
            with pytest.raises(InvalidInput, match="note"):
                booth.consent.revoke(tx, person, officer, note, booth.clock.now())
        with pytest.raises(Forbidden, match="nobody revokes their own"):
            booth.consent.revoke(tx, person, Actor("person", "ada"), "why", booth.clock.now())
        receipt = booth.consent.revoke(tx, person, officer, "A court said so", booth.clock.now())
        assert ReadingService(booth.log).body(tx, receipt.event_id) == {"note": "A court said so"}
    assert booth.standing().state is State.REVOKED
    (entry,) = booth.entries("consent.revoked")
    assert "court" not in str(entry)


@pytest.mark.parametrize(
    "actor",
    [
        Actor("person", "ben"),
        Actor("person", "eli"),
        Actor("device", "dan"),
        Actor("consumer", "x"),
    ],
    ids=["no role", "a role elsewhere", "a device", "a consumer"],
)
def test_only_who_may_stop_capture_there_revokes(booth: Booth, actor: Actor) -> None:
    booth.give()
    with booth.database.write() as tx, pytest.raises(Forbidden):
        booth.consent.revoke(tx, booth.directory.person(tx, "ada"), actor, "x", booth.clock.now())
    assert booth.standing().state is State.GIVEN


def test_who_has_left_revokes_nothing(booth: Booth) -> None:
    booth.give()
    with booth.database.write() as tx:
        officer = booth.directory.person(tx, "dan")
        booth.directory.leave(tx, officer.id, SYSTEM, booth.clock.now())
        with pytest.raises(Forbidden):
            booth.consent.revoke(
                tx, booth.person(), Actor("person", "dan"), "why", booth.clock.now()
            )
    assert booth.standing().state is State.GIVEN


def test_nobody_revokes_for_themselves(booth: Booth) -> None:
    with pytest.raises(InvalidInput) as refused:
        booth.decide("revoked")
    assert field_of(refused) == "act"


def test_what_stood_over_a_stretch_of_time_follows_moves_and_notices(booth: Booth) -> None:
    start = booth.clock.now()
    booth.give()
    moved = booth.clock.advance(3600)
    booth.move(region="FR")
    booth.clock.advance(3600)
    booth.give(offer(region="FR", regions=("FR", "DE")))
    given = booth.clock.advance(3600)
    booth.adopt(notice(version=2))
    booth.clock.advance(3600)

    def between(first: object, last: object) -> bool:
        with booth.database.read() as tx:
            person = booth.directory.person(tx, "ada")
            return booth.consent.standing_between(
                tx,
                person,
                first,
                last,
                bases=["consent"],
                purpose="ai_training.computer_use",  # type: ignore[arg-type]
            )

    minute = timedelta(minutes=1)
    assert between(start, moved - minute)
    assert not between(start, moved)
    assert between(given - timedelta(hours=1), given - minute)
    assert not between(given - minute, given)
    assert not between(start, given - minute)
