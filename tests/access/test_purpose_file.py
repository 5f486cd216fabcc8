"""policies/purposes.yaml explains the floor; it can neither add to it nor leave anything out."""

import csv
import json
import os
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml

from app.access.floor.obligations import OBLIGATIONS
from app.access.floor.purposes import load_purposes
from app.access.floor.terms import ALLOWED, BREAK_GLASS, PROHIBITED, Outcome, verdict
from app.kernel.errors import Unreadable
from app.web.employee.decide_words import decide_words
from app.web.words.text import LANGUAGES, PURPOSE_PHRASES, purpose_phrase

FILE = Path(__file__).parents[2] / "policies" / "purposes.yaml"
REGION = FILE.parent / "regions" / "GLOBAL.yaml"
GLOBAL = set(yaml.safe_load(REGION.read_text("utf-8"))["knobs"]["purposes"]["value"])
DPV = "https://w3id.org/dpv#"


def test_the_shipped_file_says_exactly_what_the_floor_says() -> None:
    purposes = load_purposes(FILE)
    by_section = {"allowed": ALLOWED, "break_glass": BREAK_GLASS, "prohibited": PROHIBITED}
    for section, keys in by_section.items():
        assert {text.key for text in purposes.texts if text.section == section} == keys
    assert all(text.obligations == OBLIGATIONS for text in purposes.texts if text.key in ALLOWED)
    assert purposes.text("performance_evaluation") is not None
    assert json.loads(purposes.document)["prohibited"]["performance_evaluation"]["label"]


def forgotten(keys: Iterable[str]) -> list[str]:
    """Where a purpose still has to be described, for each that lacks something."""
    return [
        f"{key}: {place}"
        for key in sorted(keys)
        for place, is_there in {
            "policies/purposes.yaml": load_purposes(FILE).text(key) is not None,
            "policies/regions/GLOBAL.yaml": key in GLOBAL or key in BREAK_GLASS,
            "app/web/words/text.py, PURPOSE_PHRASES": key in PURPOSE_PHRASES,
            **{
                f"app/web/employee/decide_words.py, {language}": key
                in decide_words(language).purposes
                for language in LANGUAGES
            },
        }.items()
        if not is_there
    ]


def test_every_purpose_that_data_can_serve_has_a_description_and_a_phrase() -> None:
    assert forgotten(ALLOWED | BREAK_GLASS) == []


def test_a_new_purpose_is_found_missing_in_every_place_by_name() -> None:
    assert forgotten(["ai_training.speech"]) == [
        "ai_training.speech: policies/purposes.yaml",
        "ai_training.speech: policies/regions/GLOBAL.yaml",
        "ai_training.speech: app/web/words/text.py, PURPOSE_PHRASES",
        "ai_training.speech: app/web/employee/decide_words.py, en",
        "ai_training.speech: app/web/employee/decide_words.py, de",
    ]


@pytest.mark.parametrize("key", sorted(ALLOWED))
def test_a_purpose_of_the_floor_that_the_file_leaves_out_stops_the_program(
    key: str, tmp_path: Path
) -> None:
    file = tmp_path / "purposes.yaml"
    text = FILE.read_text(encoding="utf-8")
    file.write_text(text.replace(f"  {key}:\n", "  another.purpose:\n", 1), encoding="utf-8")
    with pytest.raises(Unreadable) as caught:
        load_purposes(file)
    assert f"purposes.yaml: allowed.{key}" in {fault.field for fault in caught.value.faults}


def test_a_purpose_without_a_phrase_is_said_by_its_key_and_never_left_out() -> None:
    assert purpose_phrase(["ai_training.speech", "ai_training.computer_use"]) == (
        "training computer-use models and ai_training.speech"
    )
    assert purpose_phrase(["speech"]) == "speech"


def test_a_purpose_that_the_file_does_not_know_is_described_by_its_key() -> None:
    """A page that lists purposes leaves none out."""
    unknown = load_purposes(FILE).described("ai_training.speech")
    assert (unknown.key, unknown.label) == ("ai_training.speech", "ai_training.speech")
    known = load_purposes(FILE).described("ai_training.evaluation")
    assert known.label == "Testing the trained model"


def test_the_datasets_are_a_closed_list_in_the_document() -> None:
    purposes = load_purposes(FILE)
    assert purposes.datasets == ("ui-events",)
    assert json.loads(purposes.document)["datasets"] == ["ui-events"]


