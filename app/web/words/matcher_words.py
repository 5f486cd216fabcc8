"""How apps and exclusions are recognised, in words: programs, addresses, fields. Pure.

Rules:
1. A way that the guard does not use is not told: fields, private windows, pages and titles make no
   app (app/policy/catalogue/matchers.py). Of a browser it is told that only pages of the other apps
   count in it.
2. What nothing recognises is told as such.
3. Where private people use an app, too, it is told in which accounts it counts.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from app.policy.catalogue.model import App, Catalogue, Matchers
from app.policy.catalogue.patterns import ANY_APP
from app.policy.tenants import TenantKind, read_tenant


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
        tenants: what an account of the company's is called, by kind.
        only: that an app counts in these accounts only.
        nowhere: that it counts in none, because none is named.
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
    tenants: Mapping[TenantKind, str]
    only: str
    nowhere: str


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
    tenants={
        TenantKind.ADDRESS: "pages of {}",
        TenantKind.DOMAIN: "accounts of {}",
        TenantKind.ACCOUNT: "account {}",
    },
    only="only in the company's accounts: {}",
    nowhere="captured nowhere, because no account of the company's is named",
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
    tenants={
        TenantKind.ADDRESS: "Seiten unter {}",
        TenantKind.DOMAIN: "Konten von {}",
        TenantKind.ACCOUNT: "Konto {}",
    },
    only="nur in Konten des Unternehmens: {}",
    nowhere="wird nirgends erfasst, weil kein Konto des Unternehmens genannt ist",
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


def tenant_in_words(text: str, words: MatcherWords = ENGLISH) -> str:
    """An account of the company's, without its app.

    >>> tenant_in_words("slack: account acme"), tenant_in_words("docs: domain example.com", GERMAN)
    ('account acme', 'Konten von example.com')
    """
    tenant = read_tenant(text)
    return words.tenants[tenant.kind].format(tenant.value)


def tenant_of_app(text: str, catalogue: Catalogue, words: MatcherWords = ENGLISH) -> str:
    """An account of the company's, with the name of its app.

    >>> tenant_of_app("slack: account acme", Catalogue({}, {}))
    'slack: account acme'
    """
    app = read_tenant(text).app
    name = catalogue.apps[app].name if app in catalogue.apps else app
    return f"{name}: {tenant_in_words(text, words)}"


def accounts_in_words(
    app: App, tenants: Iterable[str], words: MatcherWords = ENGLISH
) -> tuple[str, ...]:
    """In which accounts an app counts, as one more line; none where no account decides.

    >>> slack = App("slack", "Slack", "communication", Matchers(), private_accounts=True)
    >>> accounts_in_words(slack, ["slack: account acme", "docs: domain example.com"])
    ("only in the company's accounts: account acme",)
    """
    if not app.private_accounts:
        return ()
    ours = [text for text in sorted(tenants) if read_tenant(text).app == app.id]
    named = ", ".join(tenant_in_words(text, words) for text in ours)
    return (words.only.format(named) if ours else words.nowhere,)


def _title(text: str, words: MatcherWords) -> str:
    app, _, glob = text.partition(": ")
    return words.any_title.format(glob) if app == ANY_APP else words.title.format(app, glob)
