"""Names are written as the one pattern of each says, and in no other way."""

import re

import pytest

from app.kernel import shapes
from app.kernel.shapes import fits, whole

HEX = "0123456789abcdef"

WRITTEN = {
    "a country": (shapes.REGION, "DE"),
    "a state of a country": (shapes.REGION, "US-NY"),
    "a subdivision in digits": (shapes.REGION, "FR-75"),
    "a region above countries": (shapes.REGION, "EEA"),
    "everywhere": (shapes.REGION, "GLOBAL"),
    "a document": (shapes.DIGEST, f"sha256:{HEX * 4}"),
    "a body": (shapes.COMMITMENT, f"hmac-sha256:{HEX * 4}"),
    "a file": (shapes.SHA256, HEX * 4),
    "a lease": (shapes.TOKEN_ID, HEX * 2),
    "a person": (shapes.PSEUDONYM, f"p_{HEX * 2}"),
    "a device": (shapes.DEVICE_ID, f"d_{HEX * 2}"),
    "an event": (shapes.EVENT_ID, "01234567-89ab-cdef-0123-456789abcdef"),
    "an index": (shapes.INDEX, "0042"),
    "a day": (shapes.DAY, "2026-11-22"),
    "an instant": (shapes.INSTANT, "2026-11-22T01:10:24.000000Z"),
    "a purpose": (shapes.PURPOSE, "ai_training.computer_use"),
    "a dataset": (shapes.CODE, "ui-events.2026"),
    "an app of the catalogue": (shapes.KEY, "google_docs"),
    "a language": (shapes.LANGUAGE, "de"),
}
OTHERWISE = {
    "a region in small letters": (shapes.REGION, "de"),
    "a region by its name": (shapes.REGION, "Germany"),
    "a subdivision with an underscore": (shapes.REGION, "US_NY"),
    "a digest without its algorithm": (shapes.DIGEST, HEX * 4),
    "a digest in capitals": (shapes.DIGEST, f"sha256:{HEX.upper() * 4}"),
    "a digest of another algorithm": (shapes.DIGEST, f"hmac-sha256:{HEX * 4}"),
    "half a pseudonym": (shapes.PSEUDONYM, f"p_{HEX}"),
    "a device in place of a person": (shapes.PSEUDONYM, f"d_{HEX * 2}"),
    "an event without hyphens": (shapes.EVENT_ID, HEX * 2),
    "an index below zero": (shapes.INDEX, "-1"),
    "an index that no number holds": (shapes.INDEX, "1" * 16),
    "an instant without microseconds": (shapes.INSTANT, "2026-11-22T01:10:24Z"),
    "an instant with an offset": (shapes.INSTANT, "2026-11-22T01:10:24.000000+01:00"),
    "a sentence in place of a dataset": (shapes.CODE, "the keystrokes of Alice"),
    "a purpose in capitals": (shapes.PURPOSE, "Hiring"),
}


@pytest.mark.parametrize("case", WRITTEN)
def test_what_is_written_as_agreed_fits(case: str) -> None:
    shape, text = WRITTEN[case]
    assert fits(shape, text)
    assert re.search(whole(shape), text)


@pytest.mark.parametrize("case", OTHERWISE)
def test_what_is_written_otherwise_does_not(case: str) -> None:
    shape, text = OTHERWISE[case]
    assert not fits(shape, text)
    assert not re.search(whole(shape), text)


@pytest.mark.parametrize("case", WRITTEN)
def test_a_line_more_or_other_text_around_it_does_not_fit(case: str) -> None:
    shape, text = WRITTEN[case]
    assert [
        around for around in (f"{text}\n", f" {text}", f"{text} x") if fits(shape, around)
    ] == []


@pytest.mark.parametrize("value", [None, 7, True, b"DE", ["DE"], {"region": "DE"}])
def test_only_a_text_has_a_shape(value: object) -> None:
    assert not fits(shapes.REGION, value)