def test_the_digest_names_the_content_and_not_the_comments(tmp_path: Path) -> None:
    copy = tmp_path / "purposes.yaml"
    copy.write_text("# another comment\n" + FILE.read_text(encoding="utf-8"), encoding="utf-8")
    assert load_purposes(copy).digest == load_purposes(FILE).digest


def test_every_dpv_purpose_exists_in_dpv() -> None:
    folder = Path(os.environ.get("HABEAS_VECTORS", FILE.parents[2] / "shared" / "vectors"))
    terms = folder / "dpv" / "purposes.csv"
    if not terms.exists():
        pytest.skip(f"no DPV terms at {terms}; set HABEAS_VECTORS")
    with terms.open(encoding="utf-8", newline="") as lines:
        known = {row["iri"] for row in csv.DictReader(lines)}
    named = {iri for text in load_purposes(FILE).texts for iri in text.dpv}
    assert named <= known, sorted(named - known)


def test_what_dpv_calls_a_prohibited_purpose_is_prohibited_by_that_name_too() -> None:
    allowed = {iri for text in load_purposes(FILE).texts if text.key in ALLOWED for iri in text.dpv}
    for text in load_purposes(FILE).texts:
        for iri in (*text.dpv, *text.related) if text.section == "prohibited" else ():
            assert verdict(iri).outcome is Outcome.PROHIBITED, iri
            assert verdict(iri.rpartition("#")[2]).outcome is Outcome.PROHIBITED, iri
            assert iri not in allowed


@pytest.mark.parametrize("text", [t for t in load_purposes(FILE).texts if t.section != "allowed"])
def test_fides_names_of_what_is_not_allowed_are_refused(text: object) -> None:
    for name in text.fides:  # type: ignore[attr-defined]
        assert verdict(name).outcome is not Outcome.ALLOWED


ENTRY = "{label: a, description: b, dpv: [], related: [], fides: [], obligations: [retain_days]}"
BROKEN = {
    "a purpose added": (
        "allowed:\n",
        f"allowed:\n  performance_evaluation: {ENTRY}\n",
        "not known",
    ),
    "an alias added": (
        "allowed:\n",
        f"allowed:\n  Leistungskontrolle: {ENTRY}\n",
        "not known here",
    ),
    "break glass moved up": (
        "break_glass:\n  legal.order:",
        "break_glass: {}\nx:",
        "not known here",
    ),
    "a prohibition dropped": ("  hr.scoring:\n", "  hr.nothing:\n", "not known here"),
    "a key twice": ("  hr.scoring:\n", "  hr.discipline:\n", "given twice"),
    "an unknown field": ("    fides: [sales", "    role: admin\n    fides: [sales", ""),
    "another floor": ("floor_version: 1", "floor_version: 2", "out of range"),
    "an obligation dropped": (
        "obligations: [retain_days, purpose, no_individual_evaluation]",
        "obligations: [retain_days, purpose]",
        "every obligation",
    ),
    "a number for a label": ("label: Marketing and sale", "label: 7", "not a text"),
    "a text for a list": ("fides: [train_ai_system]", "fides: train_ai_system", "not a list"),
    "a merge key": ("  hr:\n", "  <<: *x\n  hr:\n", ""),
    "no datasets": ("datasets: [ui-events]\n", "", "is missing"),
    "a dataset twice": ("[ui-events]", "[ui-events, ui-events]", "given twice"),
    "a sentence for a dataset": ("[ui-events]", "[the keystrokes of Alice]", "is no dataset"),
    "a text for the datasets": ("[ui-events]", "ui-events", "not a list"),
    "no YAML": ("floor_version: 1", "floor_version: [", ""),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_file_that_disagrees_stops_the_program_and_says_where(case: str, tmp_path: Path) -> None:
    old, new, problem = BROKEN[case]
    text = FILE.read_text(encoding="utf-8")
    assert old in text or case == "an unknown field"
    broken = text.replace(old, new, 1)
    if broken == text:
        broken = text.replace("    label:", "    role: admin\n    label:", 1)
    file = tmp_path / "purposes.yaml"
    file.write_text(broken, encoding="utf-8")
    with pytest.raises(Unreadable) as caught:
        load_purposes(file)
    assert caught.value.faults
    assert any(problem in fault.problem for fault in caught.value.faults)
    assert all("line " in fault.problem for fault in caught.value.faults)


def test_an_empty_file_stops_the_program(tmp_path: Path) -> None:
    file = tmp_path / "purposes.yaml"
    file.write_text("", encoding="utf-8")
    with pytest.raises(Unreadable):
        load_purposes(file)
