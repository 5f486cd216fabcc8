"""``habeas keys …`` as an operator types it: rotations, custodians as the root, refusals."""

import json
from collections.abc import Callable, Iterator
from contextlib import chdir, closing
from functools import partial
from pathlib import Path

import pytest

from app.demo.seed import DATA
from app.kernel.errors import Unauthenticated
from app.kernel.signing import b64u, thumbprint
from app.kernel.tokens import TYPE_OF
from app.keys.model import KeySet, read_key_set
from app.wiring import Services, build
from app.witness.service import open_witness
from tests import typed
from tests.office import Office, opened

SIGNED_BY = ("works-council.key", "data-protection.key")
ADMIN = "E-0122"


@pytest.fixture(params=["sqlite", "postgresql"])
def office(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Office]:
    with opened(request.param, request, tmp_path) as made:
        yield made


@pytest.fixture
def serving(office: Office) -> Iterator[Services]:
    """The service that goes on while verbs are typed next to it."""
    with chdir(office.folder), closing(build(office.settings)) as services:
        yield services


def in_force(services: Services) -> KeySet:
    with services.database.read() as tx:
        note = services.key_sets.newest(tx)
    assert note is not None
    return read_key_set(note)


def followed(services: Services) -> KeySet:
    """What a running process signs by after its next look at the log."""
    services.integrator.integrate()
    held = services.key_sets.in_force()
    assert held == in_force(services)
    return held


def sign(office: Office, statement: str, *keys: str) -> None:
    for key in keys:
        office.says("custodian", "sign", statement, "--key", key)


@pytest.mark.slow
def test_a_rotation_is_published_before_it_signs_and_a_running_service_follows(
    office: Office, serving: Services
) -> None:
    old = thumbprint(serving.keys.signer("lease").public)
    said = office.says("keys", "rotate", "lease", "--in", "1h")
    assert "Key set 2 is in force" in said
    held, lease = followed(serving), TYPE_OF["lease"]
    now = serving.clock.now()
    first, second = held.of(lease)
    assert (first.kid, first.signs(now), second.signs(now)) == (old, True, False)
    assert f"lease: {second.kid} signs from" in said
    assert {key["kid"] for key in serving.jwks["keys"]} >= {first.kid, second.kid}
    assert "follows already" in office.says("keys", "rotate", "lease", code=2)
    office.says("keys", "rotate", "lease", "--revoke")
    third = followed(serving).in_use(lease, serving.clock.now())
    assert third is not None
    assert third.kid not in {first.kid, second.kid}
    assert first.kid not in {key["kid"] for key in serving.jwks["keys"]}
    assert office.verified("after.tar")


@pytest.mark.slow
def test_custodians_become_the_root_and_sign_what_comes_after(
    office: Office, serving: Services
) -> None:
    office.says("keys", "publish", "--custodians", "--out", "root.statement")
    sign(office, "root.statement", SIGNED_BY[0])
    assert "signatures" in office.says("keys", "publish", "--signed", "root.statement", code=2)
    sign(office, "root.statement", SIGNED_BY[1])
    office.says("keys", "publish", "--signed", "root.statement")
    assert followed(serving).root.version == 2
    said = office.says("keys", "rotate", "receipt", "--in", "1d", "--out", "receipt.statement")
    assert "habeas keys publish --signed receipt.statement" in said
    assert in_force(serving).version == 2, "nothing is in force before they signed"
    assert "nobody has signed it" in office.says(
        "keys", "publish", "--signed", "receipt.statement", code=2
    )
    sign(office, "receipt.statement", *SIGNED_BY)
    office.says("keys", "publish", "--signed", "receipt.statement")
    assert len(followed(serving).of(TYPE_OF["receipt"])) == 2
    again = office.says("keys", "publish", "--signed", "root.statement", code=2)
    assert "was seen before" in again, "an old set is not brought back"
    assert "already" in office.says("keys", "publish", "--custodians", code=2)


@pytest.mark.slow
def test_a_renewal_that_this_machine_signs_is_in_force_at_once(
    office: Office, serving: Services
) -> None:
    before = in_force(serving)
    assert f"Key set {before.version + 1} is in force" in office.says("keys", "publish")
    assert followed(serving).keys == before.keys


@pytest.mark.slow
def test_what_the_guide_says_about_keys_is_typed(office: Office, serving: Services) -> None:
    """A rotation by this machine, then custodians as the root: it can do without ``root.key``."""
    assert "Key set 2 is in force" in office.follow("Rotation")
    assert "root 2 signed it" in office.follow("Key sets")
    assert followed(serving).root.threshold == 2
    (office.folder / "var" / "keys" / "root.key").unlink()
    office.run().close()
    assert "Two custodians sign it" in office.says(
        "keys", "rotate", "grant", "--out", "grant.statement"
    )


