"""What is locked away opens for its owner's key, at its place, unaltered, and for nothing else."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.audit.entries.vault import Sealed, Tampered, Vault

VAULT = Vault(b"v" * 32)
OWNER = "p_owner"
WRAPPED = VAULT.new_key(OWNER)
PLACE = b"log|event|kind"

bodies = st.dictionaries(
    st.text("abc", min_size=1), st.text(max_size=20) | st.integers(-9, 9) | st.none(), max_size=4
)


@given(bodies)
def test_a_body_is_read_back(body: dict[str, str | int | None]) -> None:
    assert VAULT.open(WRAPPED, OWNER, VAULT.seal(WRAPPED, OWNER, body, PLACE), PLACE) == body


def test_a_body_opens_for_nothing_that_differs() -> None:
    sealed = VAULT.seal(WRAPPED, OWNER, {"note": "x"}, PLACE)
    other = VAULT.seal(WRAPPED, OWNER, {"note": "x"}, PLACE)
    attempts: list[tuple[Vault, bytes, str, Sealed, bytes]] = [
        (Vault(b"w" * 32), WRAPPED, OWNER, sealed, PLACE),
        (VAULT, VAULT.new_key(OWNER), OWNER, sealed, PLACE),
        (VAULT, WRAPPED, "p_other", sealed, PLACE),
        (VAULT, WRAPPED[:-1], OWNER, sealed, PLACE),
        (VAULT, b"", OWNER, sealed, PLACE),
        (VAULT, WRAPPED, OWNER, sealed, b"log|another|kind"),
        (VAULT, WRAPPED, OWNER, replace(sealed, nonce=other.nonce), PLACE),
        (VAULT, WRAPPED, OWNER, replace(sealed, commitment=other.commitment), PLACE),
    ]
    attempts += [
        (VAULT, WRAPPED, OWNER, replace(sealed, ciphertext=bytes(altered)), PLACE)
        for at in range(len(sealed.ciphertext))
        if (altered := bytearray(sealed.ciphertext)).__setitem__(at, altered[at] ^ 1) is None
    ]
    for vault, wrapped, owner, what, place in attempts:
        with pytest.raises(Tampered):
            vault.open(wrapped, owner, what, place)


def test_a_short_body_gives_nothing_to_compare_guesses_with() -> None:
    """The same word twice: neither ciphertext nor commitment repeats."""
    one, two = (VAULT.seal(WRAPPED, OWNER, {"a": "yes"}, PLACE) for _ in range(2))
    assert one.commitment != two.commitment
    assert one.ciphertext != two.ciphertext


def test_a_vault_does_not_show_its_key_and_takes_no_other_length() -> None:
    assert "vvv" not in repr(VAULT)
    with pytest.raises(ValueError, match="32"):
        Vault(b"short")
