"""What a process remembers of rows that fit: their words and seal, for a while and no longer."""

from app.db import ring as remembering
from app.db.ring import SealKey, SealRing

ROW, SAID = ("agent_device", "d_1"), ({"device_id": "d_1", "public": "aa"}, b"seal")


def keyed() -> SealRing:
    ring = SealRing()
    ring.take(SealKey.of(bytes(32)))
    return ring


def test_only_what_said_the_same_with_the_same_seal_is_known_to_fit():
    ring = keyed()
    assert not ring.fitted(ROW, SAID)
    ring.remember_fitting(ROW, SAID)
    assert ring.fitted(ROW, SAID)
    content, seal = SAID
    assert not ring.fitted(ROW, ({**content, "public": "ab"}, seal))
    assert not ring.fitted(ROW, (content, b"other"))
    assert not ring.fitted(("agent_device", "d_2"), SAID)


def test_another_key_an_erasure_and_a_ring_without_a_key_know_nothing_to_fit():
    ring = keyed()
    ring.remember_fitting(ROW, SAID)
    ring.take(SealKey.of(b"2" * 32))
    assert not ring.fitted(ROW, SAID)
    ring.remember_fitting(ROW, SAID)
    ring.forget_fitting()
    assert not ring.fitted(ROW, SAID)
    without = SealRing()
    without.remember_fitting(ROW, SAID)
    assert not without.fitted(ROW, SAID)


def test_what_rows_say_is_forgotten_after_a_number_of_them():
    ring = keyed()
    for number in range(remembering.MOST_FITTING + 2):
        ring.remember_fitting(("agent_device", str(number)), SAID)
    assert not ring.fitted(("agent_device", "0"), SAID)
    assert ring.fitted(("agent_device", str(remembering.MOST_FITTING + 1)), SAID)
