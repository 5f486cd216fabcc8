"""A receipt checked in Chromium: signature, lines, other files, attacks, and a browser without."""

import json
import shlex
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from app.demo.visitor import PlainBrowser
from app.kernel.canonical import canonical
from app.kernel.signing import LocalSigner, b64u, jwk, sign_token, thumbprint
from app.kernel.tokens import KEY_USE, RECEIPT_TYPE
from app.web.employee.receipt_rows import said
from tests import typed
from tests.web.conftest import Site
from tests.web.house import House
from tests.web.window import barriers

pytestmark = pytest.mark.browser

PERSON = "E-0088"
WITHOUT_ED25519 = """
const known = SubtleCrypto.prototype.importKey;
SubtleCrypto.prototype.importKey = function (format, data, algorithm, ...rest) {
  if ((algorithm.name ?? algorithm) === "Ed25519") {
    return Promise.reject(new DOMException("Unrecognized name.", "NotSupportedError"));
  }
  return known.call(this, format, data, algorithm, ...rest);
};
"""
WITHOUT_SUBTLE = "Object.defineProperty(window.crypto, 'subtle', { value: undefined });"


@pytest.fixture(scope="session")
def path(served: House) -> str:
    """Where the receipt of somebody who agreed stands; the tests only read it.

    It lasts as long as the demo: a worker may come back to this module after another one, and
    nobody agrees twice.
    """
    with closing(PlainBrowser(served.url)) as browser:
        browser.sign_in(PERSON)
        answer = browser.submit("/me/decide?language=en", "/me/decisions", ("act", "given"))
    served.integrate()
    return answer.url.path


@pytest.fixture
def receipt(site: Site, path: str) -> Page:
    """The receipt's page, before anything is opened."""
    return site.open(PERSON, path)


@pytest.fixture(scope="session")
def document(served: House, path: str) -> dict[str, Any]:
    """The file that the page offers."""
    with closing(PlainBrowser(served.url)) as browser:
        browser.sign_in(PERSON)
        read: dict[str, Any] = browser.get(f"{path}.json").json()
    return read


def verdict(receipt: Page) -> Locator:
    return receipt.locator("#receipt-result")


def reload_with(receipt: Page, token: str, instead: str) -> None:
    """Load the page anew, with another token in it than the service sent."""

    def change(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace(token, instead))

    receipt.route(receipt.url, change)
    receipt.reload()


def forged(signer: Any, claims: Mapping[str, Any], **header: object) -> str:
    """A token with a header of one's own, signed all the same."""
    whole = {"alg": "Ed25519", "kid": thumbprint(signer.public), "typ": RECEIPT_TYPE, **header}
    signed = f"{b64u(canonical(whole))}.{b64u(canonical(claims))}"
    return f"{signed}.{b64u(signer.sign(signed.encode()))}"


def test_the_page_checks_its_own_receipt(receipt: Page, site: Site) -> None:
    expect(verdict(receipt)).to_have_attribute("data-state", "held")
    kid = thumbprint(site.house.services.keys.signer("receipt").public)
    expect(verdict(receipt)).to_contain_text(f"made with the key {kid}")
    receipt.get_by_text("Line by line").click()
    rows = receipt.locator("#receipt-compared tbody tr")
    expect(verdict(receipt)).to_contain_text(f"in all {rows.count()} lines")
    assert set(receipt.locator("[data-verdict]").all_inner_texts()) == {"the same"}
    for shown, signed in zip(
        receipt.locator("#receipt-compared td[data-label='This page']").all_inner_texts(),
        receipt.locator("[data-signed]").all_inner_texts(),
        strict=True,
    ):
        assert shown == signed != ""


