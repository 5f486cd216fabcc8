"""The published schemas of documents take exactly what the guard on the laptop takes."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.event.schema import counterparties_schema, policy_schema
from app.kernel.canonical import Json, canonical, digest, parse_canonical
from app.kernel.forms import AGENT_FORM
from app.kernel.vocabulary import Mode, Signal
from app.policy.catalogue.matchers import MATCHERS, MatcherRow
from app.policy.catalogue.model import OTHERS
from app.policy.counterparties import Counterparties, counterparty_document
from app.policy.knob_row import Knob
from app.policy.knob_shapes import Modes, NameSet, NameSource, Number, OwnExclusions, Week
from app.policy.knobs import REGISTRY
from app.policy.tenants import read_tenant
from app.sdk.agent.counterparties import read_counterparties
from app.sdk.agent.document import read_document
from app.sdk.lease import Lease, Refused
from tests.agent_simulator import policy_document
from tests.event.events import ODD
from tests.event.validator import Takes, validator
from tests.policy.next_form import GAZE, NEXT, WIDTH
from tests.policy.pace import unhurried

FORM = REGISTRY.newest
MODES = st.sampled_from([mode.word for mode in Mode])
TEXTS = st.text(st.characters(codec="utf-8"), max_size=5)
COUNTS = st.integers(0, 2**53 - 1)
ROW_OF = {row.name: row for row in MATCHERS}


def a_lease(**digests: str | None) -> Lease:
    return Lease(
        issuer="https://habeas.example", device_id="d", jti="j", issued=0, expires=900,
        policy_seq=1, consent_seq=1, capture=True, reasons=(), poll_s=15, nonce=None, form=FORM,
        **{"policy": None, **digests},
    )  # fmt: skip


def written(document: object) -> bytes:
    """The bytes of a document; only canonical JSON gets as far as a reader."""
    try:
        return canonical(document)  # type: ignore[arg-type]
    except ValueError:
        assume(False)
        raise


def policy_is_read(document: object) -> bool:
    data = written(document)
    try:
        read_document(a_lease(policy=digest(data)), data, REGISTRY)
    except Refused:
        return False
    return True


def counterparties_are_read(document: object) -> bool:
    data = written(document)
    try:
        read_counterparties(a_lease(counterparties=digest(data)), data, REGISTRY)
    except Refused:
        return False
    return True


@pytest.fixture(scope="module")
def policy_fits() -> Takes:
    return validator(policy_schema())


@pytest.fixture(scope="module")
def counterparties_fit() -> Takes:
    return validator(counterparties_schema())


# Policy documents


def matcher_values(row: MatcherRow) -> st.SearchStrategy[Any]:
    return st.booleans() if row.flag else st.lists(st.just(row.sample), max_size=2)


def matches(rows: tuple[MatcherRow, ...]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries({row.name: matcher_values(row) for row in rows})


APPS = st.fixed_dictionaries(
    {
        "id": TEXTS,
        "name": TEXTS,
        "group": TEXTS,
        "others": st.sampled_from(["", *OTHERS]),
        "private_accounts": st.booleans(),
        "match": matches(REGISTRY.matchers_of_apps(FORM)),
    }
)
EXCLUSIONS = st.fixed_dictionaries(
    {"id": TEXTS, "name": TEXTS, "match": matches(REGISTRY.matchers_of_exclusions(FORM))}
)


TENANTS = st.sampled_from(
    ["slack: account acme", "docs: domain a.example", "git: address a.example/b"]
)
DESCRIBED = {
    NameSource.APPS: APPS,
    NameSource.EXCLUSIONS: EXCLUSIONS,
    NameSource.TENANTS: TENANTS,
}


def knob_values(row: Knob[Any]) -> st.SearchStrategy[Any]:
    match row.shape:
        case Modes():
            return MODES
        case Number():
            return COUNTS
        case Week():
            return st.none() | st.lists(st.integers(0, 167), max_size=3)
        case NameSet(known=NameSource() as source):
            return st.lists(DESCRIBED.get(source, TEXTS), max_size=2)
        case NameSet(known=names):
            return st.lists(st.sampled_from(names), max_size=2)
        case OwnExclusions():
            return st.lists(EXCLUSIONS, max_size=2)
    raise AssertionError(row.shape)


SIGNALS = st.fixed_dictionaries(
    {
        signal.value: st.fixed_dictionaries({"mode": MODES, "retention_days": COUNTS})
        for signal in REGISTRY.signals_in(FORM)
    }
)
POLICIES = st.fixed_dictionaries(
    {
        "v": st.just(FORM),
        "signals": SIGNALS,
        "layers": st.lists(TEXTS, max_size=2),
        **{row.name: knob_values(row) for row in REGISTRY.told_in(FORM)},
    }
)


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of a document, the document itself first."""
    if isinstance(value, dict):
        yield value
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for part in parts:
        yield from objects(part)


@st.composite
def broken(draw: st.DrawFn, documents: st.SearchStrategy[Any]) -> Any:
    """A document with one change somewhere in it; the change may do no harm."""
    document = copy.deepcopy(draw(documents))
    part = draw(st.sampled_from([part for part in objects(document) if part]))
    name = draw(st.sampled_from([*part, "extra"]))
    if draw(st.booleans()) and name in part:
        del part[name]
    else:
        part[name] = draw(ODD | MODES | MODES.map(str.upper))
    return document


def has_unreadable_text(document: Any) -> bool:
    """Whether a text of a matcher, or a tenant, has not its grammar: a schema cannot say that."""
    return any(
        (name in ROW_OF and not ROW_OF[name].reads(value))
        or (name == "tenants" and not all(map(is_tenant, value)))
        for part in objects(document)
        for name, value in part.items()
    )


