"""The page of keys: which signs now, since when, until when, and what to do next."""

from dataclasses import replace
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from app.audit.entries.documents import CUSTODIANS
from app.audit.entries.model import Kind
from app.audit.restore.custody import Custodians
from app.audit.tree.checkpoint import VerifierKey
from app.kernel.signing import b64u
from app.main import create_app
from app.wiring import Services
from tests.fakes import FakeClock
from tests.keys.office import Owner
from tests.keys.test_holdings import ADMIN, publish
from tests.web.auditing import ALF, DORA, EVE, LEA, log_size
from tests.web.visiting import Visit, text_of, visit

DAY = timedelta(days=1)
PAGE = "/auditor/keys"


def row_of(page: str, kid: str) -> str:
    """The line of the table that shows a key."""
    return next(row for row in page.split("<tr")[1:] if kid in row)


@pytest.mark.parametrize(("person", "status"), [(ALF, 200), (DORA, 200), (EVE, 403), (LEA, 403)])
def test_who_reads_the_health_of_the_log_reads_its_keys_and_nobody_else(
    client: TestClient, services: Services, people: None, person: str, status: int
) -> None:
    one = visit(client, services, person)
    assert one.get(PAGE).status_code == one.get("/auditor/health").status_code == status


def test_the_page_names_every_key_and_where_they_are_published(
    alf: Visit, services: Services
) -> None:
    size = log_size(services)
    page = alf.get(PAGE)
    text = text_of(page)
    assert "The keys are in order." in text
    assert "Key set 1 is believed until 14 Feb 2027." in text
    assert "Root 1, the file root.key of this machine" in text
    assert "It is signed anew by itself on 31 Dec 2026" in text
    for key in services.jwks["keys"]:
        assert "signs now" in row_of(page.text, key["kid"])
    assert services.log_key.vkey in page.text
    for address in ("/.well-known/habeas-keys", "/.well-known/jwks.json"):
        assert f'href="{address}"' in page.text
        assert alf.get(address).status_code == 200
    assert "No witness is named" in text
    assert "No consumer is registered." in text
    assert "No custodians are named. The root is a key of this machine" in text
    assert log_size(services) == size


def test_no_page_shows_a_private_key(alf: Visit, services: Services) -> None:
    told = alf.get(PAGE).text + alf.get("/auditor/health").text
    for file in (services.settings.var / "keys").glob("*.key"):
        secret = file.read_bytes()
        assert not any(said in told for said in (secret.hex(), b64u(secret)))


def test_after_a_rotation_the_page_shows_both_keys(
    services: Services, clock: FakeClock, people: None, client: TestClient
) -> None:
    old = services.key_sets.in_force().of("habeas-lease+jwt")[0].kid
    clock.advance(20 * DAY)
    proposed = services.key_sets.propose_rotation("lease", clock.now(), timedelta(hours=2))
    new = publish(services, proposed).of("habeas-lease+jwt")[1].kid
    page = visit(client, services, ALF).get(PAGE).text
    assert "signs now" in row_of(page, old)
    assert "20 days" in row_of(page, old)
    assert "The next one follows on 6 Dec 2026." in row_of(page, old)
    assert "signs from 6 Dec 2026, 11:00 UTC" in row_of(page, new)
    assert "not yet" in row_of(page, new)
    clock.advance(DAY)
    page = visit(client, services, ALF).get(PAGE).text
    assert "signs now" in row_of(page, new)
    assert "less than a day" in row_of(page, new)
    assert "verifies only" in row_of(page, old)
    assert "21 days" in row_of(page, old)
    assert "ended" in row_of(page, old)


def test_a_key_that_was_revoked_says_so(
    services: Services, clock: FakeClock, people: None, client: TestClient
) -> None:
    old = services.key_sets.in_force().of("habeas-grant+jwt")[0].kid
    publish(services, services.key_sets.propose_rotation("grant", clock.now(), revoke=True))
    page = visit(client, services, ALF).get(PAGE).text
    assert "revoked" in row_of(page, old)
    assert "What it signed is believed no more." in row_of(page, old)


def test_a_key_a_year_old_is_to_be_rotated_and_the_command_is_there(
    services: Services, clock: FakeClock, people: None, client: TestClient
) -> None:
    for _ in range(9):
        clock.advance(41 * DAY)
        publish(services, services.key_sets.propose_renewal(clock.now()))
    with services.database.write() as tx:
        services.consumers.register(
            tx, ADMIN, "lake", "Data lake", [], ["storage"], clock.now() - 366 * DAY
        )
    page = visit(client, services, ALF).get(PAGE)
    text = text_of(page)
    assert "The keys work." in text
    assert "6 things to do now, marked below." in text
    for name in ("lease", "receipt", "grant", "submission", "erasure", "consumer --id lake"):
        assert f"habeas keys rotate {name}" in text
    assert "Data lake" in text


def rooted(services: Services, clock: FakeClock) -> tuple[Services, Owner]:
    """The same service, whose key sets two custodians sign from now on."""
    owner = Owner(("council", "dpo"))
    keys = zip(owner.names, owner.signers, strict=True)
    named = Custodians(tuple(VerifierKey(name, key.public) for name, key in keys))
    sets = replace(services.key_sets, custodians=named)
    with services.database.write() as tx:
        kind, listed = Kind.LOG_CUSTODIANS_ADOPTED, named.document
        services.log.adopt(tx, kind, CUSTODIANS, listed, clock.now())
        proposed = sets.propose_root(tx, clock.now())
    sets.publish(owner.sign(proposed.text.encode()), clock.now())
    services.integrator.integrate()
    sets.follow()
    return replace(services, key_sets=sets, custodians=named), owner


@pytest.mark.parametrize(
    ("days", "headline", "known", "todo"),
    [
        (300, "The keys are in order.", "believed until 21 Dec 2027", "Nothing before 22 Oct 2027"),
        (350, "Look at the key set.", "believed until 21 Dec 2027",
         "To do. Have it signed anew before 21 Dec 2027: habeas keys publish"),
        (400, "Look at the key set.", "Key set 2 expired on 21 Dec 2027.",
         "Laptops capture nothing until it is signed anew. Have the root sign it:"),
    ],
)  # fmt: skip
def test_a_set_that_custodians_sign_says_by_when_and_how(
    services: Services,
    clock: FakeClock,
    people: None,
    days: int,
    headline: str,
    known: str,
    todo: str,
) -> None:
    theirs, _ = rooted(services, clock)
    clock.advance(days * DAY)
    # Without the lifespan nothing is renewed and nothing rotated meanwhile.
    still = TestClient(create_app(theirs), base_url=services.settings.base_url)
    one = visit(still, theirs, ALF)
    text = text_of(one.get(PAGE))
    assert headline in text
    assert known in text
    assert "Root 2, 2 keys, of which 2 must sign" in text
    assert todo in text
    health = one.get("/auditor/health")
    assert known in text_of(health)
    is_urgent = headline.startswith("Look")
    assert (todo.removeprefix("To do. ") in text_of(health)) is is_urgent
    assert 'href="/auditor/keys">Keys</a>' in row_of(health.text, ">Keys<")
    assert ("Look at this" in row_of(health.text, ">Keys<")) is is_urgent


def test_a_key_file_that_is_gone_is_said_on_both_pages(alf: Visit, services: Services) -> None:
    (services.settings.var / "keys" / "receipt.key").unlink()
    for path in (PAGE, "/auditor/health"):
        text = text_of(alf.get(path))
        assert "Look at" in text
        assert "Its file is missing or is no key." in text
