"""The key set on a laptop's disk, and chains of roots that are too long."""

from collections.abc import Callable
from dataclasses import replace

import httpx2
import pytest

from app.kernel.canonical import canonical, digest
from app.kernel.refusals import Refusal
from app.keys.model import MOST_ROOTS, BadKeySet
from app.sdk.agent.identity import NotPaired
from app.sdk.keys import keep_key_set, kept_key_set
from tests.keys.office import KeyOffice, Laptop, Owner


def test_a_set_on_disk_is_read_as_it_was_kept(laptop: Laptop, office: KeyOffice) -> None:
    assert kept_key_set(laptop.folder) == office.current


@pytest.mark.parametrize("signs", [Owner().sign, lambda text: text + b"\n"], ids=["other", "none"])
def test_a_set_on_disk_that_its_root_did_not_sign_is_damaged(
    laptop: Laptop, office: KeyOffice, signs: Callable[[bytes], bytes]
) -> None:
    """Its sum fits: whoever wrote it knew how."""
    note = signs(office.current.text.encode())
    (laptop.folder / "keys.json").write_bytes(
        canonical({"note": note.decode(), "sum": digest(note)})
    )
    with pytest.raises(BadKeySet):
        kept_key_set(laptop.folder)
    with pytest.raises(NotPaired):
        laptop.restart()


def test_a_set_on_disk_whose_sum_does_not_fit_is_damaged(laptop: Laptop, office: KeyOffice) -> None:
    """Also where its root's signature stands and only a line of somebody else was added."""
    note = Owner(("other",)).sign(office.newest)
    kept = {"note": note.decode(), "sum": digest(office.newest)}
    (laptop.folder / "keys.json").write_bytes(canonical(kept))
    with pytest.raises(ValueError, match="damaged"):
        kept_key_set(laptop.folder)


def test_a_laptop_paired_before_takes_no_set_of_another_issuer(
    laptop: Laptop, office: KeyOffice
) -> None:
    office.lie = lambda _: httpx2.Response(404)
    laptop.pair()
    office.lie = None
    office.publish(replace(office.current, version=2, issuer="https://other.example"))
    office.claims["iss"] = "https://other.example"
    assert laptop.poll() is Refusal.KEYS_REFUSED
    assert laptop.version == 0


def test_a_set_replaces_the_one_before_on_disk(laptop: Laptop, office: KeyOffice) -> None:
    keep_key_set(laptop.folder, office.publish())
    assert laptop.version == 2


@pytest.mark.parametrize("changes", [MOST_ROOTS, MOST_ROOTS + 1])
def test_so_many_changes_of_the_root_are_slept_through_and_no_more(
    laptop: Laptop, office: KeyOffice, changes: int
) -> None:
    for _ in range(changes):
        office.turn_root()
    expected = None if changes == MOST_ROOTS else Refusal.KEYS_REFUSED
    assert laptop.poll() is expected
