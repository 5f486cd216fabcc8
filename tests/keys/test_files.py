"""Every file that the first start makes: without it a second start is refused, and makes none.

What may be made anew stands in ``ANEW``, each with its reason. The kinds are those of
docs/operate.md, Restore, and each has its row there.
"""

import re
from contextlib import closing
from pathlib import Path

import pytest

from app.kernel.errors import Unavailable
from app.kernel.keys import KeyFolder
from app.kernel.tokens import TYPE_OF
from app.main import create_app
from app.wiring import Services, build
from app.wiring.shipped import Shipped
from tests.fakes import FakeClock
from tests.guide import PAGE

REFUSED = {
    "origin": ("origin-lost", "another-log"),
    "keys/log.key": ("key-lost", "another-log"),
    "keys/vault.key": ("key-lost", "another-log"),
    "keys/root.key": ("key-lost", "key-lost"),
    **{f"keys/{name}.key": ("key-lost", "another-key") for name in TYPE_OF},
}
"""The kind of the refusal where the file is missing, and where another one is in its place."""

ANEW = {"keys/sign-in.key"}
"""It signs the cookie of a sign-in that has begun, ten minutes at most: people begin again."""


def files(services: Services) -> set[str]:
    var = services.settings.var
    made = {str(file.relative_to(var)) for file in var.rglob("*") if file.is_file()}
    return {name for name in made if not name.startswith(("fold.json", "habeas.sqlite"))}


def start(services: Services, clock: FakeClock, shipped: Shipped) -> Services:
    again = build(services.settings, clock=clock, database=services.database, shipped=shipped)
    create_app(again)
    return again


@pytest.fixture
def begun(services: Services) -> Services:
    create_app(services)
    with services.database.write() as tx:
        services.log.pseudonym(tx, "E-1")  # somebody has a data key
    return services


def test_what_the_first_start_makes_is_listed_here(begun: Services) -> None:
    assert files(begun) == REFUSED.keys() | ANEW


@pytest.mark.parametrize("name", REFUSED)
def test_a_start_without_it_is_refused_and_makes_no_file(
    begun: Services, clock: FakeClock, shipped: Shipped, name: str
) -> None:
    (begun.settings.var / name).unlink()
    before = files(begun)
    with pytest.raises(Unavailable) as refused:
        start(begun, clock, shipped)
    assert refused.value.kind == REFUSED[name][0]
    assert Path(name).name in refused.value.problem
    assert refused.value.cure
    assert files(begun) == before


@pytest.mark.parametrize("name", REFUSED)
def test_a_start_with_another_in_its_place_is_refused_and_makes_no_file(
    begun: Services, clock: FakeClock, shipped: Shipped, name: str
) -> None:
    other = b"audit.example.com/other/2026\n" if name == "origin" else b"x" * 32
    (begun.settings.var / name).write_bytes(other)
    before = files(begun)
    with pytest.raises(Unavailable) as refused:
        start(begun, clock, shipped)
    assert refused.value.kind == REFUSED[name][1]
    assert files(begun) == before
    assert (begun.settings.var / name).read_bytes() == other


@pytest.mark.parametrize("name", [*REFUSED, *sorted(ANEW)])
def test_a_start_with_an_empty_one_is_refused_and_leaves_it(
    begun: Services, clock: FakeClock, shipped: Shipped, name: str
) -> None:
    (begun.settings.var / name).write_bytes(b"")
    before = files(begun)
    with pytest.raises(Unavailable) as refused:
        start(begun, clock, shipped)
    assert refused.value.kind == ("origin-lost" if name == "origin" else "key-lost")
    assert refused.value.cure
    assert files(begun) == before
    assert (begun.settings.var / name).read_bytes() == b""


@pytest.mark.parametrize("size", [31, 33])
def test_a_key_has_thirty_two_bytes(tmp_path: Path, size: int) -> None:
    (tmp_path / "lease.key").write_bytes(b"x" * size)
    with pytest.raises(Unavailable, match="does not hold 32 bytes") as refused:
        KeyFolder(tmp_path).signer("lease")
    assert refused.value.kind == "key-lost"


@pytest.mark.parametrize("name", sorted(ANEW))
def test_what_signs_nothing_that_lasts_is_made_anew(
    begun: Services, clock: FakeClock, shipped: Shipped, name: str
) -> None:
    file = begun.settings.var / name
    before = file.read_bytes()
    file.unlink()
    with closing(start(begun, clock, shipped)):
        assert file.read_bytes() != before
    assert f"`{Path(name).name}`" in PAGE.read_text(encoding="utf-8")


def test_each_kind_of_refusal_has_its_row_in_the_guide() -> None:
    rows = re.findall(r"^\| (`[^|]*`) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    listed = {kind for row in rows for kind in re.findall(r"`([^`]+)`", row)}
    assert {kind for kinds in REFUSED.values() for kind in kinds} | {"key-ended"} <= listed
