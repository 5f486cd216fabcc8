"""How apps and exclusions are recognised, in words: programs, addresses, fields. Pure.

Rules:
1. A way that the guard does not use is not told: fields and private windows make no app, and a
   browser is an app by addresses alone (policy/catalogue/matching.py).
2. What nothing recognises is told as such.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from app.policy.catalogue.matching import BROWSER
from app.policy.catalogue.model import App, Matchers


@dataclass(frozen=True)
class WaysRow:
    """An app or an exclusion, and how it is recognised."""

    name: str
    ways: tuple[str, ...]


@dataclass(frozen=True)
class MatcherWords:
    """The ways to recognise something, in one language.

    Attributes:
        fields: kinds of fields that have a name of their own in this language.
        nothing: that there is no way.
    """

    program: str
    address: str
    field: str
    fields: Mapping[str, str]
    private: str
    nothing: str


ENGLISH = MatcherWords(
    program="program {}",
    address="address {}",
    field="field of the kind {}",
    fields={},
    private="every private window",
    nothing="in no way",
)

GERMAN = MatcherWords(
    program="Programm {}",
    address="Adresse {}",
    field="Eingabefeld der Art {}",
    fields={
        "password": "Passwort",
        "one_time_code": "Einmalcode",
        "card_number": "Kartennummer",
        "payment_card": "Zahlungskarte",
        "bank_account": "Bankverbindung",
        "national_id": "Ausweis-, Steuer- oder Sozialversicherungsnummer",
        "health": "Gesundheit",
        "secret": "Schlüssel oder Geheimnis",
    },
    private="jedes private Fenster",
    nothing="gar nicht",
)


def ways_in_words(match: Matchers, words: MatcherWords = ENGLISH) -> tuple[str, ...]:
    """Each way to recognise an exclusion, or what changes of one: ``program slack.exe``.

    >>> ways_in_words(Matchers(urls=("*.example.com",), private=True))
    ('address *.example.com', 'every private window')
    >>> ways_in_words(Matchers(fields=("password",)), GERMAN)
    ('Eingabefeld der Art Passwort',)
    """
    kinds = (words.fields.get(name, name.replace("_", " ")) for name in match.fields)
    ways = (
        *(words.program.format(name) for name in (*match.bundle_ids, *match.executables)),
        *(words.address.format(url) for url in match.urls),
        *(words.field.format(kind) for kind in kinds),
        *((words.private,) if match.private else ()),
    )
    return ways or (words.nothing,)


def app_ways_in_words(app: App, words: MatcherWords = ENGLISH) -> tuple[str, ...]:
    """Each way to recognise an app (rule 1).

    >>> chrome = App("chrome", "Chrome", "browser", Matchers(executables=("chrome.exe",)))
    >>> app_ways_in_words(chrome)
    ('in no way',)
    """
    match = replace(app.match, fields=(), private=False)
    if app.group == BROWSER:
        match = replace(match, bundle_ids=(), executables=())
    return ways_in_words(match, words)
