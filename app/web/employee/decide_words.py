"""The words around a notice, in the notice's language: what is offered, and the two choices.

A person who reads the notice in German decides in German. Names of apps stay as the catalogue
writes them; so does a region that has no name here.
"""

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from app.consent.model import Act
from app.kernel.vocabulary import Basis
from app.web.words import matcher_words, text
from app.web.words.matcher_words import MatcherWords


@dataclass(frozen=True)
class DecideWords:
    """Every word of the page that is neither the notice nor data."""

    back: str
    version: str
    lead: str
    at_the_end: str
    offered: str
    columns: tuple[str, str, str, str]
    signals: Mapping[str, str]
    meanings: Mapping[str, str]
    remains: Mapping[str, str]
    in_part: str
    modes: Mapping[str, str]
    never_signal: str
    removed_label: str
    redactors: Mapping[str, str]
    more: str
    more_lead: str
    instead_of: str
    also: str
    no_longer: str
    recognised_more: str
    excluded_less: str
    knobs: Mapping[str, str]
    agree: str
    keep: str
    ends_pause: str
    keep_means: str
    days: tuple[str, str]
    unfold: str
    in_apps: str
    never: str
    never_in_any_app: str
    never_nowhere: str
    exclusions: Mapping[str, str]
    limits_label: str
    purposes_label: str
    purposes: Mapping[str, str]
    rules_of: str
    regions: Mapping[str, str]
    matchers: MatcherWords
    offer_name: str
    nothing: str
    conjunction: str
    decision: str
    yes: str
    no: str
    yes_means: str
    yes_recorded: Mapping[Act, str]
    both_recorded: str
    no_means: str

    def recorded(self, act: Act, content: Iterable[str]) -> str:
        """What a yes is recorded as; where more than consent is asked for, both in one sentence."""
        both = act is Act.GIVEN and Basis.ACKNOWLEDGEMENT.value in content
        return self.both_recorded if both else self.yes_recorded[act]

    def told(self, signal: str, mode: str) -> str:
        """What is captured of a signal in a mode."""
        meaning = self.meanings[signal]
        if mode != "redact":
            return meaning
        return self.remains.get(signal, f"{meaning}, {self.in_part}")

    def removed(self, redactors: Iterable[str]) -> str:
        """What is removed from content before it is kept."""
        return self.listed(self.redactors.get(name, name.replace("_", " ")) for name in redactors)

    def place(self, place: str, name: str) -> str:
        """A place that is never recorded, in this language where it has a name in it."""
        return self.exclusions.get(place, text.lower_first(name))

    def never_recorded(self, places: Mapping[str, str]) -> str:
        """The sentence of a notice that says what is never recorded.

        Args:
            places: names by id.
        """
        if not places:
            return self.never_nowhere
        # Many names hold an "and" of their own.
        names = itertools.starmap(self.place, places.items())
        return self.never_in_any_app.format("; ".join(sorted(names, key=str.casefold)))

    def named(self, regions: Mapping[str, str]) -> dict[str, str]:
        """Regions by code, under their name in this language where it is known."""
        return {code: self.regions.get(code, name) for code, name in regions.items()}

    def kept(self, days: int) -> str:
        """``1 day``, ``14 days``, ``14 Tage``."""
        return f"{days} {self.days[0] if days == 1 else self.days[1]}"

    def listed(self, words: Iterable[str]) -> str:
        """``a, b and c``, ``a, b und c``; for no word: ``nothing``."""
        *first, last = [*words] or [self.nothing]
        return f" {self.conjunction} ".join(part for part in (", ".join(first), last) if part)