def test_a_changed_token_is_refused(receipt: Page, document: dict[str, Any]) -> None:
    token = document["token"]
    head, body, signature = token.split(".")
    lie = b64u(canonical({**document["claims"], "sequence": 99}))
    for changed, words in {
        f"{head}.{lie}.{signature}": "signature is wrong",
        f"{head}.{body}.{signature[:-6]}AAAAAA": "signature is wrong",
        f"{head}.{body}": "three parts",
        f"{head}.{body}.{signature}=": "base64url",
        "": "three parts",
    }.items():
        reload_with(receipt, token, changed)
        expect(verdict(receipt)).to_have_attribute("data-state", "failed")
        expect(verdict(receipt)).to_contain_text(words)
        receipt.unroute_all()


def test_a_page_that_says_otherwise_than_the_signed_text_is_named(
    receipt: Page, site: Site, document: dict[str, Any]
) -> None:
    """The service holds the key: it signs one thing and shows another."""
    signer = site.house.services.keys.signer("receipt")
    lie = {**document["claims"], "act": "withdrawn", "name": "Somebody Else", "services": ["slack"]}
    reload_with(receipt, document["token"], sign_token(signer, RECEIPT_TYPE, lie))
    expect(verdict(receipt)).to_have_attribute("data-state", "failed")
    expect(verdict(receipt)).to_contain_text("something else in: Name; Decision; Apps.")
    expect(receipt.locator("#receipt-compared tr[data-same=false]")).to_have_count(3)
    expect(receipt.get_by_role("cell", name="Somebody Else")).to_be_visible()


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ({"alg": "none"}, "algorithm is not Ed25519"),
        ({"alg": "EdDSA"}, "algorithm is not Ed25519"),
        ({"typ": "habeas-lease+jwt"}, "no receipt"),
        ({"crit": ["b64"]}, "other fields"),
        ({"kid": "somebody"}, "does not publish"),
    ],
)
def test_another_header_is_refused_although_the_right_key_signed(
    receipt: Page, site: Site, document: dict[str, Any], header: dict[str, object], words: str
) -> None:
    signer = site.house.services.keys.signer("receipt")
    reload_with(receipt, document["token"], forged(signer, document["claims"], **header))
    expect(verdict(receipt)).to_have_attribute("data-state", "failed")
    expect(verdict(receipt)).to_contain_text(words)


def test_a_key_of_another_use_does_not_sign_receipts(
    receipt: Page, site: Site, document: dict[str, Any]
) -> None:
    lease = site.house.services.keys.signer("lease")
    reload_with(receipt, document["token"], forged(lease, document["claims"]))
    expect(verdict(receipt)).to_contain_text("does not publish for receipts")
    expect(verdict(receipt)).to_have_attribute("data-state", "failed")


def publish(receipt: Page, *keys: Mapping[str, Any], **answer: Any) -> None:
    receipt.route(
        "**/.well-known/jwks.json", lambda route: route.fulfill(json={"keys": [*keys]}, **answer)
    )
    receipt.reload()


def test_another_published_key_is_refused_also_under_the_right_id(
    receipt: Page, document: dict[str, Any]
) -> None:
    other = {**jwk(LocalSigner.generate().public), KEY_USE: RECEIPT_TYPE}
    right = next(key for key in document["keys"]["keys"] if key[KEY_USE] == RECEIPT_TYPE)
    for keys in ((), (other,), ({**other, "kid": right["kid"]},), ({**right, "d": "AA"},)):
        publish(receipt, *keys)
        expect(verdict(receipt)).to_have_attribute("data-state", "failed")
        expect(verdict(receipt)).to_contain_text("does not publish for receipts")
        receipt.unroute_all()


