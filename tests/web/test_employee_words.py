"""The state as a sentence: every reason has words, and no sentence says more than is known."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.capture.agreement import mask_of
from app.capture.directive import LEASE, Directive
from app.capture.obstacles import CLOSED, Obstacle
from app.capture.situation import Situation
from app.consent.model import OPENING, Act, Decision, Standing, State
from app.consent.offers import NoticeName, Offer
from app.demo.seed import seed
from app.demo.server import SECRETS
from app.kernel.vocabulary import Mode, Reason, Signal
from app.policy.agreement import within
from app.policy.knobs import REGISTRY, KnobRegistry
from app.settings import Settings
from app.web.employee.answers import answers
from app.web.employee.choices import choices
from app.web.employee.decide_words import decide_words
from app.web.employee.notice_text import as_html
from app.web.employee.state.phase import Permissions
from app.web.employee.state.state_words import StateWords, offered_acts, state_in_words, told
from app.web.shell.render import environment
from app.web.words.text import SENTENCE_WORDS, SIGNAL_MEANINGS, SIGNAL_WORDS
from app.wiring import Services, build
from app.wiring.shipped import Shipped
from tests.fakes import FakeClock
from tests.policy.next_form import NEXT, WIDTH

NAMES = {"GLOBAL": "Everywhere", "EU": "European Union", "DE": "Germany", "NO": "Norway"}
NOW = FakeClock().now()
HELD = tuple(Permissions(paired=number, current=number) for number in range(3))
"""So many laptops are paired, and each holds the permission of now."""


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory, shipped: Shipped) -> Iterator[Services]:
    var = tmp_path_factory.mktemp("words")
    made = build(Settings(var=var, demo=True), clock=FakeClock(), shipped=shipped)
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
        notice=NoticeName("capture", 1, "de", "sha256:notice"),
        shown_id="shown-1",
        offer_digest="sha256:offer",
        signals=("click",),
        purposes=("ai_training.computer_use",),
        apps=("vscode",),
        until=None,
        valid_until=None,
        decided_at=NOW,
        recorded_at=NOW,
        event_id="event",
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def because(situation: Situation, obstacle: Obstacle, state: State = State.GIVEN) -> Situation:
    """The same situation, off for one obstacle."""
    return replace(
        situation,
        obstacles=(obstacle,),
        directive=Directive(capture=False, reasons=(LEASE[obstacle] or Reason.POLICY_MISSING,)),
        standing=Standing(state, decision(Act.GIVEN), until=NOW + timedelta(hours=1)),
        circumstances=replace(
            situation.circumstances,
            unknown=("BR",),
            too_wide=("DE",),
            disputed=("consent",),
            stopped=("GLOBAL", "DE"),
            missing=("works_agreement",),
            lead_until=datetime(2026, 12, 3, tzinfo=UTC),
        ),
    )


def agreed(situation: Situation, **changes: object) -> Situation:
    given = decision(Act.GIVEN, **changes)
    agreement = mask_of(given, REGISTRY)
    return replace(
        situation,
        obstacles=(),
        directive=Directive(capture=True, reasons=()),
        standing=Standing(State.GIVEN, given, agreed=given),
        agreement=agreement,
        limits=within(situation.open, agreement),
    )


def text(words: StateWords) -> str:
    return "".join(part.text or (f"{part.at:%d %b}" if part.at else "") for part in words.parts)


SENTENCES = {
    Obstacle.LEFT: "You have left",
    Obstacle.DEVICE_REVOKED: "This laptop is not paired any more.",
    Obstacle.RECORD_DISPUTED: "The record of what you decided does not agree with the log.",
    Obstacle.PLACE_TOO_WIDE: "You are recorded as living in Germany and working in Germany, and",
    Obstacle.REGION_UNKNOWN: "The rules for Brazil are not known here.",
    Obstacle.REGION_BLOCKED: "together leave no ground for it.",
    Obstacle.BASIS_INSUFFICIENT: "In Germany no decision of yours would be enough.",
    Obstacle.POLICY_MISSING: "Your company has published no rules for Germany.",
    Obstacle.STOPPED: "Capture is stopped everywhere and in Germany.",
    Obstacle.PRECONDITION_MISSING: "In Germany this must come first and is missing: works agree",
    Obstacle.LEAD_TIME: "New rules come into force on 03 Dec.",
    Obstacle.NOTICE_PENDING: "The notice has changed since you decided.",
    Obstacle.CONSENT_REFUSED: "You said no on 16 Nov.",
    Obstacle.CONSENT_WITHDRAWN: "You said stop on 16 Nov.",
    Obstacle.CONSENT_REVOKED: "Somebody else said stop for you on 16 Nov.",
    Obstacle.PAUSED: "You paused until 16 Nov.",
    Obstacle.CONSENT_MISSING: "You have not decided.",
    Obstacle.CONSENT_INSUFFICIENT: "What you decided is not enough for Germany.",
    Obstacle.CONSENT_EXPIRED: "What you agreed to ended on 16 Nov.",
    Obstacle.RESIDENCE_CHANGED: "Where you live was recorded anew since you decided: Germany.",
    Obstacle.NOTHING_ALLOWED: "The rules leave no signal, no app or no purpose.",
    Obstacle.NOTHING_AGREED: "What you agreed to and what the rules allow never meet.",
}


@pytest.mark.parametrize("obstacle", Obstacle)
def test_every_obstacle_is_said(obstacle: Obstacle, undecided: Situation) -> None:
    words = state_in_words(because(undecided, obstacle), NAMES, HELD[1])
    assert text(words).startswith("Nothing is captured. ")
    assert SENTENCES[obstacle] in text(words)


def test_the_law_is_named_before_everything_else(services: Services) -> None:
    words = state_in_words(situation_of(services, "E-0015"), NAMES, HELD[0])
    assert text(words) == "Nothing is captured. The law in Norway does not allow this."
    assert not words.also, "next to a prohibition nothing else matters"


def test_a_company_policy_that_ran_out_is_not_called_the_law(undecided: Situation) -> None:
    layers = tuple(
        layer.blocked("the company policy has expired") if layer.kind == "company" else layer
        for layer in undecided.in_force.layers
    )
    situation = because(undecided, Obstacle.REGION_BLOCKED)
    situation = replace(situation, in_force=replace(situation.in_force, layers=layers))
    sentence = text(state_in_words(situation, NAMES, HELD[1]))
    assert "The rules of your company for Germany do not allow it." in sentence


def test_further_reasons_are_not_hidden(undecided: Situation) -> None:
    situation = because(undecided, Obstacle.STOPPED)
    situation = replace(situation, obstacles=(Obstacle.STOPPED, Obstacle.LEAD_TIME))
    (also,) = state_in_words(situation, NAMES, HELD[1]).also
    assert also.startswith("New rules come into force on ")


def test_what_only_follows_from_another_obstacle_is_not_told_next_to_it(
    undecided: Situation,
) -> None:
    situation = because(undecided, Obstacle.POLICY_MISSING)
    both = (Obstacle.POLICY_MISSING, Obstacle.NOTHING_ALLOWED)
    assert told(replace(situation, obstacles=both)) == (Obstacle.POLICY_MISSING,)


def test_captured_is_said_with_a_link_for_every_noun(undecided: Situation) -> None:
    words = state_in_words(agreed(undecided), NAMES, HELD[2])
    assert text(words) == (
        "Your clicks are captured in 1 app on 2 laptops, "
        "for training computer-use models, kept 14 days."
    )
    links = [part.href for part in words.parts if part.href]
    assert links == ["#what", "#where", "#laptops", "#why", "#how-long"]


def test_without_a_laptop_nothing_is_said_to_be_captured(undecided: Situation) -> None:
    assert "no laptop is paired" in text(state_in_words(agreed(undecided), NAMES, HELD[0]))


@pytest.mark.parametrize("obstacle", sorted(CLOSED))
def test_where_agreeing_would_lead_to_nothing_it_is_not_offered(
    obstacle: Obstacle, undecided: Situation
) -> None:
    situation = because(undecided, obstacle, State.NONE)
    assert OPENING.isdisjoint(offered_acts(situation))
    assert Act.REFUSED in offered_acts(situation)


@pytest.mark.parametrize("state", [State.GIVEN, State.PAUSED])
@pytest.mark.parametrize("obstacle", Obstacle)
def test_opting_out_is_offered_whatever_stands_against_capture(
    obstacle: Obstacle, state: State, undecided: Situation
) -> None:
    shown = choices(because(undecided, obstacle, state), (), frozenset(), NOW)
    assert "Stop capturing me" in {button.label for button in shown.buttons}


def test_one_click_again_only_for_the_same_offer_and_the_same_notice(
    undecided: Situation,
) -> None:
    situation = because(undecided, Obstacle.CONSENT_WITHDRAWN, State.WITHDRAWN)
    same = decision(Act.GIVEN, offer_digest=situation.offer.digest)
    other = decision(Act.GIVEN)

    def yes(history: tuple[Decision, ...], notices: frozenset[str]) -> tuple[str, str]:
        (button,) = choices(situation, history, notices, NOW).buttons
        return button.shown, button.href

    assert yes((same,), frozenset({"sha256:notice"})) == ("shown-1", "")
    assert yes((other,), frozenset({"sha256:notice"})) == ("", "/me/decide")
    assert yes((same,), frozenset({"sha256:newer"})) == ("", "/me/decide")
    assert yes((), frozenset({"sha256:notice"})) == ("", "/me/decide")


def test_what_the_person_did_not_agree_to_is_shown_as_not_captured(
    services: Services, undecided: Situation
) -> None:
    rows = answers(agreed(undecided), NAMES).signals
    modes = {row.id: (row.mode, row.note) for row in rows}
    assert modes["click"] == ("allow", "")
    assert modes["menu"] == ("deny", "You did not agree to this.")
    assert modes["screenshot"] == ("deny", "")


def test_every_value_that_a_rule_decided_says_who(services: Services, undecided: Situation) -> None:
    found = answers(undecided, NAMES)
    assert all(row.reasons for row in found.signals)
    assert all(row.reasons for row in found.kept)
    assert all(place.reasons for place in found.never)
    assert found.apps_reasons
    assert found.tenants_reasons
    assert found.purposes_reasons
    assert found.basis_reasons


def bound_by(situation: Situation, registry: KnobRegistry, **changes: object) -> Situation:
    """The same under a policy with other values, and with the knobs of a registry."""
    in_force = situation.in_force
    values = {name: row.unnamed for name, row in registry.rows.items()}
    changed = {**values, **in_force.compiled.values, **changes}
    compiled = replace(in_force.compiled, values=changed, registry=registry)
    limits = replace(situation.limits, compiled=compiled)
    return replace(
        situation, in_force=replace(in_force, compiled=compiled), limits=limits, open=limits
    )


SHOTS = {"signals.screenshot.mode": Mode.REDACT}


def limits_of(situation: Situation) -> dict[str, str]:
    found = answers(situation, NAMES).limits
    return {limit.name: limit.value for limit in found}


def test_the_limits_of_today_are_told(services: Services, undecided: Situation) -> None:
    under = bound_by(
        undecided,
        REGISTRY,
        hours=frozenset(range(8, 18)),
        off_hours=Mode.DENY,
        personal_device=Mode.DENY,
        counterparty=Mode.REDACT,
        screenshot_min_interval_s=300,
        **SHOTS,
    )
    assert limits_of(under) == {
        "Hours": "Monday 08:00 to 18:00",
        "Outside these hours": "never captured",
        "On a personal device": "never captured",
        "Where others' words are in view": "captured in part at most; less, or nothing, where the "
        "rules of the region where they are ask for it",
        "Between two screenshots": "at least 5 minutes",
    }
    told = limits_of(bound_by(under, REGISTRY, hours=None))
    assert "Hours" not in told
    assert "Outside these hours" not in told


@pytest.mark.parametrize(
    ("changes", "value"),
    [
        ({WIDTH.name: 1280, **SHOTS}, "at most 1,280 pixels"),
        ({WIDTH.name: None, **SHOTS}, None),
        ({WIDTH.name: 1280, "signals.screenshot.mode": Mode.DENY}, None),
    ],
)
def test_a_new_knob_is_told_to_the_person_whose_capture_it_limits(
    services: Services, undecided: Situation, changes: dict[str, object], value: str | None
) -> None:
    told = limits_of(bound_by(undecided, NEXT, **changes))
    assert told.get("Invented max width px") == value


def test_every_signal_has_its_words_in_every_language(services: Services) -> None:
    signals = {signal.value for signal in Signal}
    assert signals == set(SIGNAL_WORDS) == set(SENTENCE_WORDS) == set(SIGNAL_MEANINGS)
    for language in services.notices.languages:
        words = decide_words(language)
        assert signals == set(words.signals) == set(words.meanings), language
        assert set(words.yes_recorded) == OPENING, language


def test_german_names_every_place_that_is_never_captured(services: Services) -> None:
    assert set(services.policy.shipped.exclusions) <= set(decide_words("de").exclusions)


def test_words_are_joined_as_people_join_them() -> None:
    german = decide_words("de")
    assert german.listed(["a", "b", "c"]) == "a, b und c"
    assert german.listed(["a"]) == "a"
    assert german.listed([]) == "nichts"


def test_a_notice_is_text_whatever_it_holds(services: Services) -> None:
    notice = replace(
        services.notices.text("en"),
        markdown="# Hi {controller}\n\n<script>alert(1)</script> "
        "[x](javascript:alert(1)) ![p](http://evil.example.com/p.png)",
    )
    offer = Offer("US", ("US",), (), (), (), {}, (), ())
    html = as_html(notice, "<b>Evil</b> & Sons", offer)
    assert "<script>" not in html
    assert "javascript:" not in html.replace("](javascript:", "")
    assert "<img" not in html
    assert "Hi &lt;b&gt;Evil&lt;/b&gt; &amp; Sons" in html


@pytest.mark.parametrize("name", environment().list_templates())
def test_a_template_compiles(name: str) -> None:
    environment().get_template(name)
