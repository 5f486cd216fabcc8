"""The auditor's pages over HTTP, on both databases: search, one entry, find a person, export."""

import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.audit.checkpoint import open_checkpoint, parse_tlog_proof, parse_vkey
from app.audit.merkle import leaf_hash, verify_inclusion
from app.audit.model import EntryFilter
from app.sdk.verify import verify
from app.wiring import Services
from tests import make
from tests.web.visiting import Visit, employ, text_of, visit

ALF, DORA, EVE, LEA = "E-1", "E-2", "E-3", "E-4"


@pytest.fixture
def people(services: Services) -> None:
    employ(
        services,
        [
            make.person(ALF, "auditor", name="Alf Sample"),
            make.person(DORA, "dpo@GB", name="Dora Example"),
            make.person(EVE, name="Eve Sample"),
            make.person(LEA, "legal@GB", name="Lea Example"),
        ],
    )
    services.integrator.integrate()


@pytest.fixture
def alf(client: TestClient, services: Services, people: None) -> Visit:
    return visit(client, services, ALF)


def _newest(services: Services, kind: str) -> dict[str, object]:
    services.integrator.integrate()
    with services.database.read() as tx:
        return dict(services.log.search(tx, EntryFilter(kind=kind, limit=1))[0].leaf)


def _size(services: Services) -> int:
    services.integrator.integrate()
    with services.database.read() as tx:
        return services.log.size(tx)


def test_the_log_lists_entries_in_words_the_newest_first(alf: Visit, services: Services) -> None:
    services.integrator.integrate()
    said = text_of(alf.get("/auditor"))
    assert said.index("Person recorded") < said.index("Log opened", said.index("Person recorded"))
    assert "nothing waiting" in said


def test_reading_the_log_is_an_entry_of_the_log(alf: Visit, services: Services) -> None:
    before = _size(services)
    assert alf.get("/auditor?kind=directory.person").status_code == 200
    leaf = _newest(services, "log.read")
    assert _size(services) == before + 1
    assert leaf["facts"] == {"kind": "directory.person", "subject": None, "count": 4}
    assert leaf["actor"]["kind"] == "person"  # type: ignore[index]


def test_a_search_narrows_and_what_was_asked_stays_in_the_form(alf: Visit) -> None:
    page = alf.get("/auditor?kind=directory.imported")
    assert page.text.count("Person recorded</td>") == 0
    assert re.search(r'value="directory.imported" selected', page.text)


def test_a_person_is_looked_for_as_the_one_who_acts_or_whom_it_is_about(
    alf: Visit, services: Services
) -> None:
    services.integrator.integrate()
    with services.database.read() as tx:
        own = services.log.pseudonym(tx, ALF)
    by = alf.get(f"/auditor?person={own}&side=by").text
    about = alf.get(f"/auditor?person={own}").text
    rows = '<td role="cell" data-label="What">'
    assert f"{rows}Signed in" in by
    assert f"{rows}Person recorded" not in by
    assert f"{rows}Person recorded" in about
    assert f"{rows}Signed in" not in about


def test_nothing_found_says_so(alf: Visit) -> None:
    assert "No entry matches." in text_of(alf.get("/auditor?purpose=hr.scoring"))


@pytest.mark.parametrize(
    "query",
    [
        "person=Eve",
        "before=soon",
        "before=-1",
        "person=p_" + "g" * 32,
        "person=p_" + "0" * 32,
        "kind=Anna Muster was ill on Monday",
        "purpose=Anna Muster",
        "outcome=Anna Muster",
        "side=Anna Muster",
    ],
)
def test_a_search_that_makes_no_sense_is_mended_not_recorded(
    alf: Visit, services: Services, query: str
) -> None:
    before = _size(services)
    page = alf.get(f"/auditor?{query}")
    assert page.status_code == 422
    assert "Something needs another look" in text_of(page)
    assert _size(services) == before


def test_looking_for_somebody_and_opening_an_entry_about_them_is_in_their_stream(
    alf: Visit, services: Services
) -> None:
    with services.database.read() as tx:
        eve = services.log.pseudonym(tx, EVE)
        about_eve = services.log.search(tx, EntryFilter(subject=eve))[0].idx
    assert alf.get(f"/auditor?person={eve}").status_code == 200
    assert alf.get(f"/auditor?person={eve}&side=by").status_code == 200
    assert alf.get(f"/auditor/entries/{about_eve}").status_code == 200
    assert alf.get(f"/auditor/entries/{about_eve}/proof").status_code == 200
    alf.get("/auditor?kind=directory.person")
    services.integrator.integrate()
    with services.database.read() as tx:
        reads = services.log.search(tx, EntryFilter(kind="log.read", subject=eve))
    assert [entry.leaf["subjects"] for entry in reads] == [[eve]] * 4


