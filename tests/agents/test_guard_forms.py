"""An agent never goes dark because the service learned something.

The service here has an invented next form with a new knob, signal and reason
(tests/policy/next_form.py). It writes its documents and reasons by the program's own functions.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.kernel.refusals import Refusal
from app.kernel.vocabulary import Mode, Reason
from app.policy.agreement import Limits
from app.policy.catalogue.model import App, Catalogue, Matchers
from app.policy.document import document
from app.policy.knob_row import AgentPart, Judged, Knob
from app.policy.knob_shapes import Number, least
from app.policy.knobs import KnobRegistry
from app.policy.lattice import compile_layers
from app.policy.law.packs import PolicyTexts
from app.sdk.agent.guard import Allowed, Denied, Guard
from tests.agent_simulator import (
    EDITOR,
    SIGNERS,
    AgentSimulator,
    LeaseOffice,
    event,
    policy_document,
)
from tests.fakes import FakeClock
from tests.policy.next_form import (
    COUNCIL_ASKED,
    FACES,
    LATER,
    NEXT,
    NEXT_MATCHER,
    NEXT_REDACTOR,
    PRESENT,
    WIDTH,
)

APP = App("vscode", "Code", "development", Matchers(programs=(f"{EDITOR}@{SIGNERS[EDITOR]}",)))
CATALOGUE = Catalogue({"vscode": APP}, {})
POLICY = """
region: GLOBAL
knobs:
  bases: {value: [consent]}
  signals:
    click: {mode: allow, retention_days: 30}
    screenshot: {mode: redact, retention_days: 14}
    gaze: {mode: allow, retention_days: 3}
  apps: {value: [vscode]}
  purposes: {value: [ai_training.computer_use]}
