"""A receipt's page and its signed text say the same, for every decision on every offer."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.consent.choosing import NUMBERED
from app.consent.model import Act, Decision, next_decision
from app.consent.offers import Offer, Shown
from app.consent.receipts import offered_terms, receipt_claims, receipt_terms
from app.directory.model import Person
from app.kernel.canonical import canonical
from app.kernel.vocabulary import Signal
from app.web.employee.receipt_rows import receipt_rows, said
from tests.consent.booth import NINE, notice, offer
from tests.make import person
from tests.vectors import folder

SIGNALS = [signal.value for signal in Signal]
WORDS = st.lists(st.sampled_from(["editor", "tracker", "word"]), unique=True).map(tuple)


@st.composite
def offers(draw: st.DrawFn) -> Offer:
    signals = draw(st.lists(st.sampled_from(SIGNALS), unique=True))
    days = {signal: draw(st.integers(0, 3650)) for signal in signals}
    modes = {signal: draw(st.sampled_from(["redact", "allow"])) for signal in signals}
    knobs = {f"signals.{signal}.mode": {"value": mode} for signal, mode in modes.items()}
    terms = draw(st.sampled_from([None, {"knobs": knobs}]))
    content = draw(st.sampled_from([(), ("acknowledgement",)]))
    return offer(
        signals=tuple(signals),
        retention_days=days,
        apps=draw(WORDS),
        terms=terms,
        decision_content=content,
    )


def decided(act: Act, shown: Shown | None, minutes: int) -> tuple[Decision, dict[str, Any]]:
    """A decision and the claims of its receipt, as they come back from the bytes signed."""
    who = person("ada", region="DE", place="DE", entity="DE/Sample Geräte GmbH")
    until = NINE + timedelta(minutes=minutes)
    history: tuple[Decision, ...] = ()
    for earlier in (Act.GIVEN, Act.PAUSED) if act is Act.RESUMED else ():
        history += (made(history, who, earlier, shown, until),)
    decision = made(history, who, act, shown, until)
    claims = receipt_claims(
        decision,
        who,
        pseudonym="p_0",
        offer=shown.offer if shown else None,
        previous=None,
        issuer="https://habeas.example",
        origin="log.example",
    )
    return decision, json.loads(canonical(claims))


def made(
    history: tuple[Decision, ...], who: Person, act: Act, shown: Shown | None, until: datetime
) -> Decision:
    return next_decision(
        history,
        who,
        act,
        NINE,
        decision_id=f"d{len(history)}",
        shown=shown if act in NUMBERED else None,
        until=until if act is Act.PAUSED else None,
    )


def at(claims: Any, path: str) -> Any:
    for name in path.split("."):
        if claims is None:
            return None
        claims = claims[int(name)] if isinstance(claims, list) else claims.get(name)
    return claims


@given(act=st.sampled_from(Act), what=offers(), minutes=st.integers(5, 10_080))
def test_every_line_of_the_page_is_what_the_receipt_says(
    act: Act, what: Offer, minutes: int
) -> None:
    shown = Shown("s", "ada", notice(), what, NINE, "e") if act in NUMBERED else None
    decision, claims = decided(act, shown, minutes)
    rows = receipt_rows(decision, shown.offer if shown else None, claims)
    assert [said(at(claims, row.claim)) for row in rows] == [row.shown for row in rows]
    assert len({row.claim for row in rows}) == len(rows)


@given(what=offers())
def test_a_receipt_says_of_each_signal_what_the_offer_said(what: Offer) -> None:
    _, claims = decided(Act.GIVEN, Shown("s", "ada", notice(), what, NINE, "e"), 5)
    terms = receipt_terms(claims)
    assert terms == offered_terms(what)
    assert {row.signal: row.days for row in terms} == what.retention_days
    assert {row.signal: row.mode for row in terms if row.mode} == what.modes
    assert "retention_period" not in claims


def test_a_line_that_was_changed_in_the_record_is_seen() -> None:
    decision, claims = decided(Act.GIVEN, Shown("s", "ada", notice(), offer(), NINE, "e"), 5)
    longer = offer(retention_days={"click": 60, "menu": 30})
    told = receipt_rows(decision, longer, claims)
    assert [row.label for row in told if said(at(claims, row.claim)) != row.shown] == ["Signals"]


def test_an_acknowledgement_that_the_signed_text_lacks_is_seen() -> None:
    asked = offer(decision_content=("acknowledgement",))
    decision, claims = decided(Act.GIVEN, Shown("s", "ada", notice(), asked, NINE, "e"), 5)
    assert claims.pop("decision_content") == ["acknowledgement"]
    told = receipt_rows(decision, asked, claims)
    differing = [row.label for row in told if said(at(claims, row.claim)) != row.shown]
    assert differing == ["It also says"]


@folder.needed
def test_a_receipt_of_release_0_1_is_read_without_names_and_modes() -> None:
    path = folder.FOLDER / "release-0.1" / "receipt.json"
    claims = json.loads(path.read_text(encoding="utf-8"))["claims"]
    terms = receipt_terms(claims)
    assert {row.signal for row in terms} == set(SIGNALS)
    assert {row.mode for row in terms} == {None}
    assert {row.days for row in terms} == {14, 30}
    decision, _ = decided(Act.GIVEN, Shown("s", "ada", notice(), offer(), NINE, "e"), 5)
    lines = {row.claim for row in receipt_rows(decision, offer(), claims)}
    assert "name" not in lines
    assert {"pii_information", "retention_period"} <= lines


@pytest.mark.parametrize("period", ["30", "P30", "P1M", "P-3D", "PT30S", None, 30, ["P30D"]])
def test_a_period_that_is_no_number_of_days_is_refused(period: object) -> None:
    row = {"pii_type": "click", "mode": "allow", "retention_period": period}
    with pytest.raises(ValueError, match="no number of days"):
        receipt_terms({"schema_version": "habeas-receipt/2", "pii_information": [row]})
