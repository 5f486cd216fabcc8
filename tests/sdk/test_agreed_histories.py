"""Whatever happens after people agreed: laptops, consumers and the log keep to what was shown.

Offers are compared as they were shown, with the documents that laptops fetch and the answers that
consumers get; nothing of the code that binds them is asked.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from app.access.decision.rules import CURRENT
from app.consent.model import Act
from app.consent.offers import Offer
from app.directory.model import Person
from app.event.model import Program
from app.event.verdict import Allowed, judge
from app.kernel.errors import HabeasError
from app.kernel.vocabulary import Mode
from app.policy.agreement import agreement_from
from app.policy.catalogue.model import NO_CATALOGUE, Exclusion, Matchers
from app.settings import Settings
from app.wiring import build
from app.wiring.shipped import Shipped
from tests.access.office import ALICE, BOB, HOUR, TRAINING
from tests.agent_simulator import BROWSER, event
from tests.event.ready import rules_of, rules_of_catalogue
from tests.fakes import FakeClock
from tests.sdk.agreeing import document, edited, publish, restart, signals, situation
from tests.sdk.day import Day
from tests.templates import Templates

PEOPLE = (ALICE, BOB)
BANK = Exclusion("bank_of_ours", "Bank", "money", Matchers(urls=("bank.example.com",)))
PAGES = (
    "https://docs.google.com/document/1", "https://mail.google.com/", "https://drive.google.com/x",
    "https://else.example.com/", "https://bank.example.com/account", "https://app.slack.com/client",
)  # fmt: skip
PROGRAMS = (
    Program("com.google.Chrome", "EQHXZ8M8AV", None),
    Program(None, "Microsoft Corporation", "WINWORD.EXE"),
    Program(None, "Slack Technologies, LLC", "slack.exe"),
    Program(None, "Else", "Else.exe"),
)
PLACES = [
    *(event(BROWSER, address=page) for page in PAGES),
    *(
        event(program=program, field=field, window=window)
        for program in PROGRAMS
        for field in ("none", "password")
        for window in ("ordinary", "private")
    ),
]

# What can happen

POLICIES: Mapping[str, Mapping[str, Any]] = {
    "all": {},
    "little": {"signals": signals(pointer=("redact", 7), click=("redact", 3))},
    "no pointer": {"signals": signals(pointer=("deny", 0), click=("allow", 14))},
    "mornings": {"hours": {"value": {"mon": "08-12", "tue": "08-12"}}},
    "alone": {"counterparty": {"value": "deny"}, "screenshot_min_interval_s": {"value": 600}},
    "one purpose": {"purposes": {"value": [TRAINING]}},
    "without names": {"redactors": {"value": ["person_names", "bank_accounts"]}},
}


def _files(shipped: Shipped) -> dict[str, Shipped]:
    """The shipped catalogue, and others that somebody could put in its place."""
    apps = shipped.catalogue.apps
    docs, slack, chrome = apps["google_docs"], apps["slack"], apps["chrome"]
    ours = edited(shipped, BANK)
    return {
        "shipped": shipped,
        "one exclusion more": ours,
        "an exclusion of less": edited(shipped, replace(BANK, match=Matchers(urls=("x.example",)))),
        "a wider address": edited(ours, replace(docs, match=Matchers(urls=("*.google.com",)))),
        "an id for another app": edited(
            shipped,
            replace(docs, match=Matchers(urls=("else.example.com",), executables=("Else.exe",))),
        ),
        "no browser, no chat": edited(
            shipped, replace(chrome, group="documents"), replace(slack, group="documents")
        ),
    }


FILES = (
    "shipped", "one exclusion more", "an exclusion of less", "a wider address",
    "an id for another app", "no browser, no chat",
)  # fmt: skip
STEPS = st.one_of(
    st.tuples(st.just("publish"), st.sampled_from(list(POLICIES))),
    st.tuples(st.just("tighten"), st.sampled_from(list(POLICIES))),
    st.tuples(st.just("restart"), st.sampled_from(FILES)),
    st.tuples(st.just("agree"), st.sampled_from(PEOPLE)),
    st.tuples(st.sampled_from(["pause", "resume", "withdraw"]), st.sampled_from(PEOPLE)),
    st.tuples(st.just("wait"), st.sampled_from([1, 5, 24 * 4])),
)
Step = tuple[str, Any]


@dataclass
class Year(Day):
    """A day that goes on, with what each person was shown when they last agreed."""

    files: Mapping[str, Shipped] = field(default_factory=dict)
    agreed: dict[str, Offer] = field(default_factory=dict)
    ever: dict[str, list[Offer]] = field(default_factory=dict)

    def take(self, step: Step) -> None:
        name, what = step
        with suppress(HabeasError):  # what is refused changed nothing
            self._takers()[name](what)

    def _takers(self) -> Mapping[str, Callable[[Any], None]]:
        return {
            "publish": lambda policy: publish(self, **POLICIES[policy]),
            "tighten": self._tighten,
            "restart": lambda file: restart(self, replace(self.files[file], rules=CURRENT)),
            "agree": self.agree,
            "pause": lambda one: self.decide(one, Act.PAUSED, self.now + 2 * HOUR),
            "resume": lambda one: self.decide(one, Act.RESUMED),
            "withdraw": self.withdraw,
            "wait": lambda hours: self.clock.advance(timedelta(hours=hours)),
        }

    def _tighten(self, policy: str) -> None:
        self.tighten("US-CA", **POLICIES[policy])

    def agree(self, one: Person) -> None:
        offer = situation(self, one).offer
        self.opt_in(one)
        self.agreed[one.id] = offer
        self.ever.setdefault(one.id, []).append(offer)

    def withdraw(self, one: Person) -> None:
        self.decide(one, Act.WITHDRAWN)
        self.agreed.pop(one.id, None)


# What must hold


def mode(word: str) -> Mode:
    return Mode[word.upper()]


def value(offer: Offer, knob: str) -> Any:
    assert offer.terms is not None
    return offer.terms["knobs"][knob]["value"]


def assert_kept_to(written: Mapping[str, Any], offer: Offer) -> None:
    """A document says nothing wider than the offer, knob by knob."""
    for signal, rule in written["signals"].items():
        assert mode(rule["mode"]) <= mode(value(offer, f"signals.{signal}.mode"))
        assert rule["retention_days"] <= value(offer, f"signals.{signal}.retention_days")
    assert set(written["purposes"]) <= set(value(offer, "purposes"))
    assert set(written["redactors"]) >= set(value(offer, "redactors"))
    for cap in ("off_hours", "personal_device", "counterparty"):
        assert mode(written[cap]) <= mode(value(offer, cap))
    least = "screenshot_min_interval_s"
    assert written[least] >= value(offer, least)
    agreed_hours = value(offer, "hours")
    assert agreed_hours is None or set(written["hours"]) <= set(agreed_hours)


def assert_nowhere_else(written: Mapping[str, Any], offer: Offer) -> None:
    """A place is captured only where the offer named it, and others' words are told as such."""
    assert offer.terms is not None
    named = set(value(offer, "apps"))
    catalogue = agreement_from("", offer.terms).catalogue or NO_CATALOGUE
    offered = rules_of_catalogue(catalogue)
    rules = rules_of(apps=written["apps"], exclusions=written["exclusions"])
    for place in PLACES:
        now, agreed = judge(place, rules), judge(place, offered)
        if isinstance(now, Allowed):
            assert isinstance(agreed, Allowed), f"{place} is captured and was not named"
            assert now.app in named
    others = {app.id for app in catalogue.apps.values() if app.shows_others}
    assert all(app["others"] or app["id"] not in others for app in written["apps"])


