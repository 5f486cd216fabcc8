"""Field words of Android: input type and autofill hints of the focused view (pure).

Source: android.text.InputType; android.view.View and androidx.autofill.HintConstants. A browser
hands on the ``autocomplete`` names of a page as hints, so those of HTML are hints too.
"""

import re
from collections.abc import Iterable

from app.event.fields.html import AUTOFILL_FIELDS
from app.event.fields.table import FieldTable, strictest
from app.kernel.vocabulary import FieldKind

CLASS_AND_VARIATION = 0xFFF
"""TYPE_MASK_CLASS and TYPE_MASK_VARIATION; the bits above are flags and say nothing of it."""

INPUT_TYPES: dict[int, tuple[str, FieldKind]] = {
    0x000: ("TYPE_NULL", FieldKind.UNKNOWN),  # keys go to the view as they are, as in a terminal
    0x001: ("text, normal", FieldKind.TEXT),
    0x011: ("text, URI", FieldKind.TEXT),
    0x021: ("text, EMAIL_ADDRESS", FieldKind.EMAIL_ADDRESS),
    0x031: ("text, EMAIL_SUBJECT", FieldKind.TEXT),
    0x041: ("text, SHORT_MESSAGE", FieldKind.TEXT),
    0x051: ("text, LONG_MESSAGE", FieldKind.TEXT),
    0x061: ("text, PERSON_NAME", FieldKind.PERSONAL),
    0x071: ("text, POSTAL_ADDRESS", FieldKind.PERSONAL),
    0x081: ("text, PASSWORD", FieldKind.PASSWORD),
    0x091: ("text, VISIBLE_PASSWORD", FieldKind.PASSWORD),
    0x0A1: ("text, WEB_EDIT_TEXT", FieldKind.TEXT),
    0x0B1: ("text, FILTER", FieldKind.SEARCH),
    0x0C1: ("text, PHONETIC", FieldKind.PERSONAL),  # how a person's name is spoken
    0x0D1: ("text, WEB_EMAIL_ADDRESS", FieldKind.EMAIL_ADDRESS),
    0x0E1: ("text, WEB_PASSWORD", FieldKind.PASSWORD),
    0x002: ("number, normal", FieldKind.TEXT),
    0x012: ("number, PASSWORD", FieldKind.PASSWORD),
    0x003: ("phone", FieldKind.PHONE_NUMBER),
    0x004: ("date and time, normal", FieldKind.TEXT),
    0x014: ("date and time, DATE", FieldKind.TEXT),
    0x024: ("date and time, TIME", FieldKind.TEXT),
}
"""Class and variation, with their name and word."""

_PERSONAL = (
    "name",
    "personName",
    "personGivenName",
    "personFamilyName",
    "personMiddleName",
    "personMiddleInitial",
    "personNamePrefix",
    "personNameSuffix",
    "postalAddress",
    "postalCode",
    "addressCountry",
    "addressRegion",
    "addressLocality",
    "streetAddress",
    "extendedAddress",
    "extendedPostalCode",
    "aptNumber",
    "dependentLocality",
    "gender",
    "birthDateFull",
    "birthDateDay",
    "birthDateMonth",
    "birthDateYear",
    "flightNumber",
    "flightConfirmationCode",
    "loyaltyAccountNumber",
)
_PHONES = ("phone", "phoneNumber", "phoneNumberDevice", "phoneCountryCode", "phoneNational")
_CARDS = (
    "creditCardNumber",
    "creditCardSecurityCode",
    "creditCardExpirationDate",
    "creditCardExpirationDay",
    "creditCardExpirationMonth",
    "creditCardExpirationYear",
    "giftCardNumber",
)
HINTS: dict[str, FieldKind | None] = {
    **dict.fromkeys(_PERSONAL, FieldKind.PERSONAL),
    **dict.fromkeys(_PHONES, FieldKind.PHONE_NUMBER),
    **dict.fromkeys(_CARDS, FieldKind.PAYMENT_CARD),
    **dict.fromkeys(("password", "newPassword", "wifiPassword"), FieldKind.PASSWORD),
    **dict.fromkeys(("smsOTPCode", "emailOTPCode", "2faAppOTPCode"), FieldKind.ONE_TIME_CODE),
    **dict.fromkeys(("username", "newUsername"), FieldKind.USERNAME),
    "emailAddress": FieldKind.EMAIL_ADDRESS,
    "upiVirtualPaymentAddress": FieldKind.BANK_ACCOUNT,
    "giftCardPIN": FieldKind.SECRET,
    "promoCode": FieldKind.TEXT,
    "notApplicable": None,
}

NOTE = """\
The flags of an input type change nothing. The field names of `autocomplete` are hints, too, and so
is each `smsOTPCode1`, `smsOTPCode2`, …
"""
"""What the page says before the tables."""

TABLES = (
    FieldTable(
        "input type, class and variation",
        "android.text.InputType",
        {f"0x{number:03x} {name}": word for number, (name, word) in INPUT_TYPES.items()},
    ),
    FieldTable("autofill hint", "android.view.View, androidx.autofill.HintConstants", HINTS),
)

_DIGIT_OF_CODE = re.compile(r"smsOTPCode[0-9]{1,2}")
_ALL_HINTS = AUTOFILL_FIELDS | HINTS


def android(input_type: int, hints: Iterable[str] = ()) -> FieldKind:
    """The field word of the focused view.

    >>> android(0x81).value, android(0x1, ["creditCardNumber"]).value
    ('password', 'payment_card')
    >>> android(0x20001).value, android(0x1, ["favouriteColour"]).value
    ('text', 'unknown')

    Args:
        input_type: EditorInfo.inputType or TextView.getInputType().
        hints: View.getAutofillHints().
    """
    _, by_type = INPUT_TYPES.get(input_type & CLASS_AND_VARIATION, ("", FieldKind.UNKNOWN))
    return strictest(by_type, *(_hint(hint) for hint in hints))


def _hint(hint: str) -> FieldKind | None:
    if _DIGIT_OF_CODE.fullmatch(hint):
        return FieldKind.ONE_TIME_CODE
    return _ALL_HINTS.get(hint, FieldKind.UNKNOWN)
