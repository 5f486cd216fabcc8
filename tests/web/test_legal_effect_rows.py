"""What the pages say of a policy's effect is what was computed: words against values (law 8)."""

import re

from hypothesis import given, settings

from app.capture.effect import LESS, MORE, Consequence, GroupEffect
from app.capture.situation import obstacles_in
from app.policy.timeline import History
from app.web.legal.effect_rows import (
    EffectReader,
    EffectRow,
    agreement_in_words,
    effect_headline,
    effect_way,
    people_in_words,
)
from app.web.words.region_words import named
from tests.capture.pasts import (
    CATALOGUE,
    NOW,
    PEOPLE,
    Draft,
    draft_changes,
    effect_on,
    german,
    no_narrower_law,
    pasts,
    publish,
)
from tests.policy.pace import unhurried

NAMES = {"DE": "Germany", "FR": "France", "EU": "European Union", "GLOBAL": "Everywhere"}
READER = EffectReader(NAMES, CATALOGUE)
WORDS = {
    Consequence.SAME: "the same can be captured with this text and without it",
    Consequence.OFF: (
        "with this text and without it capture is off, because "
        r"|capture is off with this text, because (.+); and without it, because (?!\1\.$)"
    ),
    Consequence.OPENS: "capture opens: ",
    Consequence.CLOSES: "everything closes: ",
    Consequence.WIDENS: " wider",
    Consequence.NARROWS: " narrower",
    Consequence.MIXED: "narrower",
}


def said_of(rows: tuple[EffectRow, ...], group: GroupEffect) -> EffectRow:
    """The one row that names this group."""
    home, place, employer = (
        named(code, NAMES)
        for code in (group.group.region, group.group.place, group.group.entity_region)
    )
    who = home + (f", working in {place}" if place != home else "")
    who += f", employed in {employer}" if employer not in {home, place} else ""
    people = (who, people_in_words(group.group.people))
    (row,) = [row for row in rows if people in row.people]
    return row


@settings(unhurried, max_examples=80)
@given(past=pasts(), draft=NOW, people=PEOPLE)
def test_each_stage_is_told_as_what_it_is(
    past: History, draft: Draft, people: list[tuple[str, str, str]]
) -> None:
    effect = effect_on(past, draft, people)
    rows = READER.rows(effect, draft_changes(past, draft))
    for group in effect.groups:
        told = said_of(rows, group).stages
        assert len(told) == len(group.stages)
        for stage, row in zip(group.stages, told, strict=True):
            assert re.search(WORDS[stage.consequence], row.sentence)
            assert (row.way in {"widens", "both"}) == (stage.consequence in MORE)
            assert (row.way in {"narrows", "both"}) == (stage.consequence in LESS)
            assert (row.when == "At once") == (stage.at == effect.since)
            numbers = [int(number) for number in re.findall(r"(\d+) rules? become", row.sentence)]
            assert sum(numbers) == len(stage.changes)
            if stage.consequence is Consequence.OPENS:
                assert not obstacles_in(stage.under, CATALOGUE)


@settings(unhurried, max_examples=80)
@given(past=pasts(), draft=NOW, people=PEOPLE)
def test_the_headline_counts_everybody_concerned_once(
    past: History, draft: Draft, people: list[tuple[str, str, str]]
) -> None:
    effect = effect_on(past, draft, people)
    said = effect_headline(effect)
    if not effect.people:
        assert "Nobody in the directory is concerned" in said
        return
    assert sum(int(number) for number in re.findall(r"(\d+) (?:person|people)", said)) == (
        effect.people
    )
    assert ("wider" in said) == any(group.more for group in effect.groups)
    assert ("narrower" in said) == any(group.less for group in effect.groups)
    ways = {
        "both": "wider" in said and "narrower" in said,
        "widens": "wider" in said and "narrower" not in said,
        "narrows": "narrower" in said and "wider" not in said,
        "same": "wider" not in said and "narrower" not in said,
    }
    assert ways[effect_way(effect)]


@settings(unhurried, max_examples=60)
@given(past=pasts(), draft=NOW, people=PEOPLE)
def test_a_published_change_is_never_told_as_happening_at_once(
    past: History, draft: Draft, people: list[tuple[str, str, str]]
) -> None:
    effect = effect_on(past, draft, people)
    rows = READER.rows(effect, draft_changes(past, draft), past=True)
    assert all(stage.when.startswith("From ") for row in rows for stage in row.stages)


def test_a_region_without_rules_is_told_as_unknown_and_not_as_forbidden() -> None:
    past = publish(no_narrower_law(), german(-1))
    effect = effect_on(past, german(apps=frozenset({"a"})), [("DE", "ZZ", "DE")])
    (row,) = READER.rows(effect, ())
    assert "no rules are recorded here for " in row.stages[0].sentence
    assert "approved" not in row.stages[0].sentence
    assert "basis" not in row.stages[0].sentence


def test_people_at_no_place_are_told_so_and_nothing_is_called_forbidden() -> None:
    past = publish(no_narrower_law(), german(-1))
    effect = effect_on(past, german(apps=frozenset({"a"})), [("DE", "EU", "DE")])
    (row,) = READER.rows(effect, ())
    assert "European Union does not say whose law holds" in row.stages[0].sentence
    assert "approved" not in row.stages[0].sentence


def test_people_who_agreed_before_are_told_of_where_something_becomes_wider() -> None:
    past = publish(no_narrower_law(), german(-1, apps=frozenset({"a"}), cohort_min=5))
    berlin = [("DE", "DE", "DE")]
    kept = "Whoever agreed before stays within what they agreed to until they agree to more"
    assert agreement_in_words(effect_on(past, german(cohort_min=5), berlin)) == f"{kept}."
    assert agreement_in_words(effect_on(past, german(), berlin)) == (
        f"{kept}; what is not agreed to holds for them too: Smallest group asked about."
    )
    assert (
        agreement_in_words(effect_on(past, german(-1, apps=frozenset(), cohort_min=5), berlin))
        == ""
    )


def test_nobody_and_one_person_are_words() -> None:
    assert [people_in_words(number) for number in (0, 1, 2, 1200)] == [
        "nobody at present",
        "1 person",
        "2 people",
        "1,200 people",
    ]
