"""How apps and exclusions are recognised, in words: programs, addresses, fields. Pure.

Rules:
1. A way that the guard does not use is not told: fields, private windows, pages and titles make no
   app (app/policy/catalogue/matchers.py). Of a browser it is told that only pages of the other apps
   count in it.
2. What nothing recognises is told as such.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from app.policy.catalogue.model import App, Matchers
from app.policy.catalogue.patterns import ANY_APP


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
    signed: str
    browser: str
    address: str
    page: str
    title: str
    any_title: str
    field: str
    fields: Mapping[str, str]
    private: str
    nothing: str


ENGLISH = MatcherWords(
    program="program {}",
    signed="program {}, signed by {}",
    browser="only pages of the other apps, in the program {}, signed by {}",
    address="address {}",
    page="page {}",
    title="window of {} called {}",
    any_title="window called {}",
    field="field of the kind {}",
    fields={},
    private="every private window",
    nothing="in no way",
)

GERMAN = MatcherWords(
    program="Programm {}",
    signed="Programm {}, signiert von {}",
    browser="nur Seiten der anderen Programme, im Programm {}, signiert von {}",
    address="Adresse {}",
    page="Seite {}",
    title="Fenster von {} namens {}",
    any_title="Fenster namens {}",
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
        *(words.signed.format(*program.split("@", 1)) for program in match.programs),
        *(words.address.format(url) for url in match.urls),
        *(words.page.format(page) for page in match.pages),
        *(_title(title, words) for title in match.titles),
        *(words.field.format(kind) for kind in kinds),
        *((words.private,) if match.private else ()),
    )
    return ways or (words.nothing,)


def app_ways_in_words(app: App, words: MatcherWords = ENGLISH) -> tuple[str, ...]:
    """Each way to recognise an app (rule 1).

    >>> code = App("code", "Code", "development", Matchers(programs=("Code.exe@Example Ltd",)))
    >>> app_ways_in_words(code)
    ('program Code.exe, signed by Example Ltd',)
    """
    if app.browser:
        words = replace(words, signed=words.browser)
    match = replace(app.match, fields=(), private=False, pages=(), titles=())
    return ways_in_words(match, words)


def _title(text: str, words: MatcherWords) -> str:
    app, _, glob = text.partition(": ")
    return words.any_title.format(glob) if app == ANY_APP else words.title.format(app, glob)