_EN = DecideWords(
    back="Your capture",
    version="Notice version",
    lead="Read this, then decide. Both choices are",
    at_the_end="at the end, one click each",
    offered="Exactly what is offered to you",
    columns=("Signal", "Would be captured", "Kept", "Decided by"),
    signals=text.SIGNAL_WORDS,
    meanings=text.SIGNAL_MEANINGS,
    remains=text.REMAINS,
    in_part="with sensitive content removed",
    modes={"allow": "in full", "redact": "in part", "deny": "not now"},
    never_signal="never",
    removed_label="Removed from content",
    redactors=text.REDACTOR_WORDS,
    more="More than you agreed to",
    more_lead="What you agreed to stands. This would come on top:",
    instead_of="instead of",
    also="also",
    no_longer="no longer",
    recognised_more="in more places than you were shown",
    excluded_less="in fewer places than you were shown",
    knobs={},
    agree="Agree to this",
    keep="Keep what I agreed",
    ends_pause="It ends your pause.",
    keep_means="Nothing changes, and this is no refusal. That you were shown this is recorded; no "
    "decision is.",
    days=("day", "days"),
    unfold="Each app and each excluded place unfolds to how it is recognised. An address counts "
    "with everything below it; an asterisk stands for every name in its place, and for none.",
    in_apps="In these apps",
    never="Never",
    never_in_any_app="Never recorded, in any app: {}. Recording any of this would need a new yes "
    "from you.",
    never_nowhere="Beyond that, no place is left out.",
    exclusions={},
    limits_label="Further limits",
    purposes_label="For",
    purposes=text.PURPOSE_PHRASES,
    rules_of="By the rules of",
    regions={},
    matchers=matcher_words.ENGLISH,
    offer_name="Name of this offer",
    nothing="nothing",
    conjunction="and",
    decision="Your decision",
    yes="Capture me",
    no="Do not capture me",
    yes_means="What is listed above is captured, from the next check of your laptop on. You can "
    "stop or pause with one click, at any time.",
    yes_recorded={
        Act.GIVEN: "The record says: consent given.",
        Act.ACKNOWLEDGED: "The record says: notice read and acknowledged.",
    },
    both_recorded="With this click you also confirm that you read the notice. "
    "The record says: notice read and acknowledged, and consent given.",
    no_means="Nothing is captured. You need give no reason, and it must bring you no disadvantage. "
    "The record says: consent refused.",
)

