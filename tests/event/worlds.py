"""Policies of a few apps, and events that happen in them or next to them, for properties."""

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from app.event.model import Place, Program, UiEvent, WindowKind
from app.kernel.vocabulary import FieldKind, Signal
from tests.event.ready import app, exclusion

LISTED = [
    app("browser", "browser", programs=["browser@Maker", "fox@Fox"]),
    app("chat", programs=["chat@Maker"], urls=["chat.example.com"], others="chat"),
    app("docs", urls=["*.docs.example"], others="shared_documents"),
    app("code", programs=["code@Maker"], urls=["code.example.com"], private_accounts=True),
    app("pen", programs=["pen@Maker"]),
]
TENANTS = ["code: domain example.com", "code: address code.example.com/ours", "docs: account Ours"]
ADDRESSES = (
    "https://chat.example.com/room", "https://chat.example.com/hr/pay?tab=slip#/year",
    "https://a.docs.example/d/1", "https://code.example.com/ours/x", "https://code.example.com/me",
    "https://elsewhere.example/", "http://chat.example.com/", "blob:https://chat.example.com/1",
    "unknown",
)  # fmt: skip
PLACES = st.builds(
    Place,
    program=st.builds(
        Program,
        st.sampled_from(["browser", "fox", "chat", "code", "pen", "Vault", None]),
        st.sampled_from(["Maker", "Fox", "Somebody", None]),
        st.sampled_from([None, "CHAT", "vault.exe"]),
    ),
    address=st.none() | st.sampled_from(ADDRESSES),
    frames=st.none() | st.lists(st.sampled_from(ADDRESSES), max_size=2).map(tuple),
    window=st.sampled_from(WindowKind),
    title=st.sampled_from([None, "", "Room", "Payroll of May"]),
    account=st.sampled_from([None, "lane@example.com", "lane@home.example", "Ours"]),
    field=st.sampled_from(FieldKind),
    counterparties=st.none() | st.lists(st.sampled_from(["DE", "NO", "US-CA"])).map(tuple),
)
USUAL = Place(
    Program("browser", "Maker", None), ADDRESSES[0], (), WindowKind.ORDINARY, "Room",
    "lane@example.com", FieldKind.NONE, (),
)  # fmt: skip


@st.composite
def nearly_usual(draw: st.DrawFn) -> Place:
    """A place of which most is as usual, so that many are captured."""
    drawn = draw(PLACES)
    names = draw(st.sets(st.sampled_from(list(vars(USUAL))), max_size=2))
    return replace(USUAL, **{name: getattr(drawn, name) for name in names})


NEAR = st.one_of(nearly_usual(), nearly_usual(), PLACES)
EVENTS = st.builds(
    lambda at, signal, place, pictured: UiEvent(
        at, signal, place, pictured if signal is Signal.SCREENSHOT else None
    ),
    st.sampled_from([datetime(2026, 11, 16, hour, 30, tzinfo=UTC) for hour in (3, 9, 16, 22)]),
    st.sampled_from(Signal),
    NEAR,
    st.none() | st.lists(NEAR, max_size=2).map(tuple),
)
EXCLUDED = (
    exclusion("bank", urls=["*.docs.example/d"]), exclusion("private", private=True),
    exclusion("secret", fields=["password", "payment_card"]),
    exclusion("vault", bundle_ids=["vault"], executables=["VAULT.EXE"]),
    exclusion("pay", pages=["chat.example.com/*/pay?tab=s*", "*.example.com/room#a/b"]),
    exclusion("titles", titles=["chat: *payroll*"]), exclusion("any", titles=["*: room"]),
)  # fmt: skip
modes = st.sampled_from(["deny", "redact", "allow"])
OTHERS = st.fixed_dictionaries(
    {
        "regions": st.dictionaries(
            st.sampled_from(["DE", "US-CA"]),
            st.fixed_dictionaries({s.value: modes for s in Signal}),
        ),
        "unknown": st.just(dict.fromkeys(map(str, Signal), "deny")),
    }
)
SAID = st.fixed_dictionaries(
    {
        "exclusions": st.lists(st.sampled_from(EXCLUDED), max_size=3),
        "tenants": st.lists(st.sampled_from(TENANTS), unique=True),
        "hours": st.none() | st.just(list(range(8, 18))),
        "off_hours": modes,
        "counterparty": modes,
        "personal_device": modes,
    }
)
ZONES = st.sampled_from([(UTC,), (UTC, ZoneInfo("America/Los_Angeles")), (None, UTC)])