def test_paging_shows_every_entry_once(alf: Visit, services: Services) -> None:
    employ(services, [make.person(f"E-1{number:03}") for number in range(60)])
    size = _size(services)
    seen: list[int] = []
    path: str | None = f"/auditor?before={size}"
    while path is not None:
        page = alf.get(path).text
        table = page.partition('<table class="listed entries"')[2].partition("</table>")[0]
        seen += [int(found) for found in re.findall(r'href="/auditor/entries/(\d+)"', table)]
        older = re.search(r'rel="next" href="([^"]+)"', page)
        path = older[1].replace("&amp;", "&") if older else None
    assert seen == list(reversed(range(size)))


def test_an_entry_shows_its_bytes_and_a_proof_that_holds(alf: Visit, services: Services) -> None:
    size = _size(services)
    page = alf.get(f"/auditor/entries/{size - 2}")
    assert page.status_code == 200
    with services.database.read() as tx:
        entry = services.log.entry(tx, size - 2)
    assert entry.leaf_hash.hex() in page.text
    assert leaf_hash(entry.raw) == entry.leaf_hash
    said = text_of(page)
    assert entry.raw.decode() in said
    assert f"in the log of {size} entries" in said


def test_the_proof_file_verifies_with_the_log_key_alone(alf: Visit, services: Services) -> None:
    _size(services)
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
    before = _size(services)
    alf.get("/auditor/entries/0")
    alf.get("/auditor/entries/0/proof")
    assert _size(services) == before + 2
    assert _newest(services, "log.read")["facts"] == {
        "kind": "log.opened",
        "subject": None,
        "count": 1,
    }


def test_an_index_that_the_log_does_not_have_is_a_page(alf: Visit) -> None:
    assert alf.get("/auditor/entries/999999").status_code == 404
    assert alf.get("/auditor/entries/99999999999999999999").status_code == 422


def test_a_pseudonym_costs_a_reason_and_the_person_can_learn_of_it(
    alf: Visit, services: Services
) -> None:
    before = _size(services)
    refused = alf.post("/auditor/people", who="Eve Sample")
    assert refused.status_code == 422
    assert "Say why you look" in text_of(refused)
    assert "p_" not in refused.text.partition('id="people"')[2]
    assert _size(services) == before

    given = alf.post("/auditor/people", who="eve sample", reason="Her own request of today.")
    found = re.search(r"p_[0-9a-f]{32}", given.text.partition('id="people"')[2])
    assert found is not None
    with services.database.read() as tx:
        assert services.log.pseudonym(tx, EVE) == found[0]
    services.integrator.integrate()
    with services.database.read() as tx:
        about = services.log.search(tx, EntryFilter(kind="log.read", subject=found[0]))
        assert len(about) == 1
        assert services.log.body(tx, about[0].leaf["event"]) == {
            "reason": "Her own request of today."
        }
    assert b"Her own request" not in about[0].raw


def test_a_name_that_fits_nobody_or_several_is_not_guessed(alf: Visit, services: Services) -> None:
    employ(services, [make.person("E-9", name="Eve Sample")])
    assert "Nobody has exactly" in text_of(alf.post("/auditor/people", who="Eve", reason="x"))
    assert "Several people" in text_of(alf.post("/auditor/people", who="Eve Sample", reason="x"))
    assert alf.post("/auditor/people", who="E-9", reason="x").status_code == 200


def test_an_export_verifies_and_is_its_own_last_entry(
    alf: Visit, services: Services, tmp_path: Path
) -> None:
    assert "habeas verify" in text_of(alf.get("/auditor/export"))
    answer = alf.post("/auditor/export")
    assert answer.status_code == 200
    file = tmp_path / "export.tar"
    file.write_bytes(answer.content)
    report = verify(file, services.integrator.vkey)
    assert report.ok, report
    assert _newest(services, "log.exported")["idx"] == _size(services) - 1


@pytest.mark.parametrize(
    ("person", "readable", "exportable"),
    [(ALF, True, True), (DORA, True, False), (EVE, False, False), (LEA, False, False)],
)
def test_nobody_reaches_the_log_who_may_not(
    client: TestClient,
    services: Services,
    people: None,
    person: str,
    *,
    readable: bool,
    exportable: bool,
) -> None:
    one = visit(client, services, person)
    services.integrator.integrate()
    reading = 200 if readable else 403
    exporting = 200 if exportable else 403
    assert one.get("/auditor").status_code == reading
    assert one.get("/auditor/entries/0").status_code == reading
    assert one.get("/auditor/entries/0/proof").status_code == reading
    assert one.post("/auditor/people", who=EVE, reason="x").status_code == reading
    assert one.get("/auditor/export").status_code == exporting
    assert one.post("/auditor/export").status_code == exporting


def test_a_name_never_stands_beside_a_pseudonym_in_the_list(alf: Visit) -> None:
    page = alf.get("/auditor").text
    table = page.partition('<table class="listed entries"')[2].partition("</table>")[0]
    assert "Sample" not in table
    assert "Example" not in table


def test_the_forms_need_the_word_of_the_session(alf: Visit) -> None:
    alf.csrf = "another"
    assert alf.post("/auditor/export").status_code == 403
    assert alf.post("/auditor/people", who=EVE, reason="x").status_code == 403
