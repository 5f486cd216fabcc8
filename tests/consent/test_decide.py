"""Opting in rests on what was shown; every decision is numbered, logged and receipted."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.audit.model import SYSTEM, Actor
from app.consent.model import VALIDITY, Act, State
from app.kernel.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    Unavailable,
)
from tests.consent.booth import Booth, notice, offer

UNCONSENTED = offer(bases=("acknowledgement", "notice"))


def field_of(refused: pytest.ExceptionInfo[InvalidInput]) -> str:
    return refused.value.faults[0].field


def test_who_read_the_notice_and_agrees_has_given(booth: Booth) -> None:
    receipt = booth.give()
    found = booth.standing()
    assert (found.state, found.decision) == (State.GIVEN, receipt.decision)
    assert found.until == booth.clock.now() + VALIDITY
    assert (receipt.decision.seq, receipt.decision.notice_version) == (1, 1)


def test_the_scope_is_exactly_what_was_offered(booth: Booth) -> None:
    scope = booth.give().decision.scope
    assert scope == offer().scope
    assert booth.standing().scope == scope


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
        kept = booth.consent.shown(tx, booth.directory.person(tx, "ada"), shown.id)
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


def test_the_act_is_the_one_that_the_bases_ask_for(booth: Booth) -> None:
    for what, wrong in ((offer(), "acknowledged"), (UNCONSENTED, "given")):
        with pytest.raises(InvalidInput) as refused:
            booth.decide(wrong, shown_id=booth.show(what).id)
        assert field_of(refused) == "act"
    receipt = booth.decide("acknowledged", shown_id=booth.show(UNCONSENTED).id)
    assert booth.standing().state is State.ACKNOWLEDGED
    assert receipt.decision.scope == UNCONSENTED.scope


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
    assert booth.consent.languages == ("de", "en")
    assert booth.consent.notice("de").language == "de"
    with pytest.raises(NotFound) as refused:
        booth.consent.notice("fi")
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
        "region": "DE",
        "signals": ["click", "menu"],
        "purposes": ["ai_training.computer_use"],
        "until": None,
        "valid_until": "2027-11-16T09:00:00.000000Z",
    }
    (seen,) = booth.entries("notice.shown")
    assert seen["facts"]["shown"] == shown.id
    assert "'ada'" not in str([entry, seen])


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
def test_what_was_decided_shown_and_said_cannot_be_rewritten(
    booth: Booth, change: str, table: str, column: str
) -> None:
    booth.give()
    with pytest.raises(DBAPIError, match="append-only"), booth.database.write() as tx:
        tx.execute(text(change.format(table, column, "'given'")))
    assert booth.standing().state is State.GIVEN


def test_somebody_else_may_end_a_consent_and_must_say_why(booth: Booth) -> None:
    booth.give()
    legal = Actor("person", "ben")
    with booth.database.write() as tx:
        person = booth.directory.person(tx, "ada")
        for note in ("", " ", "x" * 2001):
            with pytest.raises(InvalidInput, match="note"):
                booth.consent.revoke(tx, person, legal, note, booth.clock.now())
        with pytest.raises(Forbidden, match="nobody revokes their own"):
            booth.consent.revoke(tx, person, Actor("person", "ada"), "why", booth.clock.now())
        receipt = booth.consent.revoke(tx, person, legal, "A court said so", booth.clock.now())
        assert booth.log.body(tx, receipt.event_id) == {"note": "A court said so"}
    assert booth.standing().state is State.REVOKED
    (entry,) = booth.entries("consent.revoked")
    assert "court" not in str(entry)


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
