"""What is offered beyond what somebody agreed to, as short lines in the words of a page. Pure."""

from collections.abc import Callable, Iterator
from typing import Any

from app.capture.situation import Situation
from app.policy.catalogue.loosening import beyond
from app.policy.catalogue.model import Catalogue, Matchers
from app.policy.knob_row import Knob
from app.policy.knob_shapes import Modes, NameSet, NameSource, OwnExclusions
from app.policy.knobs import mode_of, retention_of
from app.policy.model import KnobChange
from app.policy.own_exclusions import as_exclusions, read_own
from app.web.employee.decide_words import DecideWords
from app.web.words.knob_words import knob_in_words, member_in_words, value_in_words
from app.web.words.matcher_words import tenant_of_app
from app.web.words.text import lower_first


def wider_in_words(situation: Situation, words: DecideWords) -> tuple[str, ...]:
    """One line for each difference, agreed to and offered; empty where nothing more is offered."""
    more, catalogue = situation.wider, situation.open.catalogue
    registry = situation.open.compiled.registry
    said = [
        line
        for change in more.knobs
        for line in lines(change, registry.rows[change.knob], catalogue, words)
    ]
    said += [f"{catalogue.apps[name].name}: {words.recognised_more}" for name in more.apps]
    said += [
        f"{_exclusion(name, catalogue, words)}: {words.excluded_less}" for name in more.exclusions
    ]
    return tuple(said)


def lines(
    change: KnobChange, row: Knob[object], catalogue: Catalogue, words: DecideWords
) -> tuple[str, ...]:
    """One difference in the words of a page."""
    if isinstance(row.shape, OwnExclusions):
        return tuple(_less_excluded(change, words))
    return (_change(change, row, catalogue, words),)


def _less_excluded(change: KnobChange, words: DecideWords) -> Iterator[str]:
    """The places of the company's own that are excluded no more, or in fewer ways."""
    before, after = (
        {item.id: item for item in as_exclusions(map(read_own, value or ()))}
        for value in (change.before, change.after)
    )
    gone = [item.name for name, item in before.items() if name not in after]
    if gone:
        yield f"{_name(change.knob, words)}: {words.no_longer} {words.listed(gone)}"
    for name, item in before.items():
        if name in after and beyond(item.match, after[name].match) != Matchers():
            yield f"{item.name}: {words.excluded_less}"


def _change(change: KnobChange, row: Knob[object], catalogue: Catalogue, words: DecideWords) -> str:
    name = _name(change.knob, words)
    if isinstance(row.shape, NameSet):
        before, after = set(change.before or ()), set(change.after or ())
        added = sorted(before - after if row.unites else after - before)
        said = words.no_longer if row.unites else words.also
        members = [_member(row.name, row.shape, each, catalogue, words) for each in added]
        return f"{name}: {said} {words.listed(members)}"
    values = [_value(row, value, words) for value in (change.after, change.before)]
    return f"{name}: {f' {words.instead_of} '.join(values)}"


def _name(knob: str, words: DecideWords) -> str:
    for signal, label in words.signals.items():
        if knob == mode_of(signal).name:
            return label
        if knob == retention_of(signal).name:
            return f"{label}, {lower_first(words.columns[2])}"
    return words.knobs.get(knob) or knob_in_words(knob)


def _value(row: Knob[object], value: object, words: DecideWords) -> str:
    if isinstance(row.shape, Modes):
        return words.modes[str(value)]
    if row.name.endswith(".retention_days"):
        return words.kept(int(str(value)))
    read: Callable[[Any], object] = row.shape.read
    return value_in_words(row.name, None if value is None else read(value))


def _member(knob: str, shape: NameSet, name: str, catalogue: Catalogue, words: DecideWords) -> str:
    match shape.known:
        case NameSource.PURPOSES:
            return words.purposes.get(name, name)
        case NameSource.EXCLUSIONS:
            return _exclusion(name, catalogue, words)
        case NameSource.APPS:
            return member_in_words(knob, name, catalogue)
        case NameSource.TENANTS:
            return tenant_of_app(name, catalogue, words.matchers)
        case _:
            return words.redactors.get(name, name.replace("_", " "))


def _exclusion(name: str, catalogue: Catalogue, words: DecideWords) -> str:
    known = catalogue.exclusions.get(name)
    return words.exclusions.get(name) or (known.name if known else name)
