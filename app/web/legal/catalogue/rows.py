"""The app catalogue in words: what is in force, what would loosen. Pure: values in, words out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from app.kernel.authority import Role
from app.policy.catalogue.loosening import LooseningKind
from app.policy.catalogue.model import (
    APPROVED,
    DECLINED,
    ITS_REGION,
    PROPOSED,
    SHIPPED,
    App,
    Catalogue,
    CatalogueStep,
)
from app.policy.changes.model import WaitingCatalogue
from app.web.words.matcher_words import app_ways_in_words, ways_in_words
from app.web.words.policy_words import counted
from app.web.words.text import GROUP_WORDS, OTHERS_WORDS

WHO = str(Role("legal", ITS_REGION))
"""Who proposes and approves."""


@dataclass(frozen=True)
class LooseningRow:
    """One thing that the waiting catalogue loosens, as a sentence, and the ways it is about."""

    sentence: str
    ways: tuple[str, ...]


@dataclass(frozen=True)
class CatalogueEntryRow:
    """An app or an exclusion of the catalogue.

    Attributes:
        ways: how it is recognised.
        notes: what else the catalogue says of it, how its names were checked last.
    """

    name: str
    ways: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class CatalogueStepRow:
    """What was done, by whom, and why."""

    sentence: str
    note: str
    at: datetime


@dataclass(frozen=True)
class WaitingRows:
    """What waits, in words.

    Attributes:
        loosened: what it would loosen.
        added: names of new apps that no policy lists yet; they come with it.
    """

    headline: str
    loosened: tuple[LooseningRow, ...]
    added: tuple[str, ...]


def waiting_rows(waiting: WaitingCatalogue, in_force: Catalogue) -> WaitingRows:
    """Say what approval would bring."""
    named = {one.id for one in waiting.loosened}
    new = waiting.catalogue.apps.keys() - in_force.apps.keys() - named
    return WaitingRows(
        headline=_headline(waiting),
        loosened=tuple(
            LooseningRow(_SENTENCES[one.kind].format(name=one.name), ways_in_words(one.ways))
            for one in waiting.loosened
        ),
        added=tuple(sorted(waiting.catalogue.apps[name].name for name in new)),
    )


def _headline(waiting: WaitingCatalogue) -> str:
    people = "two people" if waiting.proposed is None else "a second person"
    return f"A looser app catalogue waits for {people} of legal."


_SENTENCES: Mapping[LooseningKind, str] = {
    LooseningKind.APP_AGAIN: "{name} would be an app again:",
    LooseningKind.WIDER_APP: "{name} would be recognised in more ways:",
    LooseningKind.BROWSER_AS_APP: "{name} would no longer count as a browser. The program alone "
    "would be an app:",
    LooseningKind.OTHERS_WORDS: "{name} would no longer count as an app that shows what other "
    "people write:",
    LooseningKind.BECOMES_BROWSER: "{name} would count as a browser, so pages in it count:",
    LooseningKind.PRIVATE_ACCOUNTS: "{name} would be captured in any account, in the company's or "
    "not:",
    LooseningKind.EXCLUSION_GONE: "{name} would no longer be excluded:",
    LooseningKind.NARROWER_EXCLUSION: "{name} would exclude less. No longer excluded:",
}


def app_rows(catalogue: Catalogue) -> tuple[tuple[str, tuple[CatalogueEntryRow, ...]], ...]:
    """The apps by their groups, by name."""

    def group(app: App) -> str:
        return GROUP_WORDS.get(app.group, app.group)

    ordered = sorted(catalogue.apps.values(), key=lambda app: (group(app), app.name.casefold()))
    return tuple(
        (
            name,
            tuple(
                CatalogueEntryRow(app.name, app_ways_in_words(app), _notes(app)) for app in members
            ),
        )
        for name, members in groupby(ordered, key=group)
    )


def exclusion_rows(catalogue: Catalogue) -> tuple[CatalogueEntryRow, ...]:
    """The exclusions by name."""
    ordered = sorted(catalogue.exclusions.values(), key=lambda item: item.name.casefold())
    return tuple(
        CatalogueEntryRow(item.name, ways_in_words(item.match), (item.why, *_checked(item.source)))
        for item in ordered
    )


def _notes(app: App) -> tuple[str, ...]:
    """What the catalogue says of an app besides how it is recognised."""
    return (
        *((f"Shows other people's words: {OTHERS_WORDS[app.others]}.",) if app.others else ()),
        *(("Counts in the company's own accounts only.",) if app.private_accounts else ()),
        *_checked(app.source),
    )


def _checked(source: str) -> tuple[str, ...]:
    return (f"How we checked the names: {source}",) if source else ()


def step_rows(
    steps: Iterable[CatalogueStep], names: Mapping[str, str]
) -> tuple[CatalogueStepRow, ...]:
    """What was done about catalogues that waited, in the order given."""
    return tuple(
        CatalogueStepRow(_step_in_words(step, names), step.note, step.at) for step in steps
    )


def _step_in_words(step: CatalogueStep, names: Mapping[str, str]) -> str:
    if step.step == SHIPPED:
        if step.digest == step.base:
            return "A service started with files that loosen nothing; nothing waits any more"
        return "A service started with files that loosen the catalogue"
    word = {PROPOSED: "Proposed", DECLINED: "Declined", APPROVED: "Approved and put in force"}
    return f"{word[step.step]} by {names.get(step.actor, step.actor)}"


def people_in(steps: Iterable[CatalogueStep]) -> frozenset[str]:
    """The ids of everybody who did something."""
    return frozenset(step.actor for step in steps if step.step != SHIPPED)


def why_not(waiting: WaitingCatalogue, person_id: str, *, may: bool) -> str:
    """Why this person cannot do the next step; empty if they can.

    Args:
        waiting: what waits.
        person_id: who looks at the page.
        may: whether they have the right to the next step.
    """
    if waiting.disputed:
        return (
            "The record of what was decided about it does not agree with the log: somebody may "
            "have changed the database. It waits until two people have cleared the alarm."
        )
    if waiting.proposed is not None and waiting.proposed.person == person_id:
        return "You proposed this catalogue. Somebody else has to approve it."
    if not may:
        step = "propose" if waiting.proposed is None else "approve or decline"
        return f"You may look here. To {step} it you need the role {WHO}."
    return ""


def in_brief(catalogue: Catalogue) -> str:
    """How much there is: ``43 apps and 12 exclusions``."""
    apps, exclusions = len(catalogue.apps), len(catalogue.exclusions)
    return f"{counted(apps, 'app')} and {counted(exclusions, 'exclusion')}"