def assert_read_within(year: Year, one: Person, written: Mapping[str, Any] | None) -> None:
    """A consumer reads what was agreed to, and no older than any agreement since then says."""
    for signal in ("click", "pointer"):
        asked = {"signals": (signal,), "captured_from": year.now, "captured_to": year.now}
        for back in (timedelta(0), 4 * timedelta(days=1)):
            answer = year.ask(one, **{**asked, "captured_from": year.now - back})
            if not answer.decision:
                continue
            assert written is not None, "nothing is read where nothing may be captured"
            offer = year.agreed[one.id]
            days = value(offer, f"signals.{signal}.retention_days")
            assert signal in offer.signals
            assert TRAINING in offer.purposes
            retained = year.entry_of(answer)["facts"]["retain_days"]
            assert retained + back.days <= days


def assert_all_holds(year: Year) -> None:
    for one in PEOPLE:
        reasons = year.poll(one)
        written = None if reasons else document(year, one)
        if written is not None:
            assert one.id in year.agreed, "captured without an agreement"
            assert_kept_to(written, year.agreed[one.id])
            assert_nowhere_else(written, year.agreed[one.id])
        assert_read_within(year, one, written)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def begin(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    templates: Templates,
    shipped: Shipped,
) -> Callable[[], Any]:
    """Opens an office of its own for each history."""

    @contextmanager
    def opened() -> Iterator[Year]:
        folder, clock = tmp_path_factory.mktemp("year"), FakeClock()
        with templates.copy(request.param, "started", folder) as url:
            chosen = Settings(var=folder / "var", database_url=url, demo=True)
            services = build(chosen, clock=clock, shipped=shipped)
            year = Year(services, clock, files=_files(shipped))
            year.open()
            for one in PEOPLE:
                year.pair(one)
            yield year
            services.close()

    return opened


@settings(max_examples=4, phases=[Phase.explicit, Phase.generate])
@given(st.lists(STEPS, min_size=4, max_size=9))
@example(
    [
        ("restart", "one exclusion more"),
        ("publish", "little"),
        ("agree", ALICE),
        ("publish", "all"),
        ("restart", "a wider address"),
        ("agree", BOB),
        ("wait", 24 * 4),
        ("restart", "an exclusion of less"),
        ("pause", ALICE),
        ("resume", ALICE),
        ("restart", "an id for another app"),
        ("agree", ALICE),
        ("restart", "no browser, no chat"),
    ]
)
def test_nothing_is_captured_or_read_that_the_shown_offer_did_not_name(
    begin: Callable[[], Any], steps: Sequence[Step]
) -> None:
    with begin() as year:
        for step in steps:
            year.take(step)
            assert_all_holds(year)
        assert year.log().findings() == ()
