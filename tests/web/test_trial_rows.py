"""What a trial says: every reason has words, and who decided it is named with the citation."""

from dataclasses import replace
from typing import Any

import pytest

from app.capture.trial import Laptop, Told, trial
from app.event.verdict import Denied
from app.kernel.refusals import Refusal
from app.kernel.vocabulary import FieldKind, Mode, Reason, Signal
from app.policy.agreement import Limits
from app.policy.catalogue.model import App, Catalogue, Exclusion, Matchers
from app.policy.document import document
from app.policy.lattice import compile_layers
from app.policy.law.layer import Claim, Layer, Why
from app.policy.own_exclusions import OwnExclusion
from app.web.trial.rows import TrialGround, TrialWords, outcome
from app.web.trial.words import BECAUSE, EXAMPLE_WORDS, FIELD_WORDS, NOT_KNOWN
from tests.agent_simulator import event

LAWFUL = Why("floor/DE", "Works Act § 1", "C")
OURS = Why("company/DE", "Agreement 7")
CHAT = App(
    "chat", "Team Chat", "communication", Matchers(urls=("chat.example.com",)), others="chat"
)
BROWSER = App("browser", "Browser", "browser", Matchers(programs=("com.google.Chrome@EQHXZ8M8AV",)))
BANK = Exclusion("bank", "Banking", "Money is private.", Matchers(urls=("bank.example",)))
HR = OwnExclusion("hr", "HR room", "HR asked for it.", Matchers(pages=("chat.example.com/hr",)), ())
ROOM = "https://chat.example.com/room"
OTHERS = {
    "regions": {"DE": dict.fromkeys(Signal, "allow") | {Signal.CLICK: "deny"}},
    "unknown": dict.fromkeys(Signal, "deny"),
}


def ground() -> TrialGround:
    said: dict[str, Any] = {
        "status": 1,
        "bases": frozenset({"consent"}),
        "purposes": frozenset({"ai_training.computer_use"}),
        "apps": frozenset({"chat", "browser"}),
        "exclusions": frozenset({"bank"}),
        "own_exclusions": frozenset({HR}),
        "redactors": frozenset({"payment_cards"}),
        "counterparty": Mode.ALLOW,
        "signals.click.mode": Mode.ALLOW,
        "signals.click.retention_days": 14,
        "signals.key_content.mode": Mode.REDACT,
        "signals.key_content.retention_days": 1,
        "signals.menu.mode": Mode.DENY,
    }
    claims = {name: Claim(value, LAWFUL) for name, value in said.items()}
    claims["own_exclusions"] = Claim(said["own_exclusions"], OURS)
    layer = Layer("floor", "floor", "DE", "", claims)
    catalogue = Catalogue({"chat": CHAT, "browser": BROWSER}, {"bank": BANK})
    names = {"DE": "Germany"}
    return TrialGround(Limits(compile_layers([layer]), catalogue), names, {"DE": (LAWFUL,)})


def told(*off: Reason) -> Told:
    return Told(document(ground().limits, 2), OTHERS, ("Europe/Berlin",), off)


def said(*off: Reason, signal: str = "click", **changes: Any) -> TrialWords:
    """What is told of a click in the chat, with changes."""
    seen = event("com.google.Chrome", signal, **{"address": ROOM, "account": "lane", **changes})
    return outcome(trial(seen, told(*off), Laptop("Europe/Berlin")), ground())


def deciders(found: TrialWords) -> list[tuple[str, str, str]]:
    return [(row.what, why.place, why.citation) for row in found.decided for why in row.reasons]


def test_what_is_kept_is_told_with_what_remains_and_how_long() -> None:
    whole = said()
    assert whole.headline == "It would be captured in full, in Team Chat."
    assert whole.lines[-1] == "Kept for 14 days."
    part = said(signal="key_content")
    assert part.headline == "It would be captured in part, in Team Chat."
    assert part.lines == (
        "What is kept: what is typed, with sensitive content removed.",
        "Removed before it is kept: card numbers.",
        "Kept for 1 day.",
    )
    assert deciders(part) == [("Typed text", "Germany", "Works Act § 1")]
    assert part.verdict == '{"allowed": {"mode": "redact", "app": "chat"}}'


