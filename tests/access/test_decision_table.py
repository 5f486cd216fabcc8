"""The table in decision_table.md, row by row, against the shipped floors."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from app.access.decision.decide import decide
from app.access.decision.facts import rules
from app.access.decision.model import Caller, Facts, PersonFacts, Question, ScopeFacts
from app.access.decision.record import entry_facts
from app.access.enforcer import CasbinAuthority
from app.access.floor.terms import ALLOWED
from app.capture.directive import Circumstances, directive
from app.consent.model import State, suffices
from app.kernel.authority import Role
from app.kernel.vocabulary import Mode, Signal
from app.policy.agreement import Limits
from app.policy.catalogue.model import Catalogue
from app.policy.catalogue.packs import load_catalogue
from app.policy.document import document
from app.policy.knobs import PRECONDITIONS
from app.policy.lattice import compile_layers
from app.policy.law.layer import Floor
from app.policy.law.packs import PolicyTexts, load_floors
from app.policy.model import InForce
from app.policy.timeline import CompanyRow, FloorRow, History, in_force
from tests.access.office import permissive_text
from tests.access.recomputed import recompute

POLICIES = Path(__file__).parents[2] / "policies"
TABLE = Path(__file__).with_name("decision_table.md")
AT = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
LONG_AGO = AT - timedelta(days=500)

Row = Mapping[str, str]


def rows() -> Iterator[Row]:
    """Each row of each table, by the names of its columns, with its line as ``line``."""
    columns: list[str] = []
    for number, line in enumerate(TABLE.read_text(encoding="utf-8").splitlines(), start=1):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            columns = []
        elif not columns:
            columns = cells
        elif set(line) - set("|- "):
            assert len(cells) == len(columns), f"line {number}"
            yield {**dict(zip(columns, cells, strict=True)), "line": str(number)}


LEASES = [row for row in rows() if "standing" in row]
ACCESSES = [row for row in rows() if "caller" in row]


def name(row: Row) -> str:
    return f"line {row['line']}: {row['home']} {row['signal']}"


@cache
def catalogue() -> Catalogue:
    return load_catalogue(POLICIES / "apps")


@cache
def floors() -> tuple[Floor, ...]:
    return load_floors(POLICIES / "regions", catalogue(), ALLOWED)


@cache
def authority() -> CasbinAuthority:
    return CasbinAuthority(POLICIES / "access" / "model.conf", POLICIES / "access" / "policy.csv")


@cache
def holds(regions: tuple[str, ...], lacks: str = "-") -> InForce:
    """What holds under the floors and a company policy that takes nothing away."""
    shown = [kind for kind in PRECONDITIONS if kind != lacks]
    texts = PolicyTexts(catalogue(), ALLOWED)
    described = {floor.region for floor in floors()}
    company = [
        CompanyRow(
            id=number,
            region=region,
            policy=texts.read_company_policy(
                permissive_text(region, sorted(catalogue().apps), shown), region
            ),
            change_id=region,
            direction="widens",
            valid_from=LONG_AGO,
            recorded_at=LONG_AGO,
        )
        for number, region in enumerate(regions)
        if region in described and lacks != "policy"
    ]
    history = History(
        floors=tuple(FloorRow(n, floor, LONG_AGO) for n, floor in enumerate(floors())),
        company=tuple(company),
        stops=(),
        seq=1,
    )
    return in_force(history, regions, AT, compile_layers)


def test_the_table_has_the_promised_size_and_no_row_twice() -> None:
    assert len(LEASES) + len(ACCESSES) >= 200
    seen = [tuple(value for key, value in row.items() if key != "line") for row in rows()]
    assert len(set(seen)) == len(seen)
    assert all(row["law"] for row in rows())


@pytest.mark.parametrize("row", LEASES, ids=name)
def test_a_lease_says_what_the_law_of_the_region_says(row: Row) -> None:
    away = () if row["place"] == "-" else (row["place"],)
    found = holds((row["home"], *away), row["lacks"])
    compiled = found.compiled
    answer = directive(
        Circumstances(
            person_active=True,
            device_active=True,
            unknown=found.unknown,
            blocked=found.blocked,
            company=found.company,
            stopped=found.stopped,
            missing=found.missing,
            lead_until=found.lead_until,
            bases=found.bases,
            state=State(row["standing"]),
        ),
        AT,
    )
    off, _, reasons = row["expected"].partition(":")
    if off == "off":
        assert not answer.capture
        assert set(reasons.split(",")) <= set(answer.reasons)
    else:
        assert answer.capture, answer.reasons
        written = document(Limits(compiled, catalogue()))
        assert written["signals"][row["signal"]]["mode"] == row["expected"]


CALLERS: Mapping[str, Caller] = {
    **{
        function: Caller(function, tuple(sorted(ALLOWED)), (function,))
        for function in ("training", "storage", "security", "audit", "hr")
    },
    "unregistered": Caller("unregistered", (), ("training",)),
    "stranger": Caller("training", tuple(sorted(ALLOWED)), ("training",), kind="unknown"),
    "self": Caller("rights", tuple(sorted(ALLOWED)), ("rights",), "person", "p_one"),
    **{
        kind: Caller(
            "training",
            tuple(sorted(ALLOWED)),
            ("training",),
            "person",
            f"p_{kind}",
            ("hr",) if kind == "hr_person" else (),
        )
        for kind in ("manager", "skip", "hr_person", "colleague")
    },
}


@dataclass(frozen=True)
class Asked:
    """One row of the second kind, made into what ``decide`` takes."""

    question: Question
    facts: Facts


def asked(row: Row) -> Asked:
    signals = () if row["signal"] == "-" else (row["signal"],)
    found = holds((row["home"],))
    policy = rules(found, signals, ())
    compiled, now = found.compiled, State(row["now"])
    agreed = ScopeFacts(
        tuple(s.value for s in Signal if compiled.signals[s].mode is not Mode.DENY),
        tuple(sorted(compiled.purposes)),
    )
    person = PersonFacts(
        person="p_one",
        line=("p_manager", "p_skip"),
        standing=row["now"],
        decision=None,
        suffices_now=suffices(found.bases, now),
        suffices_at_capture=suffices(found.bases, State(row["then"])),
        scope=agreed if now in {State.GIVEN, State.ACKNOWLEDGED} else None,
        policy=policy,
    )
    caller = CALLERS[row["caller"]]
    roles = tuple(Role(f"consumer:{function}") for function in caller.functions)
    start = AT - timedelta(days=int(row["days"]))
    return Asked(
        Question(
            purpose=None if row["purpose"] == "-" else row["purpose"],
            asked_at=AT,
            dataset="ui-events",
            signals=signals,
            captured_from=start,
            captured_to=start + timedelta(hours=1),
        ),
        Facts(
            caller,
            (person,),
            role_policy=row["caller"] == "hr"
            or authority().may(roles, None, "captured_data", "read"),
        ),
    )


@pytest.mark.parametrize("row", ACCESSES, ids=name)
def test_an_access_is_decided_as_the_law_says(row: Row) -> None:
    it = asked(row)
    decision = decide(it.question, it.facts)
    answer, _, listed = row["expected"].partition(":")
    expected = set(filter(None, listed.split(",")))
    found = {reason.value for reason in decision.reasons}
    assert decision.permit == (answer == "permit"), found
    if "+" in expected:
        assert expected - {"+"} <= found
    else:
        assert expected == found
    entry = entry_facts(it.question, it.facts, decision, purposes="", grant=None)
    assert recompute(entry) == decision