@pytest.fixture
def habeas(sample: Services) -> Callable[..., typed.Done]:
    """Run a verb against the sample organisation."""
    settings = {
        "HABEAS_DEMO": "1",
        "HABEAS_VAR": str(sample.settings.var),
        "HABEAS_DATABASE_URL": sample.settings.database_url,
    }
    return partial(typed.habeas, settings=settings)


REFUSED = {
    "log": (("rotate", "log"), "docs/operate.md, Keys, The log key"),
    "vault": (("rotate", "vault"), "docs/operate.md, Keys, The vault key"),
    "root": (("rotate", "root"), "habeas keys publish --custodians"),
    "sign-in": (("rotate", "sign-in"), "not rotated by this verb"),
    "a name that is none": (("rotate", "leases"), "Name one of lease, receipt"),
    "a time that is none": (("rotate", "lease", "--in", "soon"), "--in: 'soon'"),
    "a time after the set": (("rotate", "lease", "--in", "400d"), "Less than 90 days"),
    "a time without end": (("rotate", "lease", "--in", "9999999d"), "Less than 90 days"),
    "an overlap of a lease key": (("rotate", "lease", "--overlap", "1d"), "--overlap says nothing"),
    "a revoked witness": (("rotate", "witness", "--revoke"), "--revoke says nothing"),
    "a person of a receipt key": (("rotate", "receipt", "--by", "E-0001"), "--by says nothing"),
    "no witness": (("rotate", "witness", "--var", "nowhere"), "there is no witness in nowhere"),
    "no consumer": (("rotate", "consumer"), "Give --id and --by"),
    "nobody's consumer": (("rotate", "consumer", "--id", "x", "--by", ADMIN), "no consumer 'x'"),
    "no such file": (("publish", "--signed", "nowhere"), "--signed: nowhere"),
    "two sets": (("publish", "--signed", "x", "--custodians"), "written already"),
    "a leap that no laptop takes": (("publish", "--beyond", "1001"), "at most 1000 versions"),
    "two steps in one": (("publish", "--beyond", "5", "--custodians"), "Go beyond first"),
    "no custodians": (("publish", "--custodians"), "HABEAS_CUSTODIANS"),
}