def is_tenant(text: str) -> bool:
    try:
        read_tenant(text)
    except ValueError:
        return False
    return True


@given(document=POLICIES)
def test_a_whole_policy_document_fits_its_schema(policy_fits: Takes, document: object) -> None:
    assert policy_is_read(document)
    assert policy_fits(document)


@unhurried
@given(document=broken(POLICIES) | ODD)
def test_the_schema_of_a_policy_document_takes_what_the_guard_takes_and_nothing_else(
    policy_fits: Takes, document: object
) -> None:
    is_read = policy_is_read(document)
    assert policy_fits(document) is is_read or (not is_read and has_unreadable_text(document))


def a_policy_document() -> dict[str, Any]:
    """The usual one in the newest form; what that has more is as where nobody names it."""
    rows = [row for row in REGISTRY.told_in(FORM) if row.since > AGENT_FORM]
    rule = {"mode": "redact", "retention_days": 30}
    return policy_document(
        v=FORM,
        signals={str(signal): dict(rule) for signal in REGISTRY.signals_in(FORM)},
        **{row.name: row.readable(row.unnamed) for row in rows},
    )


BROKEN_POLICIES: dict[str, Callable[[Any], object]] = {
    "another form": lambda whole: whole.update(v=FORM + 1),
    "a knob in other letters": lambda whole: whole.update(off_hours="DENY"),
    "a mode in other letters": lambda whole: whole["signals"]["click"].update(mode="Allow"),
    "a count that is a truth": lambda whole: whole.update(screenshot_min_interval_s=True),
    "a count below none": lambda whole: whole["signals"]["click"].update(retention_days=-1),
    "an hour beyond the week": lambda whole: whole.update(hours=[168]),
    "no exclusions": lambda whole: whole.update(exclusions=None),
    "a redactor that nobody has": lambda whole: whole.update(redactors=["faces"]),
    "a matcher that apps have not": lambda whole: whole["apps"][0]["match"].update(bundle_ids=[]),
    "an app that shows other words": lambda whole: whole["apps"][0].update(others="letters"),
    "a place of the company's own that says why": lambda whole: whole.update(
        own_exclusions=[{**whole["exclusions"][0], "why": "Private."}]
    ),
    "a tenant that is no text": lambda whole: whole.update(tenants=[{"app": "slack"}]),
    "an exclusion that says why": lambda whole: whole["exclusions"][0].update(why="Private."),
}


@pytest.mark.parametrize("fault", BROKEN_POLICIES)
def test_a_policy_document_does_not_fit_with(policy_fits: Takes, fault: str) -> None:
    document = a_policy_document()
    assert policy_fits(document)
    assert policy_is_read(document)
    BROKEN_POLICIES[fault](document)
    assert not policy_fits(document)
    assert not policy_is_read(document)


def test_a_new_knob_and_a_new_signal_change_the_schema_of_their_form_by_themselves() -> None:
    schema = policy_schema(NEXT)
    assert schema["properties"]["v"]["const"] == NEXT.newest
    assert GAZE in schema["properties"]["signals"]["required"]
    assert WIDTH.name in schema["required"]
    assert GAZE not in policy_schema()["properties"]["signals"]["required"]


# Counterparty documents


REGIONS = st.sampled_from(["DE", "NO", "US-CA", "CA-QC"])
ROWS = st.fixed_dictionaries({signal: st.sampled_from(Mode) for signal in Signal})


def a_counterparty_document(rows: dict[str, dict[Signal, Mode]]) -> dict[str, Json]:
    document = counterparty_document(Counterparties(rows), FORM)
    return parse_canonical(canonical(document))  # type: ignore[no-any-return]


COUNTERPARTIES = st.dictionaries(REGIONS, ROWS, max_size=3).map(a_counterparty_document)


@given(document=COUNTERPARTIES)
def test_the_counterparty_document_that_is_written_fits_its_schema(
    counterparties_fit: Takes, document: object
) -> None:
    assert counterparties_are_read(document)
    assert counterparties_fit(document)


def unknown_is_wider(document: Any) -> bool:
    """Whether the row for an unknown region allows more than another: a schema cannot see it."""
    unknown = document["unknown"]
    return any(
        Mode[unknown[signal].upper()] > Mode[mode.upper()]
        for row in document["regions"].values()
        for signal, mode in row.items()
    )


@unhurried
@given(document=broken(COUNTERPARTIES) | ODD)
def test_the_schema_of_a_counterparty_document_takes_what_the_guard_takes_and_nothing_else(
    counterparties_fit: Takes, document: object
) -> None:
    is_read, fits = counterparties_are_read(document), counterparties_fit(document)
    assert fits is is_read or (fits and unknown_is_wider(document))


BROKEN: dict[str, Callable[[Any], object]] = {
    "another kind": lambda whole: whole.update(kind="policy"),
    "an older form": lambda whole: whole.update(v=AGENT_FORM - 1),
    "a region above countries": lambda whole: whole["regions"].update(EU=whole["unknown"]),
    "a region that is none": lambda whole: whole["regions"].update({"DE\n": whole["unknown"]}),
    "a member more": lambda whole: whole.update(until="2027"),
    "a signal less": lambda whole: whole["regions"]["DE"].pop("click"),
    "a signal more": lambda whole: whole["regions"]["DE"].update(gaze="deny"),
    "a mode in other letters": lambda whole: whole["unknown"].update(click="DENY"),
    "no row for nobody knows where": lambda whole: whole.pop("unknown"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_counterparty_document_does_not_fit_with(counterparties_fit: Takes, fault: str) -> None:
    document = a_counterparty_document({"DE": dict.fromkeys(Signal, Mode.REDACT)})
    assert counterparties_fit(document)
    BROKEN[fault](document)
    assert not counterparties_fit(document)
    assert not counterparties_are_read(document)
