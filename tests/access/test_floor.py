# ruff: noqa: RUF001 - letters that look alike are what is tested here
"""Law 5: purposes are a closed list, and no spelling, file or row adds to it."""

import string
import unicodedata
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from app.access.floor.aliases import NAMED_ANYWHERE, NAMED_EXACTLY
from app.access.floor.terms import (
    ALLOWED,
    BREAK_GLASS,
    PROHIBITED,
    TERMS,
    FloorVerdict,
    Outcome,
    verdict,
)

NAMES = sorted({name for names in NAMED_ANYWHERE.values() for name in names})
EVERYDAY = sorted({name for names in NAMED_EXACTLY.values() for name in names})
GLOBAL = Path(__file__).parents[2] / "policies" / "regions" / "GLOBAL.yaml"
LAW_4 = set(yaml.safe_load(GLOBAL.read_text("utf-8"))["knobs"]["purposes"]["value"])
"""The floor as data says the list as well; code and data have to agree."""
LOOKALIKES = {"a": "а", "e": "е", "o": "ο", "p": "р", "c": "с", "i": "і", "v": "ν", "n": "ո"}
INVISIBLE = ["\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u180e"]


def refused(purpose: object) -> bool:
    return verdict(purpose).outcome is not Outcome.ALLOWED


def test_the_list_is_that_of_the_law_and_nothing_else() -> None:
    assert ALLOWED == LAW_4 == set(TERMS)
    assert "performance_evaluation" not in LAW_4
    assert all(verdict(key) == FloorVerdict(Outcome.ALLOWED, key) for key in LAW_4)


def test_performance_evaluation_is_prohibited_under_its_own_name_and_is_not_allowed() -> None:
    assert verdict("performance_evaluation") == FloorVerdict(
        Outcome.PROHIBITED, "performance_evaluation"
    )
    assert not ALLOWED & PROHIBITED


@pytest.mark.parametrize("root", sorted(PROHIBITED))
@pytest.mark.parametrize("tail", ["", ".x", ".team.2026", "/x", "-x", " x", "_x", ".ai_training"])
def test_a_prohibited_root_is_prohibited_with_all_its_descendants(root: str, tail: str) -> None:
    judged = verdict(root + tail)
    assert judged.outcome is Outcome.PROHIBITED
    assert judged.key == root


@pytest.mark.parametrize("name", NAMES + EVERYDAY)
def test_every_alias_is_called_by_the_name_of_its_root(name: str) -> None:
    judged = verdict(name)
    assert judged.outcome is Outcome.PROHIBITED, name
    assert judged.key in PROHIBITED


@pytest.mark.parametrize(
    "name",
    [
        "Leistungsbeurteilung",
        "LEISTUNGSÜBERWACHUNG",
        "évaluation de la performance",
        "evaluation de la performance",
        "evaluación del desempeño",
        "avaliação de desempenho",
        "valutazione delle prestazioni",
        "functioneringsgesprek",
        "ocena pracownika",
        "绩效考核",
        "人事評価",
        "성과평가",
        "оценка эффективности",
        "αξιολόγηση απόδοσης",
        "تقييم الأداء",
        "प्रदर्शन मूल्यांकन",
        "https://w3id.org/dpv#PersonnelPerformanceEvaluation",
        "dpv:PersonnelPerformanceMonitoring",
        "p3rf0rmance_eva1uat10n",
        "p.e.r.f.o.r.m.a.n.c.e evaluation",
        "performance\u200b_evaluation",
        "ＰＥＲＦＯＲＭＡＮＣＥ　ＥＶＡＬＵＡＴＩＯＮ",
        "pеrfоrmаnce_evаluаtiоn",
        "ai_training.performance_evaluation",
        "performance_evaluation.ai_training.computer_use",
        "ai_training.computer_use; performance review",
    ],
)
def test_performance_evaluation_is_known_under_other_names(name: str) -> None:
    assert verdict(name).key == "performance_evaluation"


BETRAYED = {
    "an everyday name as the term of an address": (
        "https://terms.example/dpv#rating",
        "performance_evaluation",
    ),
    "a root between separators": ("team-hr-2026", "hr"),
    "a root at the end": ("datasets/commercial", "commercial"),
    "a root with an invisible letter in it": ("h\u200br.pay", "hr"),
    "a root in wide letters": ("\uff28\uff32/pay", "hr"),
}


@pytest.mark.parametrize("case", BETRAYED)
def test_a_prohibited_root_is_called_by_its_name_as(case: str) -> None:
    text, root = BETRAYED[case]
    assert verdict(text) == FloorVerdict(Outcome.PROHIBITED, root)


@pytest.mark.parametrize("text", ["hrvatska", "uhr", "ratings-agency"])
def test_a_word_that_only_begins_or_ends_like_a_short_root_is_not_called_by_its_name(
    text: str,
) -> None:
    assert verdict(text) == FloorVerdict(Outcome.UNKNOWN, None)


def test_the_terms_of_other_taxonomies_are_known() -> None:
    assert verdict("employment.recruitment").key == "hr"
    assert verdict("PersonnelHiring").key == "hr"
    assert verdict("personalize.profiling").key == "hr.scoring"
    assert verdict("essential.fraud_detection").key == "hr.discipline"
    assert verdict("operations").key == "hr.workforce_planning"
    assert verdict("aiact#EmotionRecognition").key == "ai.emotion_inference"
    assert verdict("HighRiskAISystem-AnnexIII-4-a").key == "ai.employment_high_risk"
    assert verdict("SellDataToThirdParties").key == "commercial"


