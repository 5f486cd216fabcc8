"""Signed bytes are for ever: documents and their digests, held against those of release 0.1.

``golden/`` holds the files of release 0.1 and the digests that its code gave them. A knob, signal
or form that is added later and that nobody names leaves every one of these digests as it is.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any

import pytest
import yaml

from app.kernel.canonical import canonical, digest
from app.kernel.forms import FIRST_FORM
from app.kernel.vocabulary import Basis, Mode
from app.policy.catalogue.model import App, Catalogue, Exclusion, Matchers
from app.policy.document import document
from app.policy.knobs import REGISTRY
from app.policy.lattice import compile_layers
from app.policy.law.layer import Claim, Floor, Layer, Why
from app.policy.law.packs import PolicyTexts, load_floors
from tests.agreements import agreed_to, bound

FOLDER = Path(__file__).parent / "golden"
GOLDEN = json.loads((FOLDER / "digests.json").read_text("utf-8"))
PURPOSES = (
    "ai_training.computer_use",
    "ai_training.evaluation",
    "audit.compliance",
    "capture.operations",
    "rights.fulfilment",
    "safeguard.redaction",
    "store.security",
)
"""Those of release 0.1."""
SOME = agreed_to(
    signals=frozenset({"click", "key_timing", "pointer", "screenshot"}),
    purposes=frozenset({"ai_training.computer_use"}),
    apps=frozenset({"github", "slack", "vscode"}),
)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    """As release 0.1 read its files: apps were recognised by the name of a program alone."""
    files = [yaml.safe_load(file.read_bytes()) for file in (FOLDER / "apps").glob("*.yaml")]
    apps = [_described(App, item) for file in files for item in file.get("apps", ())]
    exclusions = [
        _described(Exclusion, item) for file in files for item in file.get("exclusions", ())
    ]
    return Catalogue({app.id: app for app in apps}, {item.id: item for item in exclusions})


def _described(kind: type, item: dict[str, Any]) -> Any:
    match = {
        name: value if isinstance(value, bool) else tuple(sorted(value))
        for name, value in item["match"].items()
    }
    return kind(**{**item, "match": Matchers(**match)})


@pytest.fixture(scope="module")
def floors(catalogue: Catalogue) -> tuple[Floor, ...]:
    return load_floors(FOLDER / "regions", catalogue, frozenset(PURPOSES))


@pytest.fixture(scope="module")
def texts(catalogue: Catalogue) -> PolicyTexts:
    return PolicyTexts(catalogue, frozenset(PURPOSES))


def test_every_floor_keeps_its_digest(floors: tuple[Floor, ...]) -> None:
    assert {floor.region: floor.digest for floor in floors} == GOLDEN["floors"]


def test_the_catalogue_keeps_its_digest(catalogue: Catalogue) -> None:
    assert catalogue.digest == GOLDEN["catalogue"]


def test_every_sample_policy_keeps_its_digest(texts: PolicyTexts) -> None:
    assert {name: policy.digest for name, policy in _company(texts).items()} == GOLDEN["company"]


def test_every_region_keeps_the_document_that_agents_fetch(
    floors: tuple[Floor, ...], texts: PolicyTexts, catalogue: Catalogue
) -> None:
    assert documents(floors, texts, catalogue) == GOLDEN["documents"]


def test_layers_of_every_kind_keep_their_document_and_who_decided_it(catalogue: Catalogue) -> None:
    assert generated(catalogue) == GOLDEN["generated"]


def test_every_knob_of_release_0_1_is_still_a_knob() -> None:
    assert GOLDEN["knobs"]
    assert set(GOLDEN["knobs"]) <= REGISTRY.rows.keys()


def documents(
    floors: tuple[Floor, ...], texts: PolicyTexts, catalogue: Catalogue
) -> dict[str, list[str]]:
    """The digests of what is compiled for each region, agreed to in whole and in part."""
    by_region = {floor.region: floor for floor in floors}
    company = _company(texts)

    def chain(region: str | None) -> list[Layer]:
        if region is None:
            return []
        own = [company[region].layer] if region in company else []
        return [by_region[region].layer, *own, *chain(by_region[region].parent)]

    found = {}
    for region in sorted(by_region):
        compiled = compile_layers(chain(region), chain("GB"))
        found[region] = [
            _digest(document(bound(compiled, agreed, catalogue))) for agreed in (None, SOME)
        ] + [_digest(_why(compiled.why))]
    return found


def generated(catalogue: Catalogue) -> list[list[str]]:
    """The digests for forty pairs of layers that name about half of all knobs."""
    random = Random("release 0.1")  # noqa: S311 - the same layers each time
    found = []
    for _ in range(40):
        home, away = _layer(random, catalogue, "floor/DE"), _layer(random, catalogue, "company/DE")
        compiled = compile_layers([home], [away])
        written = document(bound(compiled, random.choice([None, SOME]), catalogue))
        found.append([_digest(written), _digest(_why(compiled.why))])
    return found


def _company(texts: PolicyTexts) -> Mapping[str, Any]:
    return {
        file.stem: texts.read_company_policy(file.read_bytes(), file.stem)
        for file in sorted((FOLDER / "company").glob("*.yaml"))
    }


def _layer(random: Random, catalogue: Catalogue, identity: str) -> Layer:
    def some(names: Any) -> frozenset[str]:
        known = sorted(names)
        return frozenset(random.sample(known, random.randint(0, len(known))))

    modes = list(Mode)
    values: dict[str, Any] = {"status": 1, "bases": some(Basis) | {"consent"}}
    for signal in sorted(REGISTRY.signals_in(FIRST_FORM)):
        values[f"signals.{signal}.mode"] = random.choice(modes)
        values[f"signals.{signal}.retention_days"] = random.randint(0, 90)
    for knob, most in (
        ("lease_ttl_s", 900),
        ("screenshot_min_interval_s", 600),
        ("notice_lead_days", 30),
        ("cohort_min", 50),
    ):
        values[knob] = random.randint(1, most)
    for knob in ("personal_device", "off_hours", "counterparty"):
        values[knob] = random.choice(modes)
    values |= {
        "preconditions": some({"dpia", "permit"}),
        "exclusions": some(catalogue.exclusions),
        "redactors": some({"person_names", "national_ids"}),
        "notice_content": some({"voluntary", "purposes"}),
        "approver_roles": some({"dpo", "works_council"}),
        "apps": some(catalogue.apps),
        "purposes": some(PURPOSES),
        "hours": frozenset(random.sample(range(168), 40)),
    }
    kept = sorted(name for name in values if name in {"status", "bases"} or random.random() < 0.6)
    claims = {knob: Claim(values[knob], Why(identity, f"Art. {len(knob)}", "C")) for knob in kept}
    return Layer(identity, "floor", "DE", _digest(kept), MappingProxyType(claims))


def _why(why: Mapping[str, tuple[Why, ...]]) -> Any:
    """Who decided each knob that release 0.1 knew; a later one has a row of its own."""
    return {
        knob: [[each.layer, each.cite, each.confidence] for each in deciding]
        for knob, deciding in why.items()
        if {knob, knob.partition(".")[0]} & {*GOLDEN["knobs"]}  # ``preconditions.dpia`` too
    }


def _digest(value: Any) -> str:
    return digest(canonical(value))
