"""Field words of HTML: ``type``, ``autocomplete`` and ``inputmode`` of the focused element (pure).

Source: HTML Living Standard (WHATWG), §4.10.5 (states of the type attribute), §4.10.18.7 (autofill)
and §6.8.8 (inputmode).
"""

import re

from app.event.fields.table import FieldTable, strictest
from app.kernel.vocabulary import FieldKind

INPUT_TYPES: dict[str, FieldKind | None] = {
    "text": FieldKind.TEXT,
    "search": FieldKind.SEARCH,
    "tel": FieldKind.PHONE_NUMBER,
    "url": FieldKind.TEXT,
    "email": FieldKind.EMAIL_ADDRESS,
    "password": FieldKind.PASSWORD,
    "date": FieldKind.TEXT,
    "month": FieldKind.TEXT,
    "week": FieldKind.TEXT,
    "time": FieldKind.TEXT,
    "datetime-local": FieldKind.TEXT,
    "number": FieldKind.TEXT,
    "textarea": FieldKind.TEXT,
    "select-one": FieldKind.TEXT,
    "select-multiple": FieldKind.TEXT,
    "contenteditable": FieldKind.TEXT,
    "range": FieldKind.NONE,
    "color": FieldKind.NONE,
    "checkbox": FieldKind.NONE,
    "radio": FieldKind.NONE,
    "file": FieldKind.NONE,
    "submit": FieldKind.NONE,
    "image": FieldKind.NONE,
    "reset": FieldKind.NONE,
    "button": FieldKind.NONE,
    "hidden": FieldKind.UNKNOWN,  # it cannot have the focus, so whoever says so is mistaken
}
"""The DOM property ``type`` of the element; ``contenteditable`` for an element that is edited
itself."""

_ADDRESSES = (
    "street-address",
    "address-line1",
    "address-line2",
    "address-line3",
    "address-level4",
    "address-level3",
    "address-level2",
    "address-level1",
    "country",
    "country-name",
    "postal-code",
)
_NAMES = (
    "name",
    "honorific-prefix",
    "given-name",
    "additional-name",
    "family-name",
    "honorific-suffix",
    "nickname",
)
_CARDS = (
    "cc-name",
    "cc-given-name",
    "cc-additional-name",
    "cc-family-name",
    "cc-number",
    "cc-exp",
    "cc-exp-month",
    "cc-exp-year",
    "cc-csc",
    "cc-type",
    "transaction-currency",
    "transaction-amount",
)
_ABOUT_THE_PERSON = (
    "organization-title",
    "organization",
    "language",
    "bday",
    "bday-day",
    "bday-month",
    "bday-year",
    "sex",
    "url",
    "photo",
)
_PHONES = (
    "tel",
    "tel-country-code",
    "tel-national",
    "tel-area-code",
    "tel-local",
    "tel-local-prefix",
    "tel-local-suffix",
    "tel-extension",
)
CONTACTS = (*_PHONES, "email", "impp")
"""The fields that may be of the home, of work, of a mobile telephone, a fax or a pager."""

AUTOFILL_FIELDS: dict[str, FieldKind | None] = {
    **dict.fromkeys((*_NAMES, *_ADDRESSES, *_ABOUT_THE_PERSON, "impp"), FieldKind.PERSONAL),
    **dict.fromkeys(_PHONES, FieldKind.PHONE_NUMBER),
    **dict.fromkeys(_CARDS, FieldKind.PAYMENT_CARD),
    "email": FieldKind.EMAIL_ADDRESS,
    "username": FieldKind.USERNAME,
    "new-password": FieldKind.PASSWORD,
    "current-password": FieldKind.PASSWORD,
    "one-time-code": FieldKind.ONE_TIME_CODE,
    "webauthn": FieldKind.UNKNOWN,  # alone it says "a sign-in", not which part of one
}
"""The field names of ``autocomplete``, all of them."""

SWITCHES = ("on", "off")
"""Values that only say whether a browser may fill the field in."""

INPUT_MODES: dict[str, FieldKind | None] = {
    "tel": FieldKind.PHONE_NUMBER,
    "email": FieldKind.EMAIL_ADDRESS,
    "search": FieldKind.SEARCH,
    "none": None,
    "text": None,
    "url": None,
    "numeric": None,
    "decimal": None,
}

_SPACE = re.compile(r"[\t\n\f\r ]+")
_DETAIL = re.compile(
    r"(section-\S* )?((shipping|billing) )?"
    r"(?P<contact>(home|work|mobile|fax|pager) )?(?P<name>\S+?)( webauthn)?"
)
"""The tokens of ``autocomplete`` in their order, one space between two (§4.10.18.7.1)."""

_STANDARD = "HTML Living Standard (WHATWG)"
NOTE = """\
Letters may be in any case. The other tokens of `autocomplete` (`section-…`, `shipping`, `billing`,
`home`, `work`, `mobile`, `fax`, `pager`, and `webauthn` at the end) change nothing where the
standard allows them; in another place the word is `unknown`.
"""
"""What the page says before the tables."""

TABLES = (
    FieldTable("`type`", f"{_STANDARD}, §4.10.5", INPUT_TYPES),
    FieldTable(
        "field name in `autocomplete`",
        f"{_STANDARD}, §4.10.18.7",
        AUTOFILL_FIELDS | dict.fromkeys(SWITCHES),
    ),
    FieldTable("`inputmode`", f"{_STANDARD}, §6.8.8", INPUT_MODES),
)


def html(
    input_type: str, autocomplete: str | None = None, inputmode: str | None = None
) -> FieldKind:
    """The field word of an element of a page.

    >>> html("text", "section-a billing cc-number").value, html("password", "off").value
    ('payment_card', 'password')
    >>> html("text", "nope").value, html("text").value
    ('unknown', 'text')

    Args:
        input_type: see ``INPUT_TYPES``. Where no element for input has the focus, nobody asks: the
            word is ``none``.
        autocomplete: the attribute; None or empty if the element has none.
        inputmode: likewise.
    """
    return strictest(
        INPUT_TYPES.get(_lower(input_type), FieldKind.UNKNOWN),
        _autofill(autocomplete) if autocomplete else None,
        INPUT_MODES.get(_lower(inputmode), FieldKind.UNKNOWN) if inputmode else None,
    )


def _autofill(attribute: str) -> FieldKind | None:
    tokens = _SPACE.sub(" ", _lower(attribute)).strip(" ")
    if tokens in {"", *SWITCHES}:
        return None
    detail = _DETAIL.fullmatch(tokens)
    if detail is None or (detail["contact"] and detail["name"] not in CONTACTS):
        return FieldKind.UNKNOWN
    return AUTOFILL_FIELDS.get(detail["name"], FieldKind.UNKNOWN)


def _lower(text: str) -> str:
    """ASCII letters in lower case; other letters are of no value that HTML has."""
    return text.lower() if text.isascii() else text
