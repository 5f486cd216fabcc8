"""A published policy as text: what is written reads back as the very same document."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.access.floor.terms import ALLOWED
from app.kernel.vocabulary import Basis, Signal
from app.policy.catalogue.model import Catalogue, Matchers
from app.policy.catalogue.packs import load_catalogue
from app.policy.knob_shapes import DAYS, OwnExclusions
from app.policy.knobs import APPROVERS, PRECONDITIONS, REDACTORS
from app.policy.law.packs import PolicyTexts
from app.policy.own_exclusions import OwnExclusion
from app.web.legal.policy_text import published_text

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = load_catalogue(ROOT / "policies" / "apps")
SLACK = replace(SHIPPED.apps["slack"], private_accounts=True)
CATALOGUE = Catalogue({**SHIPPED.apps, "slack": SLACK}, SHIPPED.exclusions)
TEXTS = PolicyTexts(CATALOGUE, frozenset(ALLOWED))
SAMPLES = sorted((ROOT / "app" / "demo" / "data" / "company").glob("*.yaml"))


@pytest.mark.parametrize("file", SAMPLES, ids=lambda file: file.stem)
def test_every_sample_policy_reads_back_as_itself(file: Path) -> None:
    policy = TEXTS.read_company_policy(file.read_bytes(), file.stem)
    again = TEXTS.read_company_policy(published_text(policy.body), file.stem)
    assert again.digest == policy.digest


_TEXT = st.text(
    st.characters(exclude_categories=["C", "Z"], include_characters=" :#'\"-{}[]&*!|>%@`\\"),
    min_size=1,
    max_size=40,
)
_MODE = st.sampled_from(["deny", "redact", "allow"])
_CITED = {"cite": _TEXT | st.just(""), "confidence": st.sampled_from(["", "C", "C2", "G"])}


def _some(names: Any) -> Any:
    return st.lists(st.sampled_from(sorted(names)), unique=True, max_size=6).map(sorted)


def _knob(value: Any) -> Any:
    return st.fixed_dictionaries({"value": value, **_CITED})


_TENANTS = ["slack: account example devices", "slack: domain example.com"]
_PROGRAM = _TEXT.filter(lambda text: ": " not in text)


def _place(name: str, label: str, why: str, program: str) -> OwnExclusion:
    match = Matchers(executables=(program,), titles=("*: *payroll*", "slack: a: b*"))
    return OwnExclusion(name, label, why, match, (program, "slack: The payroll"))


_PLACES = st.lists(
    st.builds(_place, st.sampled_from(["hr", "yes", "lab_2"]), _TEXT, _TEXT, _PROGRAM),
    max_size=2,
    unique_by=lambda place: place.id,
).map(lambda places: OwnExclusions().write(frozenset(places)))
_SPAN = st.sampled_from(["00-24", "08-18", "09-12"])
_KNOBS = st.fixed_dictionaries(
    {},
    optional={
        "signals": st.dictionaries(
            st.sampled_from([signal.value for signal in Signal]),
            st.fixed_dictionaries(
                {"mode": _MODE, "retention_days": st.integers(0, 3_650), **_CITED}
            ),
        ),
        "apps": _knob(_some(CATALOGUE.apps)),
        "exclusions": _knob(_some(CATALOGUE.exclusions)),
        "tenants": _knob(_some(_TENANTS)),
        "own_exclusions": _knob(_PLACES),
        "purposes": _knob(_some(ALLOWED)),
        "bases": _knob(_some([basis.value for basis in Basis])),
        "redactors": _knob(_some(REDACTORS)),
        "preconditions": _knob(_some(PRECONDITIONS)),
        "approver_roles": _knob(_some(APPROVERS)),
        "notice_content": _knob(_some(["yes", "no", "null", "purposes", "on", "y", "off", "e1"])),
        "lease_ttl_s": _knob(st.integers(1, 86_400)),
        "hours": _knob(st.dictionaries(st.sampled_from(DAYS), _SPAN)),
        "off_hours": _knob(_MODE),
    },
)
_DAY = st.dates().filter(lambda day: 1900 <= day.year <= 2999).map(str)
_ORDER = ("kind", "reference", "sha256", "valid_to")
_EVIDENCE = st.lists(
    st.fixed_dictionaries(
        {
            "kind": st.sampled_from(PRECONDITIONS),
            "reference": _TEXT,
            "sha256": st.integers(0, 2**256 - 1).map(lambda number: f"{number:064x}"),
            "valid_to": st.none() | _DAY,
        }
    ),
    max_size=3,
)


@settings(deadline=None)
@given(_KNOBS, _EVIDENCE, _TEXT, _TEXT | st.just(""), st.none() | _DAY)
def test_whatever_is_published_reads_back_as_itself(
    knobs: Mapping[str, Any],
    evidence: list[dict[str, Any]],
    name: str,
    summary: str,
    first: str | None,
) -> None:
    from app.kernel.canonical import canonical
    from app.policy.law.layer import CompanyPolicy

    document = {
        "v": 1,
        "kind": "company",
        "region": "NO",
        "name": name,
        "status": "approved",
        "summary": summary,
        "valid_from": first,
        "valid_to": None,
        "knobs": knobs,
        "evidence": sorted(evidence, key=lambda one: [str(one[key]) for key in _ORDER]),
    }
    policy = CompanyPolicy.read(canonical(document))
    again = TEXTS.read_company_policy(published_text(policy.body), "NO")
    assert again.digest == policy.digest
