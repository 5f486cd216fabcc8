"""Keys for ``habeas verify``: the value, a file or an address, and what answers at addresses."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from app.audit.tree.checkpoint import VerifierKey
from app.kernel.errors import InvalidInput
from app.kernel.signing import LocalSigner, jwk
from app.kernel.tokens import KEY_USE, RECEIPT_TYPE
from app.sdk.verify import GivenKeys, given_keys
from app.sdk.wire import SMALL
from tests import typed
from tests.vectors import folder as vectors

VKEY = VerifierKey("log.example", LocalSigner.from_seed(bytes(32)).public).vkey
JWKS = json.dumps(
    {"keys": [{**jwk(LocalSigner.from_seed(bytes(32)).public), KEY_USE: RECEIPT_TYPE}]}
).encode()
LOG = Path(__file__).parents[1] / "vectors" / "log"
EXPORT = str(LOG / "export.tar")


ANSWERS: dict[str, tuple[int, dict[str, str], bytes]] = {
    "/log/key": (200, {}, f"{VKEY}\n".encode()),
    "/.well-known/jwks.json": (200, {}, JWKS),
    "/moved": (302, {"Location": "https://habeas.example/log/key"}, VKEY.encode()),
    "/huge": (200, {}, b"{" + b" " * SMALL + b"}"),
    "/packed": (200, {"Content-Encoding": "gzip"}, VKEY.encode()),
    "/page": (200, {}, b"<!doctype html>"),
}
"""What a service answers, and what no service answers."""


def service(request: httpx2.Request) -> httpx2.Response:
    if request.url.path == "/gone":
        raise httpx2.ConnectError("nobody listens")
    status, headers, body = ANSWERS.get(request.url.path, (404, {}, VKEY.encode()))
    return httpx2.Response(status, headers=headers, content=iter((body,)))


@pytest.fixture
def http() -> Iterator[httpx2.Client]:
    with httpx2.Client(transport=httpx2.MockTransport(service)) as made:
        yield made


def test_the_value_is_taken_as_it_is() -> None:
    assert given_keys(f" {VKEY}\n") == GivenKeys(vkey=VKEY)


def test_a_file_is_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "log.vkey").write_text(f"{VKEY}\n", encoding="utf-8")
    (tmp_path / "jwks.json").write_bytes(JWKS)
    assert given_keys(str(tmp_path / "log.vkey")) == GivenKeys(vkey=VKEY)
    assert given_keys(str(tmp_path / "jwks.json")) == GivenKeys(jwks=JWKS)


@pytest.mark.parametrize("address", ["", "/", "/log", "/log/"])
def test_the_address_of_a_service_names_all_its_keys(http: httpx2.Client, address: str) -> None:
    base = "https://habeas.example"
    assert given_keys(base + address, http) == GivenKeys(VKEY, JWKS, base)


def test_any_other_address_is_asked_itself(http: httpx2.Client) -> None:
    key, tokens = "https://habeas.example/log/key", "http://127.0.0.1:8000/.well-known/jwks.json"
    assert given_keys(key, http) == GivenKeys(VKEY, None, key)
    assert given_keys(tokens, http) == GivenKeys(None, JWKS, tokens)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/moved", "redirect"),
        ("/huge", "too long"),
        ("/packed", "packed"),
        ("/gone", "nobody listens"),
        ("/missing", "the answer is 404"),
        ("/page", "neither a key nor a key set"),
    ],
)
def test_an_address_that_does_not_answer_as_it_should_is_refused_with_the_way_out(
    http: httpx2.Client, path: str, words: str
) -> None:
    with pytest.raises(InvalidInput, match=words) as caught:
        given_keys(f"https://habeas.example{path}", http)
    assert f"--key: no key at https://habeas.example{path}" in str(caught.value) or path == "/page"
    assert "give the" in str(caught.value.cure).lower()


@pytest.mark.parametrize(
    "address",
    ["http://habeas.example", "http://127.0.0.1.example", "http://[::2]/log/key", "https://"],
)
def test_an_address_on_which_anybody_can_answer_is_not_asked(address: str) -> None:
    def never(_: httpx2.Request) -> httpx2.Response:
        raise AssertionError("asked")

    with (
        httpx2.Client(transport=httpx2.MockTransport(never)) as http,
        pytest.raises(InvalidInput, match="neither https nor this machine"),
    ):
        given_keys(address, http)


def test_an_address_with_a_password_is_not_asked_and_not_repeated() -> None:
    with pytest.raises(InvalidInput) as caught:
        given_keys("https://anna:secret@habeas.example/log/key")
    assert "a user or a password" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "make",
    [
        lambda _: "nowhere.vkey",
        lambda _: VKEY[:-4] + "AAAA",
        lambda _: "ftp://habeas.example/log/key",
        lambda _: "file:///etc/passwd",
        str,
        lambda _: "a\0b",
    ],
)
def test_what_is_no_key_no_file_and_no_address_names_all_three(
    tmp_path: Path, make: Callable[[Path], str]
) -> None:
    with pytest.raises(InvalidInput) as caught:
        given_keys(make(tmp_path))
    cure = str(caught.value.cure)
    assert "name+keyid+key" in cure
    assert "a file" in cure
    assert "https://" in cure


def test_a_file_that_is_too_large_is_not_read_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "huge").write_bytes(b"{" + b" " * SMALL + b"}")
    with pytest.raises(InvalidInput, match="neither a key nor a key set"):
        given_keys(str(tmp_path / "huge"))


def verify(folder: Path, *words: str) -> typed.Done:
    return typed.habeas("verify", *words, settings={}, folder=folder)


def test_the_verb_takes_a_file_for_the_logs_key(tmp_path: Path) -> None:
    found = json.loads((LOG / "checkpoints.json").read_text(encoding="utf-8"))
    (tmp_path / "log.vkey").write_text(found["vkey"], encoding="utf-8")
    done = verify(tmp_path, EXPORT, "--key", "log.vkey", "--integrity-only")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "(the key you gave)" in done.stdout


@pytest.mark.parametrize("option", ["--key", "--keys"])
def test_the_verb_refuses_keys_of_the_other_kind_with_the_way_out(
    tmp_path: Path, option: str
) -> None:
    (tmp_path / "jwks.json").write_bytes(JWKS)
    value = "jwks.json" if option == "--key" else VKEY
    done = verify(tmp_path, EXPORT, option, value)
    assert (done.returncode, done.stdout) == (2, "")
    assert option in done.stderr
    assert "--key" in done.stderr


@vectors.needed
def test_a_key_set_alone_checks_the_signature_of_a_receipt(tmp_path: Path) -> None:
    release = vectors.FOLDER / "release-0.1"
    receipt = json.loads((release / "receipt.json").read_text(encoding="utf-8"))
    (tmp_path / "jwks.json").write_text(json.dumps(receipt["keys"]), encoding="utf-8")
    (tmp_path / "others.json").write_bytes(JWKS)
    path = str(release / "receipt.json")
    for option in ("--key", "--keys"):
        assert verify(tmp_path, path, option, "jwks.json").returncode == 0
        other = verify(tmp_path, path, option, "others.json")
        assert other.returncode == 1
        assert "unknown key" in other.stdout


@pytest.mark.parametrize("option", ["--key", "--keys", "--max-age"])
@pytest.mark.parametrize("empty", ["", " "])
def test_an_option_that_is_given_and_empty_is_refused(
    tmp_path: Path, option: str, empty: str
) -> None:
    """An unset variable in a script would otherwise check less, and say that all is well."""
    done = verify(tmp_path, EXPORT, option, empty)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{option} is empty" in done.stderr