"""
WIDTH_LIMITED = f"{POLICY}  {WIDTH.name}: {{value: 1280}}\n"


def written(text: str, form: int) -> dict[str, Any]:
    """The document that a service of the next form writes of a policy, in a form."""
    texts = PolicyTexts(CATALOGUE, frozenset({"ai_training.computer_use"}), NEXT)
    layer = texts.read_company_policy(text, "GLOBAL").layer
    return document(Limits(compile_layers([layer]), CATALOGUE), form)


@pytest.fixture
def office(clock: FakeClock) -> LeaseOffice:
    return LeaseOffice(clock)


@pytest.fixture
def laptop(tmp_path: Path, office: LeaseOffice, clock: FakeClock) -> AgentSimulator:
    return AgentSimulator(tmp_path / "agent", office, clock)


def newer_guard(laptop: AgentSimulator, office: LeaseOffice, registry: KnobRegistry) -> Guard:
    return Guard(
        laptop.folder,
        office.keys,
        office.device_id,
        laptop.clock,
        elapsed=lambda: laptop.since_boot,
        registry=registry,
    )


def judged(guard: Guard, laptop: AgentSimulator, signal: str) -> Allowed | Denied:
    return guard.may_capture(event(signal=signal, at=laptop.clock.now()))


def test_a_guard_of_the_present_form_goes_on_under_a_service_of_the_next(
    office: LeaseOffice, laptop: AgentSimulator
) -> None:
    office.document = written(POLICY, PRESENT)
    assert laptop.take(office.send(form=PRESENT)) is None
    assert judged(laptop.guard, laptop, "click") == Allowed(Mode.ALLOW, "vscode")
    assert judged(laptop.guard, laptop, "screenshot") == Allowed(Mode.REDACT, "vscode")


def test_what_the_present_guard_cannot_limit_is_denied_and_nothing_else(
    office: LeaseOffice, laptop: AgentSimulator
) -> None:
    office.document = written(WIDTH_LIMITED, PRESENT)
    assert laptop.take(office.send(form=PRESENT)) is None
    assert judged(laptop.guard, laptop, "click") == Allowed(Mode.ALLOW, "vscode")
    assert judged(laptop.guard, laptop, "screenshot") == Denied(Refusal.SIGNAL_DENIED)


def test_a_newer_reason_reaches_the_present_guard_as_a_reason_that_it_knows(
    office: LeaseOffice, laptop: AgentSimulator
) -> None:
    told = NEXT.reasons_in(PRESENT, (COUNCIL_ASKED,))
    office.reasons = tuple(Reason(reason) for reason in told)
    laptop.poll()
    assert laptop.state is Reason.POLICY_MISSING


def test_the_next_form_itself_turns_the_present_guard_off(
    office: LeaseOffice, laptop: AgentSimulator
) -> None:
    """Why the form is asked for: a document of which one field is unknown is no document."""
    office.document = written(POLICY, LATER)
    assert laptop.take(office.send(form=LATER)) is Refusal.POLICY_UNREADABLE
    sent = office.send(reasons=[COUNCIL_ASKED], capture="off", policy=None)
    assert laptop.take(sent) is Refusal.LEASE_UNREADABLE


def test_a_guard_of_the_next_form_hands_the_new_knob_on_with_what_it_governs(
    office: LeaseOffice, laptop: AgentSimulator
) -> None:
    guard = newer_guard(laptop, office, NEXT)
    assert guard.forms == (*laptop.guard.forms, LATER)
    office.document = written(WIDTH_LIMITED, LATER)
    sent = office.send(form=LATER)
    assert guard.accept(sent.token, sent.document, sent.counterparties) is None
    limited = Allowed(Mode.REDACT, "vscode", {WIDTH.name: 1280})
    assert judged(guard, laptop, "screenshot") == limited
    assert judged(guard, laptop, "click") == Allowed(Mode.ALLOW, "vscode")


def test_a_guard_of_the_next_form_goes_on_under_a_service_of_the_present(
    office: LeaseOffice, laptop: AgentSimulator
) -> None:
    guard = newer_guard(laptop, office, NEXT)
    sent = office.send()
    assert guard.accept(sent.token, sent.document, sent.counterparties) is None
    assert judged(guard, laptop, "click") == Allowed(Mode.ALLOW, "vscode")


@pytest.mark.parametrize("claimed", [PRESENT, LATER, LATER + 1])
@pytest.mark.parametrize("form", [PRESENT, LATER])
def test_a_document_is_read_in_the_form_that_the_signed_lease_names(
    office: LeaseOffice, laptop: AgentSimulator, form: int, claimed: int
) -> None:
    guard = newer_guard(laptop, office, NEXT)
    office.document = written(POLICY, form)
    sent = office.send(form=claimed)
    refusal = None if form == claimed else Refusal.POLICY_UNREADABLE
    assert guard.accept(sent.token, sent.document, sent.counterparties) is refusal


@pytest.mark.parametrize("form", [0, -1, "1", None, True])
def test_a_form_that_is_no_number_from_one_makes_a_lease_unreadable(
    office: LeaseOffice, laptop: AgentSimulator, form: object
) -> None:
    assert laptop.take(office.send(form=form)) is Refusal.LEASE_UNREADABLE


def place(name: str, **changes: object) -> dict[str, Any]:
    """The first app or exclusion of the usual document, with changes of its matchers."""
    (first, *_) = policy_document()[name]
    return {**first, "match": {**first["match"], **changes}}


USUAL = policy_document()
EXCLUSION, EDITOR = place("exclusions"), place("apps")
SCREENSHOT = {"mode": "allow", "retention_days": 30}

MISSHAPEN: dict[str, dict[str, Any]] = {
    "an exclusion with an unknown matcher": {"exclusions": [place("exclusions", colours=["red"])]},
    "an exclusion with an unknown field": {"exclusions": [{**EXCLUSION, "why": "Money."}]},
    "an exclusion whose programs are a text": {"exclusions": [place("exclusions", bundle_ids="a")]},
    "an exclusion whose programs are numbers": {"exclusions": [place("exclusions", urls=[7])]},
    "an exclusion whose flag is a number": {"exclusions": [place("exclusions", private=1)]},
    "an exclusion without matchers": {"exclusions": [{**EXCLUSION, "match": {}}]},
    "an app with a matcher of exclusions": {"apps": [place("apps", fields=["password"])]},
    "an app with an unknown field": {"apps": [{**EDITOR, "only_when": "plugged in"}]},
    "an app without a group": {"apps": [{k: v for k, v in EDITOR.items() if k != "group"}]},
    "an app whose id is a number": {"apps": [{**EDITOR, "id": 7}]},
    "a signal with an unknown field": {"signals": {"screenshot": {**SCREENSHOT, "blur": True}}},
    "a signal without days": {"signals": {"screenshot": {"mode": "allow"}}},
    "a signal with days in words": {
        "signals": {"screenshot": {**SCREENSHOT, "retention_days": "7"}}
    },
    "a number that every layer has": {"screenshot_min_interval_s": None},
    "an unknown redactor": {"redactors": ["faces"]},
    "a layer that is no name": {"layers": [7]},
}


@pytest.mark.parametrize("fault", MISSHAPEN)
def test_a_document_is_understood_whole_or_not_at_all(
    office: LeaseOffice, laptop: AgentSimulator, fault: str
) -> None:
    changes = dict(MISSHAPEN[fault])
    if "signals" in changes:
        changes["signals"] = {**USUAL["signals"], **changes["signals"]}
    office.document = policy_document(**changes)
    assert laptop.take(office.send()) is Refusal.POLICY_UNREADABLE


@pytest.mark.parametrize("value", [0, 1280])
def test_what_the_recorder_applies_is_handed_on_also_where_it_is_nought(
    office: LeaseOffice, laptop: AgentSimulator, value: int
) -> None:
    """The smallest number is the strictest one."""
    guard = newer_guard(laptop, office, NEXT)
    office.document = {**written(POLICY, LATER), WIDTH.name: value}
    sent = office.send(form=LATER)
    assert guard.accept(sent.token, sent.document, sent.counterparties) is None
    allowed = Allowed(Mode.REDACT, "vscode", {WIDTH.name: value})
    assert judged(guard, laptop, "screenshot") == allowed


def test_a_knob_that_the_guard_has_no_code_for_makes_its_document_unreadable(
    office: LeaseOffice, laptop: AgentSimulator
) -> None:
    quiet = Knob[int | None](
        "quiet", Number(0, 9, "day"), least, None, AgentPart(Judged()), since=LATER
    )
    guard = newer_guard(laptop, office, replace(NEXT, knobs=(*NEXT.knobs, quiet)))
    office.document = {**written(POLICY, LATER), quiet.name: 3}
    sent = office.send(form=LATER)
    assert guard.accept(sent.token, sent.document, sent.counterparties) is Refusal.POLICY_UNREADABLE
    office.document = written(POLICY, PRESENT)
    sent = office.send(form=PRESENT)
    assert guard.accept(sent.token, sent.document, sent.counterparties) is None


def test_a_matcher_that_the_guard_has_no_code_for_makes_its_document_unreadable(
    office: LeaseOffice, laptop: AgentSimulator
) -> None:
    guard = newer_guard(laptop, office, NEXT_MATCHER)
    office.document = written(POLICY, LATER)
    for name in ("apps", "exclusions"):
        for item in office.document[name]:
            item["match"]["titles"] = []
    sent = office.send(form=LATER)
    assert guard.accept(sent.token, sent.document, sent.counterparties) is Refusal.POLICY_UNREADABLE


@pytest.mark.parametrize(
    ("form", "expected"), [(PRESENT, Refusal.POLICY_UNREADABLE), (LATER, None)]
)
def test_a_redactor_of_the_next_form_is_known_there_only(
    office: LeaseOffice, laptop: AgentSimulator, form: int, expected: Refusal | None
) -> None:
    guard = newer_guard(laptop, office, NEXT_REDACTOR)
    office.document = {**written(POLICY, form), "redactors": [FACES]}
    sent = office.send(form=form)
    assert guard.accept(sent.token, sent.document, sent.counterparties) is expected


@pytest.mark.parametrize("missing", sorted(policy_document()))
def test_a_document_that_leaves_a_field_out_is_refused(
    office: LeaseOffice, laptop: AgentSimulator, missing: str
) -> None:
    del office.document[missing]
    assert laptop.take(office.send()) is Refusal.POLICY_UNREADABLE