_DE = DecideWords(
    back="Ihre Erfassung",
    version="Hinweis, Fassung",
    lead="Lesen Sie dies und entscheiden Sie dann. Beide Möglichkeiten stehen",
    at_the_end="am Ende, je ein Klick",
    offered="Was Ihnen genau angeboten wird",
    columns=("Signal", "Würde erfasst", "Aufbewahrt", "Festgelegt von"),
    signals={
        "pointer": "Zeigerbewegung",
        "click": "Klicks",
        "menu": "Menüs",
        "shortcut": "Tastenkürzel",
        "key_timing": "Tipprhythmus",
        "key_content": "Getippter Text",
        "screenshot": "Bildschirmfotos",
        "app_url": "Programm und Adresse",
    },
    meanings={
        "pointer": "wohin der Zeiger geht",
        "click": "was angeklickt wird",
        "menu": "welche Menüpunkte gewählt werden",
        "shortcut": "welche Tastenkombinationen gedrückt werden",
        "key_timing": "wann Tasten gedrückt werden, nicht welche",
        "key_content": "was getippt wird",
        "screenshot": "Bilder des benutzten Fensters",
        "app_url": "welches Programm oder welche Seite benutzt wird",
    },
    remains={
        "pointer": "wann sich der Zeiger bewegt, nicht wohin",
        "click": "dass und wann geklickt wird, nicht was",
        "menu": "dass und wann ein Menü benutzt wird, nicht welcher Punkt",
        "shortcut": "dass und wann ein Tastenkürzel gedrückt wird, nicht welche Tasten",
        "key_timing": "wann das Tippen beginnt und endet, nicht der Rhythmus",
    },
    in_part="ohne schutzbedürftige Inhalte",
    modes={"allow": "ganz", "redact": "zum Teil", "deny": "derzeit nicht"},
    never_signal="nie",
    removed_label="Aus Inhalten entfernt",
    redactors={
        "account_names": "Kontonamen",
        "bank_accounts": "Bankverbindungen",
        "credentials": "Passwörter und Schlüssel",
        "email_addresses": "E-Mail-Adressen",
        "mail_contents": "Inhalte von E-Mails",
        "national_ids": "Ausweis- und Sozialversicherungsnummern",
        "payment_cards": "Kartennummern",
        "person_names": "Namen von Personen",
        "phone_numbers": "Telefonnummern",
    },
    more="Mehr, als Sie zugesagt haben",
    more_lead="Was Sie zugesagt haben, gilt weiter. Dies käme hinzu:",
    instead_of="statt",
    also="auch",
    no_longer="nicht mehr",
    recognised_more="an mehr Stellen, als Ihnen gezeigt wurde",
    excluded_less="an weniger Stellen, als Ihnen gezeigt wurde",
    knobs={
        "apps": "Programme",
        "tenants": "Konten des Unternehmens",
        "own_exclusions": "Vom Unternehmen ausgenommen",
        "purposes": "Zwecke",
        "exclusions": "Nie erfasst",
        "redactors": "Aus Inhalten entfernt",
        "hours": "Uhrzeiten",
        "off_hours": "Außerhalb dieser Zeiten",
        "personal_device": "Auf einem eigenen Gerät",
        "counterparty": "Wo Worte anderer zu sehen sind",
        "screenshot_min_interval_s": "Zwischen zwei Bildschirmfotos",
    },
    agree="Dem zustimmen",
    keep="Bei meiner Zusage bleiben",
    ends_pause="Das beendet Ihre Pause.",
    keep_means="Nichts ändert sich, und dies ist keine Ablehnung. Festgehalten wird, dass Ihnen "
    "dies gezeigt wurde, aber keine Entscheidung.",
    days=("Tag", "Tage"),
    unfold="Jedes Programm und jeder ausgenommene Ort lässt sich aufklappen und zeigt, woran er "
    "erkannt wird. Eine Adresse gilt mit allem, was unter ihr liegt; ein Stern steht für jeden "
    "Namen an seiner Stelle, auch für keinen.",
    in_apps="In diesen Programmen",
    never="Nie",
    never_in_any_app="Nie aufgezeichnet, in keiner App: {}. Etwas davon aufzuzeichnen, ginge nur "
    "mit einem neuen Ja von Ihnen.",
    never_nowhere="Darüber hinaus ist kein Ort ausgenommen.",
    exclusions={
        "password_fields": "Passwortfelder",
        "one_time_codes": "Einmalcodes",
        "password_managers": "Passwortverwaltung",
        "banking": "Bank und Zahlung",
        "health": "Gesundheit",
        "hr_payroll": "Personal und Gehalt",
        "union": "Gewerkschaft und Personalvertretung",
        "private_browsing": "private Fenster",
        "personal_mail": "private Post",
        "personal_messaging": "private Nachrichten und soziale Netze",
        "personal_files": "private Dateien und Bilder",
        "dating": "Partnersuche",
        "job_search": "Stellensuche",
        "legal_counsel": "Rechtsrat und Hinweise auf Missstände",
        "tax": "Steuern und Sozialversicherung",
        "performance_reviews": "Leistungsbeurteilungen",
        "recruiting": "Bewerbungen und Einstellungen",
        "direct_messages": "Direktnachrichten",
        "sign_in": "Anmeldung und zweiter Faktor",
        "admin_consoles": "Verwaltungskonsolen",
        "personal_settings": "persönliche Einstellungen und Schlüssel",
    },
    limits_label="Weitere Grenzen",
    purposes_label="Wofür",
    purposes={
        "ai_training.computer_use": "Training von Modellen zur Bedienung von Computern",
        "ai_training.evaluation": "Prüfung dieser Modelle",
        "safeguard.redaction": "Entfernen, was nicht hätte erfasst werden sollen",
        "capture.operations": "Betrieb der Erfassung",
        "store.security": "Schutz des Speichers",
        "rights.fulfilment": "Auskunft an Sie über Ihre eigenen Daten",
        "audit.compliance": "Prüfung, ob diese Regeln eingehalten werden",
        "legal.order": "Anordnung eines Gerichts oder einer Behörde",
    },
    rules_of="Nach den Regeln von",
    regions={
        "GLOBAL": "Überall",
        "EU": "Europäische Union und EWR",
        "DE": "Deutschland",
        "FR": "Frankreich",
        "GB": "Vereinigtes Königreich",
        "US": "Vereinigte Staaten",
        "US-NY": "New York",
        "US-CA": "Kalifornien",
        "IN": "Indien",
        "NO": "Norwegen",
    },
    matchers=matcher_words.GERMAN,
    offer_name="Name dieses Angebots",
    nothing="nichts",
    conjunction="und",
    decision="Ihre Entscheidung",
    yes="Erfassen",
    no="Nicht erfassen",
    yes_means="Erfasst wird, was oben steht, ab der nächsten Anfrage Ihres Laptops. Sie können "
    "jederzeit mit einem Klick beenden oder unterbrechen.",
    yes_recorded={
        Act.GIVEN: "Festgehalten wird: Einwilligung erteilt.",
        Act.ACKNOWLEDGED: "Festgehalten wird: Hinweis gelesen und zur Kenntnis genommen.",
    },
    both_recorded="Mit diesem Klick bestätigen Sie auch, dass Sie den Hinweis gelesen haben. "
    "Festgehalten wird: Hinweis gelesen und zur Kenntnis genommen, und Einwilligung erteilt.",
    no_means="Nichts wird erfasst. Sie müssen keinen Grund nennen, und es darf Ihnen kein Nachteil "
    "entstehen. Festgehalten wird: Einwilligung verweigert.",
)

_WORDS: Mapping[str, DecideWords] = {"en": _EN, "de": _DE}


def decide_words(language: str) -> DecideWords:
    """The words of a language; English if a notice is in a language that is not known here."""
    return _WORDS.get(language, _EN)