def test_an_excluded_place_is_told_by_name_with_its_reason_and_who_asks_for_it() -> None:
    bank = said(address="https://bank.example/")
    assert bank.lines == ("It is in an excluded place: banking.", "Money is private.")
    assert deciders(bank) == [("Banking", "Germany", "Works Act § 1")]
    own = said(address="https://chat.example.com/hr/1")
    assert own.lines == ("It is in an excluded place: HR room.", "HR asked for it.")
    assert deciders(own) == [("HR room", "Germany", "Agreement 7")]
    assert own.verdict == '{"denied": "excluded", "exclusion": "own.hr"}'


def test_the_other_side_is_told_by_where_it_is() -> None:
    german = said(counterparties=("DE",))
    assert german.lines[-1] == "The rules where the other people are allow no more: Germany."
    assert deciders(german) == [("Clicks, where the others are", "Germany", "Works Act § 1")]
    nobody = said(counterparties=("FR",))
    assert "France, which no rules describe" in nobody.lines[-1]
    assert nobody.decided == ()
    assert "a region that is not known" in said(counterparties=None).lines[-1]


def test_what_is_not_known_is_listed_and_what_it_leads_to_told() -> None:
    found = said(address="unknown", account=None)
    assert found.headline == "It would not be captured."
    assert found.lines == (BECAUSE[Refusal.ADDRESS_UNKNOWN],)
    assert found.unknown == ("the address of the page", "which account is in use")


def test_capture_that_is_off_is_told_first_and_then_what_would_be() -> None:
    off = said(Reason.STOPPED, Reason.LEAD_TIME)
    assert off.headline == "It would not be captured: capture is off."
    assert off.mark == "deny"
    assert off.lines[:3] == (
        BECAUSE[Reason.STOPPED],
        BECAUSE[Reason.LEAD_TIME],
        "If capture were on, it would be captured in full, in Team Chat.",
    )
    assert off.verdict == '{"denied": "stopped"}'
    denied = said(Reason.STOPPED, signal="menu")
    assert denied.lines[1:] == (
        "It would not be captured if capture were on, either.",
        BECAUSE[Refusal.SIGNAL_DENIED],
    )


def test_of_a_picture_it_is_told_which_window_stands_in_the_way() -> None:
    shown = event("com.google.Chrome", address=ROOM).place
    bank = replace(shown, address="https://bank.example/")
    found = said(signal="screenshot", pictured=(shown, bank))
    assert found.lines[0] == "The reason is another window in the picture, number 2 of the others."


def test_every_reason_that_a_trial_can_end_with_has_words() -> None:
    between_events = {Refusal.SCREENSHOT_INTERVAL, Refusal.EVENT_OUTSIDE_LEASE, Refusal.INTERNAL}
    of_leases = set(list(Refusal)[: list(Refusal).index(Refusal.EVENT_UNREADABLE)])
    assert set(BECAUSE) == {*Reason, *Refusal} - between_events - of_leases
    assert all(words.endswith(".") for words in BECAUSE.values())


@pytest.mark.parametrize("reason", [reason for reason in BECAUSE if reason in set(Refusal)])
def test_a_refusal_is_told_in_its_words(reason: Refusal) -> None:
    found = outcome(replace(trial_of(), said=Denied(reason)), ground())
    assert BECAUSE[reason] in found.lines


def trial_of() -> Any:
    return trial(event("com.google.Chrome", address=ROOM), told(), Laptop("Europe/Berlin"))


def test_every_field_word_can_be_chosen_and_every_member_that_is_unknown_has_words() -> None:
    assert list(FIELD_WORDS) == list(FieldKind)
    assert set(EXAMPLE_WORDS.values()).isdisjoint(NOT_KNOWN.values())
