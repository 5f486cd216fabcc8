"""Each role, thing and action, exhaustively: denied unless listed; bound to the very region."""

from itertools import combinations, product
from pathlib import Path

import pytest

from app.access.enforcer import ACTIONS, ROLES, CasbinAuthority
from app.access.floor.terms import Function
from app.directory.model import ROLES as PEOPLE_ROLES
from app.kernel.authority import Role, allowed, read_rows
from app.kernel.errors import Forbidden, Unreadable

POLICIES = Path(__file__).parents[2] / "policies" / "access"

# (thing, action) -> roles that must hold it for the very region / roles that need no region.
REGIONAL = {
    ("policy", "propose"): {"legal"},
    ("policy", "approve"): {"legal", "works_council", "dpo"},
    ("policy", "withdraw"): {"legal"},
    ("policy", "tighten"): {"legal"},
    ("capture", "stop"): {"legal", "works_council", "dpo"},
    ("capture", "propose_resume"): {"legal"},
    ("capture", "approve_resume"): {"legal"},
    ("catalogue", "propose"): {"legal"},
    ("catalogue", "decline"): {"legal"},
    ("catalogue", "approve"): {"legal"},
}
ANYWHERE = {
    ("policy", "read"): {"legal", "works_council", "dpo", "auditor", "admin"},
    ("log", "read"): {"dpo", "auditor"},
    ("log", "export"): {"auditor"},
    ("people", "import"): {"admin"},
    ("consumer", "register"): {"admin"},
    ("alarm", "clear"): {"legal", "dpo", "auditor"},
    ("captured_data", "read"): {f"consumer:{f}" for f in Function if f != "hr"},
}


@pytest.fixture(scope="module")
def authority() -> CasbinAuthority:
    return CasbinAuthority(POLICIES / "model.conf", POLICIES / "policy.csv")


def pairs() -> list[tuple[str, str]]:
    return [(thing, action) for thing, actions in ACTIONS.items() for action in sorted(actions)]


def test_the_table_below_is_complete() -> None:
    assert set(REGIONAL) | set(ANYWHERE) == set(pairs())
    assert not set(REGIONAL) & set(ANYWHERE)


@pytest.mark.parametrize(("role", "pair"), list(product(sorted(ROLES), pairs())))
def test_a_role_may_what_is_listed_and_nothing_else(
    authority: CasbinAuthority, role: str, pair: tuple[str, str]
) -> None:
    regional, anywhere = role in REGIONAL.get(pair, ()), role in ANYWHERE.get(pair, ())
    held, other, unbound = (Role(role, "DE"),), (Role(role, "FR"),), (Role(role),)
    assert authority.may(held, "DE", *pair) is (regional or anywhere)
    assert authority.may(other, "DE", *pair) is False, "another region's role"
    assert authority.may(unbound, "DE", *pair) is anywhere, "a role without a region"
    for roles in (held, other, unbound):
        assert authority.may(roles, None, *pair) is (regional or anywhere)


@pytest.mark.parametrize("region", ["EU", "GLOBAL", "DE-BY", "de", "*", ""])
def test_a_role_counts_for_exactly_its_region(authority: CasbinAuthority, region: str) -> None:
    assert not authority.may((Role("legal", region),), "DE", "policy", "propose")


@pytest.mark.parametrize(
    ("thing", "action"), [("policy", "delete"), ("secret", "read"), ("*", "*"), ("", "")]
)
def test_what_is_not_listed_is_denied_to_everybody(
    authority: CasbinAuthority, thing: str, action: str
) -> None:
    everything = tuple(Role(role, region) for role in ROLES for region in (None, "DE"))
    assert not authority.may(everything, "DE", thing, action)
    assert not authority.may(everything, None, thing, action)


def test_a_deny_row_overrides_every_allow(authority: CasbinAuthority) -> None:
    training, hr = Role("consumer:training"), Role("consumer:hr")
    assert authority.may((training,), None, "captured_data", "read")
    assert not authority.may((training, hr), None, "captured_data", "read")
    assert not authority.may((hr, training), None, "captured_data", "read")


HELD = [Role(name, region) for name in sorted(ROLES) for region in (None, "DE", "FR")]


@pytest.mark.parametrize("asked", pairs())
def test_a_verifier_answers_from_the_rows_as_the_service_does(
    authority: CasbinAuthority, asked: tuple[str, str]
) -> None:
    """Both ways of asking answer alike, and the document of the rows says all that decides."""
    rows = read_rows(authority.document)
    unbound = [role for role in HELD if role.region is None]
    for roles in (*((role,) for role in HELD), *combinations(unbound, 2)):
        for region in (None, "DE"):
            answer = allowed(rows, roles, region, *asked)
            assert answer == authority.may(roles, region, *asked), (roles, region)


@pytest.mark.parametrize(
    "document", [b"[]", b"{}", b'{"roles":[["legal","any"]]}', b'{"roles":[[1,2,3,4,5]]}', b"{"]
)
def test_what_is_no_document_of_rows_is_refused(document: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_rows(document)


def test_nobody_without_a_role_may_anything(authority: CasbinAuthority) -> None:
    for pair in pairs():
        assert not authority.may((), None, *pair)
        assert not authority.may((), "DE", *pair)


def test_no_person_can_hold_a_consumers_role() -> None:
    assert not PEOPLE_ROLES & {f"consumer:{function}" for function in Function}


def test_a_refusal_names_the_role_that_could(authority: CasbinAuthority) -> None:
    with pytest.raises(Forbidden, match=r"propose policy in DE .* legal@DE"):
        authority.require((Role("legal", "FR"),), "DE", "policy", "propose")
    with pytest.raises(Forbidden, match="no role at all"):
        authority.require((Role("legal", "FR"),), None, "policy", "delete")
    authority.require((Role("legal", "DE"),), "DE", "policy", "propose")


BROKEN = {
    "an unknown role": ("p, king, any, log, read, allow", "line 2, role"),
    "an unknown reach": ("p, auditor, world, log, read, allow", "line 2, reach"),
    "an unknown thing": ("p, auditor, any, salaries, read, allow", "line 2, thing"),
    "an unknown action": ("p, auditor, any, log, write, allow", "line 2, action"),
    "an unknown effect": ("p, auditor, any, log, read, maybe", "line 2, effect"),
    "a wildcard": ("p, *, any, log, read, allow", "line 2, role"),
    "a row that gives a role to a person": ("g, E-1000, legal", "line 2"),
    "a missing column": ("p, auditor, log, read, allow", "line 2"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_rows_outside_the_closed_lists_stop_the_program(case: str, tmp_path: Path) -> None:
    row, where = BROKEN[case]
    file = tmp_path / "policy.csv"
    file.write_text(f"# rows\n{row}\n", encoding="utf-8")
    with pytest.raises(Unreadable) as caught:
        CasbinAuthority(POLICIES / "model.conf", file)
    assert caught.value.faults[0].field == where
    assert caught.value.faults[0].cure


def test_an_empty_file_stops_the_program(tmp_path: Path) -> None:
    file = tmp_path / "policy.csv"
    file.write_text("# nothing\n", encoding="utf-8")
    with pytest.raises(Unreadable):
        CasbinAuthority(POLICIES / "model.conf", file)