def test_keys_that_do_not_come_give_no_verdict(receipt: Page) -> None:
    publish(receipt, status=503)
    expect(verdict(receipt)).to_have_attribute("data-state", "open")
    expect(verdict(receipt)).to_contain_text("could not be fetched")


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (WITHOUT_ED25519, "This browser cannot check Ed25519 signatures"),
        (WITHOUT_SUBTLE, "checks signatures on https pages only"),
    ],
)
def test_a_browser_without_ed25519_says_so_and_names_the_command(
    receipt: Page, script: str, words: str
) -> None:
    def lacking(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=script + answer.text())

    receipt.route("**/receipt.js*", lacking)
    receipt.reload()
    expect(verdict(receipt)).to_have_attribute("data-state", "open")
    expect(verdict(receipt)).to_contain_text(words)
    expect(verdict(receipt)).to_contain_text("command below")
    expect(receipt.locator("#receipt-compared")).to_be_hidden()


def test_without_javascript_the_page_says_what_was_not_done(site: Site, path: str) -> None:
    receipt = site.open(PERSON, path, java_script_enabled=False)
    expect(verdict(receipt)).to_contain_text("Nothing was checked here yet")
    expect(receipt.get_by_text("habeas verify")).to_be_visible()
    expect(receipt.locator("#receipt-compared")).to_be_hidden()
    receipt.get_by_text("Check another receipt").click()
    expect(receipt.locator("#receipt-other")).to_be_hidden()
    expect(receipt.locator("#receipt-other-needs")).to_be_visible()


def test_a_chosen_or_pasted_receipt_is_checked_and_whose_it_is_is_said(
    receipt: Page, tmp_path: Path, document: dict[str, Any]
) -> None:
    receipt.get_by_text("Check another receipt").click()
    form = receipt.locator("#receipt-other")
    form.get_by_label("Or its text").fill(document["token"])
    form.get_by_role("button", name="Check it").click()
    expect(form.get_by_role("status")).to_contain_text("It is the receipt of this page")
    expect(form.locator("dl")).to_contain_text(document["claims"]["name"])
    file = tmp_path / "receipt.json"
    file.write_text(json.dumps({**document, "claims": {"act": "withdrawn"}}), encoding="utf-8")
    form.get_by_label("The downloaded file").set_input_files(file)
    form.get_by_role("button", name="Check it").click()
    expect(form.get_by_role("status")).to_have_attribute("data-state", "failed")
    expect(form.get_by_role("status")).to_contain_text("shows other claims")


AROUND: dict[str, tuple[dict[str, Any], str]] = {
    "a part that nobody signed": ({"verified": "by the works council"}, "other parts"),
    "the entry of another event": (
        {"log": {"index": 1, "proof": "", "entry": '{"event":"another"}'}},
        "the entry in the file is that of another event",
    ),
    "the promise of another event": (
        {"submission": f"e30.{b64u(canonical({'event': 'another'}))}.e30"},
        "the promise in the file is that of another event",
    ),
}
"""What can be put around a token that is well signed, and what is said of it."""


@pytest.mark.parametrize("case", AROUND)
def test_what_stands_around_a_good_signature_is_not_believed(
    receipt: Page, document: dict[str, Any], case: str
) -> None:
    around, words = AROUND[case]
    receipt.get_by_text("Check another receipt").click()
    form = receipt.locator("#receipt-other")
    form.get_by_label("Or its text").fill(json.dumps(document))
    form.get_by_role("button", name="Check it").click()
    expect(form.get_by_role("status")).to_have_attribute("data-state", "held")
    expect(form.get_by_role("status")).to_contain_text("That the log holds it was not checked here")
    form.get_by_label("Or its text").fill(json.dumps({**document, **around}))
    form.get_by_role("button", name="Check it").click()
    expect(form.get_by_role("status")).to_have_attribute("data-state", "failed")
    expect(form.get_by_role("status")).to_contain_text(words)


def test_a_file_that_lacks_a_part_is_refused(receipt: Page, document: dict[str, Any]) -> None:
    receipt.get_by_text("Check another receipt").click()
    form = receipt.locator("#receipt-other")
    form.get_by_label("Or its text").fill(json.dumps({"token": document["token"]}))
    form.get_by_role("button", name="Check it").click()
    expect(form.get_by_role("status")).to_contain_text("other parts than a receipt has")


