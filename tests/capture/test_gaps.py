"""What is listed in vain is told exactly where the guard would capture nothing (law 8)."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.capture.gaps import Gap, GapKind, gaps, reached
from app.event.model import Place, Program, UiEvent, WindowKind
from app.event.rules import Circumstance, EventRules
from app.event.verdict import Allowed, judge
from app.kernel.vocabulary import FieldKind, Mode, Signal
from app.policy.agreement import Limits
from app.policy.catalogue.model import App, Catalogue, Matchers
from app.policy.document import document
from app.policy.lattice import compile_layers
from app.policy.law.layer import Claim, Layer, Why
from tests.fakes import FakeClock
from tests.policy.pace import unhurried

CHROME = App("chrome", "Chrome", "browser", Matchers(programs=("chrome@Google",)))
UNSIGNED = App("old", "Old browser", "browser", Matchers(executables=("old",)))
SITE = App("site", "Site", "documents", Matchers(urls=("site.example.com",)))
CHAT = App("chat", "Chat", "documents", Matchers(programs=("chat@Chat",)), private_accounts=True)
BOTH = App(
    "both",
    "Both",
    "documents",
    Matchers(programs=("both@Both",), urls=("both.example.com",)),
    private_accounts=True,
)
APPS = (CHROME, UNSIGNED, SITE, CHAT, BOTH)
TENANTS = ("chat: account acme", "both: account acme", "both: domain example.com")


def limits(apps: Any, tenants: Any = ()) -> Limits:
    """Everything is allowed that can be, in these apps."""
    values: dict[str, Any] = {
        "status": 1,
        "bases": frozenset({"consent"}),
        "apps": frozenset(app.id for app in apps),
        "purposes": frozenset({"ai_training.computer_use"}),
        "tenants": frozenset(tenants),
        **dict.fromkeys(("off_hours", "personal_device", "counterparty"), Mode.ALLOW),
        **{f"signals.{signal}.mode": Mode.ALLOW for signal in Signal},
    }
    claims = {knob: Claim(value, Why("company/DE")) for knob, value in values.items()}
    layer = Layer("company/DE", "company", "DE", "sha256:0", claims)
    return Limits(compile_layers([layer]), Catalogue({app.id: app for app in APPS}, {}))


def captured(place: Place, bound: Limits) -> str | None:
    """The app in which a click at a place is captured."""
    rules = EventRules.of(document(bound, 2), {"regions": {}, "unknown": {}}, Circumstance())
    found = judge(UiEvent(FakeClock().now(), Signal.CLICK, place), rules)
    return found.app if isinstance(found, Allowed) else None


def place(program: str, signer: str, address: str | None, account: str | None) -> Place:
    return Place(
        program=Program(None, signer, program),
        address=address,
        frames=(),
        window=WindowKind.ORDINARY,
        title="",
        account=account,
        field=FieldKind.NONE,
        counterparties=(),
    )


PAGES = tuple(f"https://{name}.example.com/" for name in ("site", "both"))
BROWSERS = (("chrome", "Google"), ("old", "Old"))
ACCOUNTS = (None, "acme", "lane@example.com")
IN_PAGES = [
    place(*browser, page, account) for browser in BROWSERS for page in PAGES for account in ACCOUNTS
]
IN_PROGRAMS = [
    place(name, name.capitalize(), None, account)
    for name in ("chat", "both")
    for account in ACCOUNTS
]


@unhurried
@given(st.sets(st.sampled_from(APPS)), st.sets(st.sampled_from(TENANTS)))
def test_what_is_said_to_be_listed_in_vain_is_and_nothing_else(
    apps: set[App], tenants: set[str]
) -> None:
    bound = limits(apps, tenants)
    told = {gap.kind: set(gap.apps) for gap in gaps(bound)}
    somewhere = {captured(place, bound) for place in (*IN_PAGES, *IN_PROGRAMS)}
    in_pages = {captured(place, bound) for place in IN_PAGES}
    closed = told.get(GapKind.NO_TENANT, set())
    for app in apps - {CHROME, UNSIGNED}:
        paged = told.get(GapKind.NO_BROWSER, set())
        only_pages = not app.match.programs
        vain = app.id in closed or (only_pages and app.id in paged)
        assert (app.id not in somewhere) == vain
        assert (app.id in reached(bound)) == (app.id in somewhere)
        if app.match.urls:
            assert (app.id not in in_pages) == (app.id in paged | closed)


def test_an_app_that_is_not_listed_or_not_described_is_no_gap() -> None:
    assert gaps(limits([CHAT, CHROME], ["chat: account acme"])) == ()
    bound = limits([CHROME, SITE])
    assert gaps(replace(bound, catalogue=Catalogue({}, {}))) == ()
    assert gaps(limits([UNSIGNED, SITE, BOTH])) == (
        Gap(GapKind.NO_BROWSER, ("both", "site")),
        Gap(GapKind.NO_TENANT, ("both",)),
    )