@pytest.mark.parametrize(("words", "named"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("sample", ["sqlite"], indirect=True)
def test_what_is_typed_wrongly_is_a_sentence_and_changes_nothing(
    habeas: Callable[..., typed.Done], sample: Services, words: tuple[str, ...], named: str
) -> None:
    files = sorted((sample.settings.var / "keys").iterdir())
    before = in_force(sample)
    done = habeas("keys", *words)
    assert done.returncode == 2, done.stdout
    assert named in done.stderr
    assert "Traceback" not in done.stderr
    assert in_force(sample) == before
    assert sorted((sample.settings.var / "keys").iterdir()) == files


@pytest.mark.parametrize("sample", ["sqlite"], indirect=True)
def test_what_is_no_key_set_is_not_published(
    habeas: Callable[..., typed.Done], tmp_path: Path
) -> None:
    for content in (b"", b"\xff\xfe", b"publish-keys\n", (DATA / "people.csv").read_bytes()):
        (tmp_path / "x").write_bytes(content)
        done = habeas("keys", "publish", "--signed", tmp_path / "x")
        assert done.returncode == 2
        assert "no key set" in done.stderr or "not published" in done.stderr


@pytest.mark.parametrize("sample", ["sqlite"], indirect=True)
def test_a_consumer_gets_another_secret_and_the_old_one_works_for_a_while(
    habeas: Callable[..., typed.Done], sample: Services
) -> None:
    with sample.database.read() as tx:
        consumer = sample.consumers.newest(tx)[0].id
    secrets, words = [], ("rotate", "consumer", "--id", consumer, "--by", ADMIN, "--overlap")
    for overlap, code in (("7d", 0), ("7d", 2), ("0d", 0)):
        done = habeas("keys", *words, overlap)
        assert done.returncode == code, done.stderr
        if code:
            assert "--overlap 0d" in done.stderr
        else:
            secrets.append(done.stdout.splitlines()[-1])
    with sample.database.read() as tx:
        known = sample.consumers.authenticate(tx, secrets[-1], sample.clock.now())
        assert known.id == consumer
        for secret in secrets[:-1]:
            with pytest.raises(Unauthenticated):
                sample.consumers.authenticate(tx, secret, sample.clock.now())


@pytest.mark.parametrize("sample", ["sqlite"], indirect=True)
def test_a_witness_says_its_new_key_and_how_long_the_old_one_signs(
    habeas: Callable[..., typed.Done], tmp_path: Path
) -> None:
    witness = open_witness(tmp_path / "w", "council.example")
    old = witness.vkey
    done = habeas("keys", "rotate", "witness", "--var", tmp_path / "w", "--overlap", "3d")
    assert done.returncode == 0, done.stderr
    assert witness.vkeys[0] == old
    assert f"key: {witness.vkeys[1]}" in done.stdout
    assert "The key before it signs, too, until" in done.stdout
    done = habeas("keys", "rotate", "witness", "--var", tmp_path / "w", "--overlap", "0d")
    assert "The key before it signs nothing more." in done.stdout
    assert "until" not in done.stdout
    assert "HABEAS_WITNESSES" in done.stdout


@pytest.mark.parametrize("sample", ["sqlite"], indirect=True)
def test_every_key_is_listed_with_what_it_does_and_nothing_of_it_that_is_secret(
    habeas: Callable[..., typed.Done], sample: Services
) -> None:
    assert habeas("keys", "rotate", "lease", "--in", "1h").returncode == 0
    shown = habeas("keys", "list")
    assert shown.returncode == 0, shown.stderr
    assert "Key set 2 is believed until" in shown.stdout
    listed = json.loads(habeas("keys", "list", "--json").stdout)
    states = [row["state"] for row in listed["keys"] if row["use"] == "lease"]
    assert states == ["signs", "waits"]
    for row in listed["keys"]:
        assert row["id"][:20] in shown.stdout, row
    for file in (sample.settings.var / "keys").iterdir():
        assert b64u(file.read_bytes()) not in shown.stdout + json.dumps(listed)
        assert file.read_bytes().hex() not in shown.stdout + json.dumps(listed)


@pytest.mark.parametrize("name", TYPE_OF)
@pytest.mark.parametrize("sample", ["sqlite"], indirect=True)
def test_where_a_key_is_lost_without_a_copy_another_one_follows_it_and_the_service_starts(
    habeas: Callable[..., typed.Done], sample: Services, name: str
) -> None:
    """The start says how; the list says which; nothing is made in its place without being asked."""
    file = sample.settings.var / "keys" / f"{name}.key"
    lost = thumbprint(sample.keys.signer(name).public)
    file.unlink()
    refused = habeas("people", "places")
    assert refused.returncode == 2
    assert f"habeas keys rotate {name} --revoke" in " ".join(refused.stderr.split())
    listed = json.loads(habeas("keys", "list", "--json").stdout)
    assert [row["id"] for row in listed["keys"] if row["todo"] == "put_back"] == [lost]
    assert not file.exists()
    assert habeas("people", "places").returncode == 2
    done = habeas("keys", "rotate", name, "--revoke")
    assert done.returncode == 0, done.stderr
    assert habeas("people", "places").returncode == 0
    used = in_force(sample).in_use(TYPE_OF[name], sample.clock.now())
    assert used is not None
    assert used.kid != lost


@pytest.mark.parametrize("sample", ["sqlite"], indirect=True)
def test_two_lost_keys_are_followed_one_by_one(
    habeas: Callable[..., typed.Done], sample: Services
) -> None:
    for name in ("lease", "receipt"):
        (sample.settings.var / "keys" / f"{name}.key").unlink()
    assert habeas("keys", "rotate", "lease", "--revoke").returncode == 0
    assert "receipt.key" in habeas("people", "places").stderr
    assert habeas("keys", "rotate", "receipt", "--revoke").returncode == 0
    assert habeas("people", "places").returncode == 0


@pytest.mark.parametrize("sample", ["sqlite"], indirect=True)
def test_without_the_root_no_key_follows(
    habeas: Callable[..., typed.Done], sample: Services
) -> None:
    (sample.settings.var / "keys" / "root.key").unlink()
    done = habeas("keys", "rotate", "lease", "--revoke")
    assert done.returncode == 2
    assert "root.key" in done.stderr
    assert in_force(sample).version == 1


@pytest.mark.slow
def test_a_list_of_custodians_that_no_service_took_into_force_is_no_root(
    office: Office, serving: Services
) -> None:
    lines = (office.folder / "custodians.txt").read_text(encoding="utf-8")
    own = office.says("custodian", "new", "mallory", "--out", "mallory.key")
    (office.folder / "custodians.txt").write_text(own + lines, encoding="utf-8")
    refused = office.says("keys", "publish", "--custodians", "--out", "root.statement", code=2)
    assert "HABEAS_CUSTODIANS names the list" in refused
    assert not (office.folder / "root.statement").exists()
    assert in_force(serving).root.version == 1


@pytest.mark.parametrize("sample", ["sqlite"], indirect=True)
def test_after_a_restore_a_set_beyond_those_that_were_lost_is_published(
    habeas: Callable[..., typed.Done], sample: Services
) -> None:
    before = in_force(sample)
    done = habeas("keys", "publish", "--beyond", "40")
    assert "Key set 41 is in force" in done.stdout, done.stderr
    assert in_force(sample).keys == before.keys
    assert "Key set 42 is in force" in habeas("keys", "publish", "--beyond", "7").stdout