def test_the_receipt_of_somebody_else_is_told_apart(
    receipt: Page, site: Site, document: dict[str, Any]
) -> None:
    signer = site.house.services.keys.signer("receipt")
    claims = {**document["claims"], "name": "<img src=x onerror=document.title='owned'>"}
    other = sign_token(signer, RECEIPT_TYPE, {**claims, "record_id": "another"})
    receipt.get_by_text("Check another receipt").click()
    form = receipt.locator("#receipt-other")
    form.get_by_label("Or its text").fill(other)
    form.get_by_role("button", name="Check it").click()
    expect(form.get_by_role("status")).to_contain_text("another receipt than that of this page")
    expect(form.locator("dl")).to_contain_text("<img src=x")
    assert "owned" not in receipt.title()


@pytest.mark.parametrize("text", ["", "no receipt", "{", "{}", "[]", "null", "a.b.c", "..", "{]}"])
def test_what_is_no_receipt_is_refused_in_a_sentence(receipt: Page, text: str) -> None:
    receipt.get_by_text("Check another receipt").click()
    form = receipt.locator("#receipt-other")
    form.get_by_label("Or its text").fill(text)
    form.get_by_role("button", name="Check it").click()
    told = form.get_by_role("status")
    expect(told).to_have_attribute("data-state", "failed" if text else "open")
    for internal in ("undefined", "execute", "JSON", "property", "Unexpected"):
        assert internal not in told.inner_text()
    expect(form.locator("dl")).to_be_hidden()


def test_the_command_of_the_page_works_as_it_is_written(
    receipt: Page, site: Site, tmp_path: Path
) -> None:
    with receipt.expect_download() as download:
        receipt.get_by_role("link", name="Download").click()
    download.value.save_as(tmp_path / download.value.suggested_filename)
    words = shlex.split(receipt.get_by_label("The command to check this receipt").inner_text())
    assert words.pop(0) == "habeas"
    done = typed.habeas(*words, settings={}, folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "of the log that the checkpoint signs" in done.stdout
    assert "the key that the address publishes" in done.stdout
    assert site.house.person(PERSON).name in done.stdout


def test_browser_and_page_write_values_alike(receipt: Page) -> None:
    values: list[Any] = [
        None,
        [],
        {},
        0,
        "",
        "Geräte",
        ["b", "a"],
        [["a", None], 3],
        {"menu": 30, "click": 7},
        [{"pii_type": "click", "mode": "redact", "retention_period": "P7D"}, {"pii_type": "menu"}],
    ]
    assert receipt.evaluate("values => values.map(said)", values) == [said(one) for one in values]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_barrier_on_a_checked_receipt(scheme: str, site: Site, path: str) -> None:
    receipt = site.open(PERSON, path, color_scheme=scheme)
    expect(verdict(receipt)).to_have_attribute("data-state", "held")
    receipt.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    receipt.locator("#receipt-other textarea").fill("a.b.c")
    receipt.locator("#receipt-other button").click()
    expect(receipt.locator("#receipt-other").get_by_role("status")).to_be_visible()
    assert not barriers(receipt)


@pytest.mark.parametrize("width", [320, 390, 768])
def test_a_checked_receipt_is_no_wider_than_the_window(width: int, receipt: Page) -> None:
    receipt.set_viewport_size({"width": width, "height": 640})
    expect(verdict(receipt)).to_have_attribute("data-state", "held")
    receipt.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    assert receipt.evaluate("document.documentElement.scrollWidth") <= width


def test_the_check_breaks_no_rule_of_the_page(receipt: Page) -> None:
    told: list[str] = []
    receipt.on("console", lambda message: told.append(message.text))
    receipt.on("pageerror", lambda error: told.append(str(error)))
    receipt.reload()
    expect(verdict(receipt)).to_have_attribute("data-state", "held")
    assert told == []
