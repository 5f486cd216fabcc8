"""One entry over HTTP, on both databases: its bytes, its proof, its streams, its detail."""

from app.audit.entries import erasure
from app.audit.entries.erasure import Erasure
from app.audit.entries.model import SYSTEM, EntryFilter, Event, Kind
from app.audit.reading.service import ReadingService
from app.audit.tree.checkpoint import open_checkpoint, parse_vkey
from app.audit.tree.merkle import leaf_hash, verify_inclusion
from app.audit.tree.proof_file import parse_tlog_proof
from app.wiring import Services
from tests.web.auditing import ALF, EVE, log_size, newest
from tests.web.visiting import Visit, text_of


def test_an_entry_shows_its_bytes_and_a_proof_that_holds(alf: Visit, services: Services) -> None:
    size = log_size(services)
    page = alf.get(f"/auditor/entries/{size - 2}")
    assert page.status_code == 200
    with services.database.read() as tx:
        entry = ReadingService(services.log).entry(tx, size - 2)
    assert entry.leaf_hash.hex() in page.text
    assert leaf_hash(entry.raw) == entry.leaf_hash
    text = text_of(page)
    assert entry.raw.decode() in text
    assert f"in the log of {size} entries" in text


def test_the_proof_file_verifies_with_the_log_key_alone(alf: Visit, services: Services) -> None:
    log_size(services)
    answer = alf.get("/auditor/entries/3/proof")
    assert answer.headers["content-disposition"] == (
        'attachment; filename="habeas-entry-3.tlog-proof"'
    )
    proof = parse_tlog_proof(answer.text)
    key = parse_vkey(services.integrator.vkey)
    signed = open_checkpoint(proof.checkpoint.encode(), key)
    assert proof.extra is not None
    verify_inclusion(3, signed.size, leaf_hash(proof.extra), proof.path, signed.root)


def test_looking_at_an_entry_is_an_entry(alf: Visit, services: Services) -> None:
    before = log_size(services)
    alf.get("/auditor/entries/0")
    alf.get("/auditor/entries/0/proof")
    assert log_size(services) == before + 2
    assert newest(services, "log.read")["facts"] == {
        "kind": "log.opened",
        "subject": None,
        "count": 1,
    }


def test_an_entry_leads_to_its_neighbours_in_each_stream(alf: Visit, services: Services) -> None:
    alf.get("/auditor?kind=directory.imported")
    alf.get("/auditor?kind=directory.imported")
    log_size(services)
    with services.database.read() as tx:
        own = services.log.pseudonym(tx, ALF)
        by = ReadingService(services.log).search(tx, EntryFilter(actor=f"person:{own}"))
    newest, middle, oldest = (entry.idx for entry in by)
    page = alf.get(f"/auditor/entries/{middle}").text
    section = page.partition('id="streams"')[2].partition("</section>")[0]
    assert f'href="/auditor/entries/{oldest}"' in section
    assert f'href="/auditor/entries/{newest}"' in section
    first = alf.get(f"/auditor/entries/{oldest}").text
    assert "the first" in first.partition('id="streams"')[2].partition("</section>")[0]


def _with_detail(services: Services) -> int:
    with services.database.write() as tx:
        event = Event(
            Kind.CONSENT_REVOKED, SYSTEM, {}, subjects=(EVE,), body={"note": "A private matter."}
        )
        event_id = services.log.append(tx, event, services.clock.now())
    services.integrator.integrate()
    with services.database.read() as tx:
        idx = services.log.index_of(tx, event_id)
    assert idx is not None
    return idx


def test_personal_detail_is_opened_against_a_reason_and_that_is_an_entry(
    alf: Visit, services: Services
) -> None:
    idx = _with_detail(services)
    assert "A private matter." not in alf.get(f"/auditor/entries/{idx}").text
    refused = alf.post(f"/auditor/entries/{idx}", reason="  ")
    assert refused.status_code == 422
    assert "A private matter." not in refused.text
    before = log_size(services)
    opened = alf.post(f"/auditor/entries/{idx}", reason="Her complaint of today.")
    assert "A private matter." in opened.text
    assert log_size(services) == before + 1
    leaf = newest(services, "log.body_read")
    with services.database.read() as tx:
        eve = services.log.pseudonym(tx, EVE)
        assert ReadingService(services.log).body(tx, str(leaf["event"])) == {
            "reason": "Her complaint of today."
        }
    assert leaf["subjects"] == [eve]
    assert leaf["facts"] == {"kind": "consent.revoked", "entry": idx}


def test_of_erased_detail_the_commitment_alone_is_left(alf: Visit, services: Services) -> None:
    idx = _with_detail(services)
    with services.database.read() as tx:
        eve = services.log.pseudonym(tx, EVE)
        event = ReadingService(services.log).entry(tx, idx).leaf["event"]
    with services.database.write() as tx:
        now = services.clock.now()
        entry = services.log.append(
            tx, Event(Kind.SUBJECT_ERASED, SYSTEM, {}, subjects=(EVE,)), now
        )
        done = Erasure(eve, None, None, entry, 1, 1, now)
        erasure.add(tx, done)
        erasure.destroy(tx, eve)
    services.integrator.integrate()
    with services.database.read() as tx:
        assert ReadingService(services.log).owner(tx, event) is None
    page = alf.get(f"/auditor/entries/{idx}")
    assert "Only the commitment remains." in text_of(page)
    assert eve in page.text
    again = alf.post(f"/auditor/entries/{idx}", reason="x")
    assert again.status_code == 200
    assert "A private matter." not in again.text


def test_an_entry_without_detail_says_so(alf: Visit, services: Services) -> None:
    log_size(services)
    assert "None. Everything about this entry stands above." in text_of(
        alf.get("/auditor/entries/0")
    )
    assert alf.post("/auditor/entries/0", reason="x").status_code == 200
    assert "log.body_read" not in _counts(services)


def _counts(services: Services) -> dict[str, int]:
    services.integrator.integrate()
    with services.database.read() as tx:
        return ReadingService(services.log).counts_by_kind(tx)


def test_an_index_that_the_log_does_not_have_is_a_page(alf: Visit) -> None:
    assert alf.get("/auditor/entries/999999").status_code == 404
    assert alf.get("/auditor/entries/99999999999999999999").status_code == 422