@pytest.mark.parametrize(
    "purpose",
    [None, 0, 1, True, 3.5, b"ai_training.computer_use", [], {}, (), object(), float("nan")]
    + [[key] for key in sorted(ALLOWED)]
    + [{"purpose": key} for key in sorted(ALLOWED)]
    + [(key,) for key in sorted(ALLOWED)],
)
def test_what_is_not_a_text_is_unknown(purpose: object) -> None:
    assert verdict(purpose) == FloorVerdict(Outcome.UNKNOWN, None)


def test_a_text_that_only_pretends_to_be_equal_is_unknown() -> None:
    class Liar(str):
        __slots__ = ()

        def __eq__(self, other: object) -> bool:
            return True

        def __hash__(self) -> int:
            return hash("ai_training.computer_use")

    assert refused(Liar("performance_evaluation"))


@pytest.mark.parametrize("key", sorted(BREAK_GLASS))
def test_breaking_the_glass_is_not_allowed_here(key: str) -> None:
    assert verdict(key) == FloorVerdict(Outcome.UNKNOWN, key)


@pytest.mark.parametrize("word", ["unspecified", "collect", "other", "research", "*", "any", ""])
def test_an_unspecified_purpose_is_unknown(word: str) -> None:
    assert verdict(word) == FloorVerdict(Outcome.UNKNOWN, None)


@pytest.mark.parametrize("key", sorted(ALLOWED))
def test_another_spelling_of_an_allowed_key_is_not_that_key(key: str) -> None:
    spellings = [
        key.upper(),
        key.title(),
        key.capitalize(),
        f" {key}",
        f"{key}\n",
        f"{key}\u200b",
        key.replace(".", "\uff0e"),
        "".join(LOOKALIKES.get(letter, letter) for letter in key),
        key.replace("_", "-").replace(".", "/"),
        key.encode().decode("utf-16-le", "ignore"),
    ]
    assert all(refused(spelling) for spelling in spellings)


@given(st.text())
def test_no_text_but_the_keys_is_allowed(text: str) -> None:
    assert refused(text) or text in LAW_4


@given(st.sampled_from(sorted(ALLOWED)), st.text(min_size=1, max_size=5), st.booleans())
def test_a_prefix_or_suffix_spoils_an_allowed_key(key: str, extra: str, before: bool) -> None:
    assert refused(extra + key if before else key + extra)


@st.composite
def disguised(draw: st.DrawFn, names: list[str]) -> str:
    """A name with its case changed, letters swapped for lookalikes, invisible marks put in."""
    letters = []
    for letter in draw(st.sampled_from(names)):
        changed = draw(st.sampled_from([letter, letter.upper(), LOOKALIKES.get(letter, letter)]))
        wide = chr(ord(changed) + 0xFEE0) if "!" <= changed <= "~" else changed
        letters.append(draw(st.sampled_from([changed, changed, wide])))
        letters.append(draw(st.sampled_from(["", "", "", *INVISIBLE])))
    return "".join(letters)


PLAIN = [name for name in NAMES if name.isascii() and not any(c.isupper() for c in name)]


@given(disguised(PLAIN))
def test_a_disguised_alias_is_still_called_by_its_name(text: str) -> None:
    assert verdict(text).outcome is Outcome.PROHIBITED


@given(disguised(sorted(ALLOWED)))
def test_a_disguised_allowed_key_is_refused_unless_nothing_was_changed(text: str) -> None:
    assert refused(text) or text in LAW_4


@given(st.sampled_from(NAMES), st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
def test_the_unicode_form_of_an_alias_makes_no_difference(name: str, form: str) -> None:
    assert verdict(unicodedata.normalize(form, name)).outcome is Outcome.PROHIBITED  # type: ignore[arg-type]


@given(
    st.recursive(
        st.sampled_from(sorted(ALLOWED)) | st.none() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, min_size=1) | st.dictionaries(st.text(max_size=3), inner),
    ).filter(lambda value: not isinstance(value, str))
)
def test_nothing_nested_is_allowed(value: object) -> None:
    assert verdict(value) == FloorVerdict(Outcome.UNKNOWN, None)


@given(st.text())
def test_the_verdict_never_carries_the_text_that_was_asked(text: str) -> None:
    assert verdict(text).key in {None, *LAW_4, *PROHIBITED, *BREAK_GLASS}


@given(st.one_of(st.text(), st.sampled_from(NAMES)))
def test_a_verdict_is_confirmed_by_its_own_key(text: str) -> None:
    """The log keeps the key; asking the floor again gives the same outcome."""
    judged = verdict(text)
    if judged.key is not None:
        assert verdict(judged.key) == judged


def test_the_constants_cannot_be_changed_at_run_time() -> None:
    with pytest.raises(TypeError):
        TERMS["performance_evaluation"] = TERMS["ai_training.evaluation"]  # type: ignore[index]
    with pytest.raises(AttributeError):
        ALLOWED.add("performance_evaluation")  # type: ignore[attr-defined]


def test_a_very_long_text_is_judged_quickly() -> None:
    assert refused("performance " * 100_000)
    assert refused(string.ascii_letters * 100_000)
