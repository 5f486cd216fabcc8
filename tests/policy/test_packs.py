"""Strict files: what is wrong is named with its line and a cure, all of it at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.access.floor.terms import PROHIBITED
from app.kernel.errors import Fault, Unreadable
from app.policy.law.layer import CompanyPolicy
from app.policy.law.packs import PolicyTexts
from tests.policy.house import GERMAN, policy_text
from tests.policy.pace import unhurried


def faults(texts: PolicyTexts, text: str | bytes, region: str = "DE") -> tuple[Fault, ...]:
    with pytest.raises(Unreadable) as caught:
        texts.read_company_policy(text, region)
    assert caught.value.faults
    return caught.value.faults


# A company policy for DE, whose text is wrong in one place: field, place, part of the problem.
WRONG: dict[str, tuple[str, str, str, str]] = {
    "an unknown key": (
        "region: DE\nknobs: {}\nowner: me",
        "owner",
        "line 3, column 1",
        "not known",
    ),
    "an unknown knob": (
        "region: DE\nknobs:\n  covert: {value: allow}",
        "knobs.covert",
        "line 3, column 3",
        "not known",
    ),
    "an unknown part of a knob": (
        "region: DE\nknobs:\n  cohort_min: {value: 1, note: x}",
        "knobs.cohort_min.note",
        "line 3, column 26",
        "not known",
    ),
    "an unknown signal": (
        "region: DE\nknobs: {signals: {mouse: {mode: deny}}}",
        "knobs.signals.mouse",
        "line 2, column 19",
        "not known",
    ),
    "a key given twice": (
        "region: DE\nknobs: {}\nregion: DE",
        "region",
        "line 3, column 1",
        "twice",
    ),
    "a knob given twice": (
        "region: DE\nknobs:\n  cohort_min: {value: 1}\n  cohort_min: {value: 2}",
        "knobs.cohort_min",
        "line 4, column 3",
        "twice",
    ),
    "no region": ("knobs: {}", "region", "line 1, column 1", "missing"),
    "no knobs": ("region: DE", "knobs", "line 1, column 1", "missing"),
    "another region": ("region: FR\nknobs: {}", "region", "line 1, column 9", "not DE"),
    "no region at all": ("region: Bavaria\nknobs: {}", "region", "line 1, column 9", "no region"),
    "a region in lower case": ("region: de\nknobs: {}", "region", "line 1, column 9", "no region"),
    "a list for a mapping": ("- a", "", "line 1, column 1", "not a mapping"),
    "a text for a mapping": ("hello", "", "line 1, column 1", "not a mapping"),
    "a text for a list": (
        "region: DE\nknobs: {apps: {value: github}}",
        "knobs.apps.value",
        "line 2, column 23",
        "not a list",
    ),
    "a number for a text": (
        "region: DE\nname: 12\nknobs: {}",
        "name",
        "line 2, column 7",
        "not a text",
    ),
    "true for a text": (
        "region: DE\nname: true\nknobs: {}",
        "name",
        "line 2, column 7",
        "not a text",
    ),
    "nothing for a text": (
        "region: DE\nname:\nknobs: {}",
        "name",
        "line 2, column 6",
        "not a text",
    ),
    "a text for a number": (
        'region: DE\nknobs: {cohort_min: {value: "1"}}',
        "knobs.cohort_min.value",
        "line 2, column 29",
        "whole number",
    ),
    "a fraction for a number": (
        "region: DE\nknobs: {cohort_min: {value: 1.5}}",
        "knobs.cohort_min.value",
        "line 2, column 29",
        "whole number",
    ),
    "an octal number": (
        "region: DE\nknobs: {lease_ttl_s: {value: 0600}}",
        "knobs.lease_ttl_s.value",
        "line 2, column 30",
        "whole number",
    ),
    "minutes and seconds, which YAML takes for a number": (
        "region: DE\nknobs: {lease_ttl_s: {value: 15:00}}",
        "knobs.lease_ttl_s.value",
        "line 2, column 30",
        "whole number",
    ),
    "a negative number": (
        "region: DE\nknobs: {lease_ttl_s: {value: -1}}",
        "knobs.lease_ttl_s.value",
        "line 2, column 30",
        "whole number",
    ),
    "a number out of range": (
        "region: DE\nknobs: {lease_ttl_s: {value: 0}}",
        "knobs.lease_ttl_s.value",
        "line 2, column 30",
        "out of range",
    ),
    "an unknown mode": (
        "region: DE\nknobs: {off_hours: {value: maybe}}",
        "knobs.off_hours.value",
        "line 2, column 28",
        "no mode",
    ),
    "a signal that says nothing": (
        "region: DE\nknobs: {signals: {click: {cite: x}}}",
        "knobs.signals.click",
        "line 2, column 26",
        "says nothing",
    ),
    "an unknown app": (
        "region: DE\nknobs: {apps: {value: [solitaire]}}",
        "knobs.apps.value[0]",
        "line 2, column 24",
        "no app of the catalogue",
    ),
    "an app named twice": (
        "region: DE\nknobs: {apps: {value: [github, github]}}",
        "knobs.apps.value[1]",
        "line 2, column 32",
        "twice",
    ),
    "an unknown exclusion": (
        "region: DE\nknobs: {exclusions: {value: [beach]}}",
        "knobs.exclusions.value[0]",
        "line 2, column 30",
        "no exclusion",
    ),
    "an unknown redactor": (
        "region: DE\nknobs: {redactors: {value: [magic]}}",
        "knobs.redactors.value[0]",
        "line 2, column 29",
        "no redactor",
    ),
    "an unknown precondition": (
        "region: DE\nknobs: {preconditions: {value: [luck]}}",
        "knobs.preconditions.value[0]",
        "line 2, column 33",
        "no precondition",
    ),
    "an unknown basis": (
        "region: DE\nknobs: {bases: {value: [whim]}}",
        "knobs.bases.value[0]",
        "line 2, column 25",
        "no basis",
    ),
    "an unknown approver": (
        "region: DE\nknobs: {approver_roles: {value: [boss]}}",
        "knobs.approver_roles.value[0]",
        "line 2, column 34",
        "no role",
    ),
    "a purpose beyond the closed list": (
        "region: DE\nknobs: {purposes: {value: [performance_evaluation]}}",
        "knobs.purposes.value[0]",
        "line 2, column 28",
        "no purpose that can be allowed",
    ),
    "hours that end before they begin": (
        'region: DE\nknobs: {hours: {value: {mon: "18-08"}}}',
        "knobs.hours.value.mon",
        "line 2, column 30",
        "ends before",
    ),
    "hours that are none": (
        'region: DE\nknobs: {hours: {value: {mon: "8 to 6"}}}',
        "knobs.hours.value.mon",
        "line 2, column 30",
        "no span of hours",
    ),
    "a day that is no day of the week": (
        'region: DE\nknobs: {hours: {value: {holiday: "08-18"}}}',
        "knobs.hours.value.holiday",
        "line 2, column 25",
        "not known",
    ),
    "a date that does not exist": (
        "region: DE\nvalid_from: 2026-02-30\nknobs: {}",
        "valid_from",
        "line 2, column 13",
        "not a day",
    ),
    "a time for a date": (
        "region: DE\nvalid_from: 2026-02-03T00:00:00Z\nknobs: {}",
        "valid_from",
        "line 2, column 13",
        "not a day",
    ),
    "an end before the beginning": (
        "region: DE\nvalid_from: 2026-02-03\nvalid_to: 2026-02-02\nknobs: {}",
        "valid_to",
        "line 3, column 11",
        "before",
    ),
    "evidence without a digest": (
        "region: DE\nknobs: {}\nevidence: [{kind: dpia, reference: D1}]",
        "evidence[0].sha256",
        "line 3, column 12",
        "missing",
    ),
    "evidence with half a digest": (
        "region: DE\nknobs: {}\nevidence: [{kind: dpia, reference: D1, sha256: abc}]",
        "evidence[0].sha256",
        "line 3, column 48",
        "SHA-256",
    ),
    "evidence of an unknown kind": (
        f"region: DE\nknobs: {{}}\nevidence: [{{kind: nod, reference: D1, sha256: '{'a' * 64}'}}]",
        "evidence[0].kind",
        "line 3, column 19",
        "no precondition",
    ),
    "an anchor": ("region: &r DE\nknobs: {}", "", "line 1, column 9", "anchor"),
    "an alias": ("region: DE\nname: *r\nknobs: {}", "", "line 2, column 7", "alias"),
    "a tag": ("region: !!str DE\nknobs: {}", "", "line 1, column 9", "tag"),
    "a tag that would run code": (
        "region: DE\nknobs: !!python/object/apply:os.system [id]",
        "",
        "line 2, column 8",
        "tag",
    ),
    "a merge key": ("region: DE\nknobs: {}\n<<: {name: x}", "", "line 3, column 1", "not a text"),
    "a second document": ("region: DE\nknobs: {}\n---\na: b", "", "line 3", "second document"),
    "a tab for indentation": ("region: DE\nknobs:\n\tcohort_min: 1", "", "line 3", "not readable"),
    "an open bracket": ("region: DE\nknobs: {apps: {value: [", "", "line 2", "not readable"),
    "nothing": ("", "", "", "empty"),
    "only a comment": ("# later", "", "", "empty"),
    "a character that YAML forbids": ("region: DE\nname: a\x07b", "", "", "not readable"),
}


@pytest.mark.parametrize(("text", "field", "place", "problem"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_named(
    texts: PolicyTexts, text: str, field: str, place: str, problem: str
) -> None:
    found = faults(texts, text)
    assert len(found) == 1
    assert field in found[0].field
    assert place in found[0].problem
    assert problem in found[0].problem
    assert found[0].cure


def test_all_problems_of_a_text_are_reported_together(texts: PolicyTexts) -> None:
    text = (
        "region: FR\nowner: me\nknobs:\n  cohort_min: {value: -1}\n  apps: {value: [solitaire]}\n"
    )
    assert [fault.field for fault in faults(texts, text)] == [
        "owner",
        "region",
        "knobs.cohort_min.value",
        "knobs.apps.value[0]",
    ]


@pytest.mark.parametrize("purpose", sorted(PROHIBITED))
def test_no_prohibited_purpose_can_be_in_a_layer(texts: PolicyTexts, purpose: str) -> None:
    text = policy_text("DE", {"purposes": {"value": [purpose]}})
    assert "no purpose that can be allowed" in faults(texts, text)[0].problem


class TestHostileBytes:
    def test_more_than_64_kilobytes(self, texts: PolicyTexts) -> None:
        assert "65536" in faults(texts, "#" * 70_000)[0].cure

    def test_not_utf_8(self, texts: PolicyTexts) -> None:
        assert "line 2: not UTF-8" in faults(texts, b"region: DE\nname: caf\xe9\n")[0].problem

    def test_utf_16(self, texts: PolicyTexts) -> None:
        assert faults(texts, GERMAN.encode("utf-16"))

    def test_a_lone_surrogate_from_a_page(self, texts: PolicyTexts) -> None:
        assert texts.read_company_policy(f"name: x\ud800y\n{GERMAN}", "DE").name == "x?y"

    @pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
    def test_nesting_without_end(self, texts: PolicyTexts, opening: str) -> None:
        assert faults(texts, opening * 20_000)

    def test_a_billion_laughs(self, texts: PolicyTexts) -> None:
        text = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"
        assert "anchor" in faults(texts, text)[0].problem

    @unhurried
    @given(st.text(max_size=200))
    def test_no_text_at_all_makes_it_fail_otherwise(self, texts: PolicyTexts, text: str) -> None:
        faults(texts, text)

    @unhurried
    @given(st.binary(max_size=200))
    def test_no_bytes_at_all_make_it_fail_otherwise(self, texts: PolicyTexts, data: bytes) -> None:
        faults(texts, data)

    @unhurried
    @given(st.data())
    def test_one_changed_character_never_makes_it_fail_otherwise(
        self, texts: PolicyTexts, data: st.DataObject
    ) -> None:
        place = data.draw(st.integers(0, len(GERMAN) - 1))
        changed = GERMAN[:place] + data.draw(st.characters()) + GERMAN[place + 1 :]
        try:
            policy = texts.read_company_policy(changed, "DE")
        except Unreadable:
            return
        assert CompanyPolicy.read(policy.body) == policy
