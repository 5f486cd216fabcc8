"""The state as a sentence: every reason has words, and no sentence says more than is known."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.capture.directive import Directive
from app.capture.situation import Situation
from app.consent.model import OPENING, Act, Decision, Standing, State
from app.demo.seed import seed
from app.demo.server import SECRETS
from app.kernel.vocabulary import Reason, Signal
from app.settings import Settings
from app.web.employee.answers import answers
from app.web.employee.choices import choices
from app.web.employee.decide_words import decide_words
from app.web.employee.notice_text import as_html
from app.web.employee.state_words import Said, offered_acts, said
from app.web.shell.render import environment
from app.web.words.reason_words import CLOSED
from app.web.words.text import SENTENCE_WORDS, SIGNAL_MEANINGS, SIGNAL_WORDS
from app.wiring import Services, build
from tests.fakes import FakeClock

NAMES = {"GLOBAL": "Everywhere", "EU": "European Union", "DE": "Germany", "NO": "Norway"}
NOW = FakeClock().now()


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    var = tmp_path_factory.mktemp("words")
    made = build(Settings(var=var, demo=True), clock=FakeClock())
    seed(made, var / SECRETS)
    yield made
    made.database.engine.dispose()


def situation_of(services: Services, person_id: str) -> Situation:
    with services.database.read() as tx:
        person = services.directory.person(tx, person_id)
        return services.capture.situation(tx, person, NOW)


@pytest.fixture
def undecided(services: Services) -> Situation:
    """A German engineer who has not decided; everything else is in order."""
    return situation_of(services, "E-0047")


def decision(act: Act, **changes: object) -> Decision:
    plain = Decision(
        id="1",
        person_id="E-0047",
        seq=1,
        act=act,
        region="DE",
        residence=1,
        notice_id="capture",
        notice_version=1,
        notice_language="de",
        notice_digest="sha256:notice",
        shown_id="shown-1",
        offer_digest="sha256:offer",
        signals=("click",),
        purposes=("ai_training.computer_use",),
        apps=("jira",),
        until=None,
        valid_until=None,
        decided_at=NOW,
        recorded_at=NOW,
        event_id="event",
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def because(situation: Situation, reason: Reason, state: State = State.GIVEN) -> Situation:
    """The same situation, off for one reason."""
    return replace(
        situation,
        directive=Directive(capture=False, reasons=(reason,)),
        standing=Standing(state, decision(Act.GIVEN), until=NOW + timedelta(hours=1)),
        circumstances=replace(
            situation.circumstances,
            unknown=("BR",),
            stopped=("GLOBAL", "DE"),
            missing=("works_agreement",),
            lead_until=datetime(2026, 12, 3, tzinfo=UTC),
        ),
    )


def agreed(situation: Situation, **changes: object) -> Situation:
    given = decision(Act.GIVEN, **changes)
    return replace(
        situation,
        directive=Directive(capture=True, reasons=()),
        standing=Standing(State.GIVEN, given, scope=given.scope),
    )


def text(told: Said) -> str:
    return "".join(part.text or (f"{part.at:%d %b}" if part.at else "") for part in told.parts)


SENTENCES = {
    Reason.LEFT: "You have left",
    Reason.REGION_UNKNOWN: "The rules for BR are not known here.",
    Reason.REGION_BLOCKED: "together leave no ground for it.",
    Reason.POLICY_MISSING: "Your company has published no rules for Germany.",
    Reason.STOPPED: "Capture is stopped everywhere and in Germany.",
    Reason.PRECONDITION_MISSING: "In Germany this must come first and is missing: works agreement.",
    Reason.LEAD_TIME: "New rules come into force on 03 Dec.",
    Reason.NOTICE_PENDING: "The notice has changed since you decided.",
    Reason.CONSENT_REFUSED: "You said no on 16 Nov.",
    Reason.CONSENT_WITHDRAWN: "You stopped it on 16 Nov.",
    Reason.PAUSED: "You paused until 16 Nov.",
}


@pytest.mark.parametrize("reason", SENTENCES)
def test_a_reason_is_said(reason: Reason, undecided: Situation) -> None:
    told = said(because(undecided, reason), NAMES, laptops=1)
    assert text(told).startswith("Nothing is captured. ")
    assert SENTENCES[reason] in text(told)


@pytest.mark.parametrize("reason", Reason)
def test_no_reason_is_without_words(reason: Reason, undecided: Situation) -> None:
    assert len(text(said(because(undecided, reason), NAMES, laptops=1))) > 25


STATES = {
    State.NONE: "You have not decided.",
    State.EXPIRED: "What you agreed to ended on 16 Nov.",
    State.INVALIDATED: "You moved to Germany, and what you agreed to does not move with you.",
}


@pytest.mark.parametrize("state", STATES)
def test_a_missing_consent_is_said_by_why_it_is_missing(state: State, undecided: Situation) -> None:
    told = said(because(undecided, Reason.CONSENT_MISSING, state), NAMES, laptops=1)
    assert STATES[state] in text(told)


def test_somebody_else_s_revocation_is_not_said_to_be_the_person_s_act(
    undecided: Situation,
) -> None:
    situation = because(undecided, Reason.CONSENT_WITHDRAWN, State.REVOKED)
    assert "Somebody else ended your consent" in text(said(situation, NAMES, laptops=1))


def test_the_law_is_named_before_everything_else(services: Services) -> None:
    told = said(situation_of(services, "E-0015"), NAMES, laptops=0)
    assert text(told) == "Nothing is captured. The law in Norway does not allow this."
    assert not told.also, "beside a prohibition nothing else matters"


def test_a_company_policy_that_ran_out_is_not_called_the_law(undecided: Situation) -> None:
    layers = tuple(
        layer.blocked("the company policy has expired") if layer.kind == "company" else layer
        for layer in undecided.in_force.layers
    )
    situation = because(undecided, Reason.REGION_BLOCKED)
    situation = replace(situation, in_force=replace(situation.in_force, layers=layers))
    told = text(said(situation, NAMES, laptops=1))
    assert "The rules of your company for Germany do not allow it." in told


def test_further_reasons_are_not_hidden(undecided: Situation) -> None:
    situation = because(undecided, Reason.STOPPED)
    both = (Reason.STOPPED, Reason.LEAD_TIME)
    situation = replace(situation, directive=Directive(capture=False, reasons=both))
    assert said(situation, NAMES, laptops=1).also


def test_captured_is_said_with_a_link_for_every_noun(undecided: Situation) -> None:
    told = said(agreed(undecided), NAMES, laptops=2)
    assert text(told) == (
        "Your clicks are captured in 1 app on 2 laptops, "
        "for training computer-use models, kept 14 days."
    )
    links = [part.href for part in told.parts if part.href]
    assert links == ["#what", "#where", "#laptops", "#why", "#how-long"]


def test_without_a_laptop_nothing_is_said_to_be_captured(undecided: Situation) -> None:
    assert "no laptop is paired" in text(said(agreed(undecided), NAMES, laptops=0))


def test_agreement_and_rules_that_do_not_meet_capture_nothing(undecided: Situation) -> None:
    told = said(agreed(undecided, signals=("screenshot",)), NAMES, laptops=1)
    assert text(told).startswith("Nothing is captured")


@pytest.mark.parametrize("reason", sorted(CLOSED))
def test_where_agreeing_would_lead_to_nothing_it_is_not_offered(
    reason: Reason, undecided: Situation
) -> None:
    situation = because(undecided, reason, State.NONE)
    assert OPENING.isdisjoint(offered_acts(situation))
    assert Act.REFUSED in offered_acts(situation)


@pytest.mark.parametrize("state", [State.GIVEN, State.PAUSED])
@pytest.mark.parametrize("reason", Reason)
def test_opting_out_is_offered_whatever_stands_against_capture(
    reason: Reason, state: State, undecided: Situation
) -> None:
    shown = choices(because(undecided, reason, state), (), frozenset())
    assert "Stop capturing me" in {button.label for button in shown.buttons}


def test_one_click_again_only_for_the_same_offer_and_the_same_notice(
    undecided: Situation,
) -> None:
    situation = because(undecided, Reason.CONSENT_WITHDRAWN, State.WITHDRAWN)
    same = decision(Act.GIVEN, offer_digest=situation.offer.digest)
    other = decision(Act.GIVEN)

    def yes(history: tuple[Decision, ...], notices: frozenset[str]) -> tuple[str, str]:
        (button,) = choices(situation, history, notices).buttons
        return button.shown, button.href

    assert yes((same,), frozenset({"sha256:notice"})) == ("shown-1", "")
    assert yes((other,), frozenset({"sha256:notice"})) == ("", "/me/decide")
    assert yes((same,), frozenset({"sha256:newer"})) == ("", "/me/decide")
    assert yes((), frozenset({"sha256:notice"})) == ("", "/me/decide")


def test_what_the_person_did_not_agree_to_is_shown_as_not_captured(
    services: Services, undecided: Situation
) -> None:
    rows = answers(agreed(undecided), NAMES, services.policy.catalogue).signals
    modes = {row.id: (row.mode, row.note) for row in rows}
    assert modes["click"] == ("allow", "")
    assert modes["menu"] == ("deny", "You did not agree to this.")
    assert modes["screenshot"] == ("deny", "")


def test_every_value_that_a_rule_decided_says_who(services: Services, undecided: Situation) -> None:
    found = answers(undecided, NAMES, services.policy.catalogue)
    assert all(row.reasons for row in found.signals)
    assert all(row.reasons for row in found.kept)
    assert all(place.reasons for place in found.never)
    assert found.apps_reasons
    assert found.purposes_reasons
    assert found.basis_reasons


def test_every_signal_has_its_words_in_every_language(services: Services) -> None:
    signals = {signal.value for signal in Signal}
    assert signals == set(SIGNAL_WORDS) == set(SENTENCE_WORDS) == set(SIGNAL_MEANINGS)
    for language in services.consent.languages:
        words = decide_words(language)
        assert signals == set(words.signals) == set(words.meanings), language
        assert set(words.yes_recorded) == OPENING, language


def test_german_names_every_place_that_is_never_captured(services: Services) -> None:
    assert set(services.policy.catalogue.exclusions) <= set(decide_words("de").exclusions)


def test_words_are_joined_as_people_join_them() -> None:
    german = decide_words("de")
    assert german.listed(["a", "b", "c"]) == "a, b und c"
    assert german.listed(["a"]) == "a"
    assert german.listed([]) == "nichts"


def test_a_notice_is_text_whatever_it_holds(services: Services) -> None:
    notice = replace(
        services.consent.notice("en"),
        markdown="# Hi {controller}\n\n<script>alert(1)</script> "
        "[x](javascript:alert(1)) ![p](http://evil.example.com/p.png)",
    )
    html = as_html(notice, "<b>Evil</b> & Sons")
    assert "<script>" not in html
    assert "javascript:" not in html.replace("](javascript:", "")
    assert "<img" not in html
    assert "Hi &lt;b&gt;Evil&lt;/b&gt; &amp; Sons" in html


@pytest.mark.parametrize("name", environment().list_templates())
def test_a_template_compiles(name: str) -> None:
    environment().get_template(name)
