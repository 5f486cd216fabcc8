"""Words of the employee's pages: plain ones first, the legal term next to them.

Nothing here decides anything: closed lists, and how to join them.
"""

from collections.abc import Iterable, Mapping

from app.kernel.vocabulary import SIGNALS
from app.web.words import log_words, policy_words

MODE_WORDS: Mapping[str, str] = {
    "allow": "captured in full",
    "redact": "captured in part",
    "deny": "not captured",
    "blocked": "blocked",
}

SIGNAL_WORDS: Mapping[str, str] = {
    "pointer": "Pointer movement",
    "click": "Clicks",
    "menu": "Menus",
    "shortcut": "Shortcuts",
    "key_timing": "Typing rhythm",
    "key_content": "Typed text",
    "screenshot": "Screenshots",
    "app_url": "App and address",
}

SENTENCE_WORDS: Mapping[str, str] = {
    "pointer": "pointer",
    "click": "clicks",
    "menu": "menus",
    "shortcut": "shortcuts",
    "key_timing": "typing rhythm",
    "key_content": "typed text",
    "screenshot": "screenshots",
    "app_url": "app in use",
}
"""Signals as they stand in a sentence that begins with "Your"."""

SIGNAL_MEANINGS: Mapping[str, str] = {row.code: row.meaning for row in SIGNALS}

REMAINS: Mapping[str, str] = {row.code: row.remains for row in SIGNALS}
"""What of a signal is captured in mode redact."""

OTHERS_WORDS: Mapping[str, str] = {
    "mail": "Mail",
    "chat": "Chats",
    "meetings": "Meetings",
    "tickets": "Tickets",
    "customer_records": "Customer records",
    "shared_documents": "Shared documents, as soon as somebody else has a part in them",
}
"""In what an app can show other people's words."""

REDACTOR_WORDS: Mapping[str, str] = {
    "account_names": "names of accounts",
    "bank_accounts": "bank account numbers",
    "credentials": "passwords and keys",
    "email_addresses": "e-mail addresses",
    "mail_contents": "contents of mail",
    "national_ids": "national identity numbers",
    "payment_cards": "card numbers",
    "person_names": "names of people",
    "phone_numbers": "phone numbers",
}
"""What is removed from content before it is kept."""

PURPOSE_PHRASES: Mapping[str, str] = {
    "ai_training.computer_use": "training computer-use models",
    "ai_training.evaluation": "testing those models",
    "safeguard.redaction": "removing what should not have been captured",
    "capture.operations": "keeping the capture running",
    "store.security": "protecting the store",
    "rights.fulfilment": "answering you about your own data",
    "audit.compliance": "checking that these rules are kept",
    "legal.order": "an order of a court or an authority",
}

CONFIDENCE_WORDS = policy_words.CONFIDENCE

BASIS_WORDS: Mapping[str, str] = {
    "consent": "your agreement (legal term: consent)",
    "acknowledgement": "your confirmation that you read the notice (legal term: acknowledgement)",
    "notice": "a written notice beforehand (legal term: notice)",
}
"""Bases that rest on something the person reads or does."""

ACT_GLYPHS: Mapping[str, str] = {
    "given": "allow",
    "acknowledged": "allow",
    "refused": "deny",
    "withdrawn": "deny",
    "paused": "pause",
    "resumed": "allow",
    "revoked": "deny",
}

GROUP_WORDS: Mapping[str, str] = {
    "browser": "Browsers",
    "communication": "Mail and chat",
    "crm": "Customers",
    "data": "Data",
    "design": "Design",
    "development": "Development",
    "documents": "Documents",
    "project": "Projects",
    "support": "Support",
}

LANGUAGES: Mapping[str, str] = {"en": "English", "de": "Deutsch"}

shortened = log_words.shortened
counted = policy_words.counted


def listed(words: Iterable[str], last: str = "and") -> str:
    """Join words as people do: ``a``, ``a and b``, ``a, b and c``."""
    return policy_words.listed(list(words), last)


def purpose_phrase(purposes: Iterable[str]) -> str:
    """What captured data is for, as a person would ask: the training, not the upkeep around it."""
    known = list(purposes)
    wanted = [purpose for purpose in known if purpose.startswith("ai_training.")] or known
    ordered = [purpose for purpose in PURPOSE_PHRASES if purpose in wanted]
    # A purpose without words is shown by its key: nobody is told less than what is so (law 8).
    ordered += sorted(set(wanted) - PURPOSE_PHRASES.keys())
    return listed(PURPOSE_PHRASES.get(purpose, purpose) for purpose in ordered) or "no purpose"


def lower_first(sentence: str) -> str:
    """Begin with a small letter, unless the second letter is a capital too (HR, US)."""
    return sentence if sentence[1:2].isupper() else sentence[:1].lower() + sentence[1:]


def upper_first(sentence: str) -> str:
    """Begin with a capital letter."""
    return sentence[:1].upper() + sentence[1:]
