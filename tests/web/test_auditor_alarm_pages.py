"""The page of alarms over HTTP, on both databases: two people clear an alarm, and nobody else."""

import re
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from app.audit.entries.model import SYSTEM, EntryFilter, Event, Kind
from app.audit.reading.service import ReadingService
from app.main import create_app
from app.wiring import Services
from tests import make
from tests.tamper import sql
from tests.web.auditing import DORA, EVE, LEA
from tests.web.visiting import Visit, employ, text_of, visit

PATH, PROPOSE, CLEAR = "/auditor/alarms", "/auditor/alarms/propose", "/auditor/alarms/clear"
REASON = "An operator tried a statement; the row is back."


@pytest.fixture
def client(services: Services) -> TestClient:
    """The application without its background: the log is numbered when a test says so."""
    url = services.settings.base_url
    return TestClient(create_app(services), base_url=url, follow_redirects=False)


@pytest.fixture
def chain(services: Services, people: None) -> str:
    """What an alarm is open on: Eve's row was changed with SQL."""
    sql(services.database, f"UPDATE person SET department = 'Board' WHERE id = '{EVE}'")
    with services.database.read() as tx:
        assert services.directory.person(tx, EVE).disputed
    services.integrator.integrate()
    (chain,) = services.database.seals.alarms
    return chain


@pytest.fixture
def dora(client: TestClient, services: Services, people: None) -> Visit:
    return visit(client, services, DORA)


@pytest.fixture
def lea(client: TestClient, services: Services, people: None) -> Visit:
    return visit(client, services, LEA)


def steps(services: Services) -> list[str]:
    """The kinds of the entries about alarms, the oldest first."""
    services.integrator.integrate()
    kinds = ("alarm.raised", "alarm.clear_proposed", "alarm.cleared")
    with services.database.read() as tx:
        found = ReadingService(services.log).search(tx, EntryFilter(kinds=kinds))
    return [str(entry.leaf["kind"]) for entry in reversed(found)]


def test_without_an_alarm_the_page_says_so_and_how_to_compare(alf: Visit, lea: Visit) -> None:
    for one in (alf, lea):
        text = text_of(one.get(PATH))
        assert "No alarm is open." in text
        assert "habeas doctor compares all of them now" in text
        assert "Propose to clear" not in text


def test_an_alarm_says_when_and_why_it_was_raised_about_what_and_what_helps(
    chain: str, alf: Visit, lea: Visit
) -> None:
    for one in (alf, lea):
        page = one.get(PATH)
        text = text_of(page)
        assert "1 open alarm." in text
        assert "What the directory has of a person" in text
        assert "A row has no seal, or one that does not fit. Table person" in text
        assert "Import the person's line again." in text
        assert "When tables and log disagree" in text
        assert re.search(r"Raised <time datetime=|Raised</dt><dd><time", page.text)
        assert chain.partition(":")[2] in page.text
    assert "/auditor/entries/" in alf.get(PATH).text
    assert "/auditor/entries/" not in lea.get(PATH).text, "legal may not read the log"


def test_one_person_proposes_and_another_reads_why_and_clears(
    chain: str, alf: Visit, lea: Visit, dora: Visit, services: Services
) -> None:
    assert alf.post(PROPOSE, chain=chain, reason=REASON).headers["Location"] == PATH
    own = text_of(alf.get(PATH))
    assert "You proposed to clear this. A second person has to agree." in own
    assert "Clear the alarm" not in own
    with services.database.read() as tx:
        by = services.log.pseudonym_of(tx, alf.person_id)
    for second in (lea, dora):
        page = second.get(PATH)
        assert REASON in text_of(page)
        assert str(by) in page.text
        assert "Alf Sample" not in page.text, "no name is next to a pseudonym"
        assert 'aria-label="Clear the alarm: What the directory has' in page.text
    assert lea.post(CLEAR, chain=chain).headers["Location"] == PATH
    assert "Two people have cleared this alarm" in text_of(dora.get(PATH))
    assert steps(services) == ["alarm.raised", "alarm.clear_proposed", "alarm.cleared"]
    assert "No alarm is open." in text_of(dora.get(PATH))


def test_whoever_proposed_does_not_clear(chain: str, alf: Visit, services: Services) -> None:
    alf.post(PROPOSE, chain=chain, reason=REASON)
    answer = alf.post(CLEAR, chain=chain)
    assert answer.status_code == 403
    assert "two people must agree" in text_of(answer)
    assert steps(services) == ["alarm.raised", "alarm.clear_proposed"]


def test_a_button_that_is_pressed_twice_does_nothing_the_second_time(
    chain: str, alf: Visit, lea: Visit, services: Services
) -> None:
    alf.post(PROPOSE, chain=chain, reason=REASON)
    assert "ou proposed this already" in text_of(alf.post(PROPOSE, chain=chain, reason=REASON))
    lea.post(CLEAR, chain=chain)
    again = lea.post(CLEAR, chain=chain)
    assert again.status_code == 409
    assert "wo people have cleared this alarm already" in text_of(again)
    assert steps(services) == ["alarm.raised", "alarm.clear_proposed", "alarm.cleared"]


def test_nothing_is_cleared_that_nobody_proposed(
    chain: str, lea: Visit, services: Services
) -> None:
    assert lea.post(CLEAR, chain=chain).status_code == 409
    assert lea.post(CLEAR, chain="catalogue").status_code == 404
    assert steps(services) == ["alarm.raised"]


@pytest.mark.parametrize("reason", ["", "  ", "so " * 1_000])
def test_a_reason_that_is_missing_or_too_long_is_named_and_kept(
    chain: str, alf: Visit, services: Services, reason: str
) -> None:
    answer = alf.post(PROPOSE, chain=chain, reason=reason)
    assert answer.status_code == 422
    assert "Nothing was proposed yet" in text_of(answer)
    assert 'href="#reason"' in answer.text
    field = re.search(r'<textarea id="reason"[^>]*aria-invalid="true">\n([^<]*)<', answer.text)
    assert field is not None
    assert field[1] == reason
    assert '<details class="no-print" open>' in answer.text
    assert steps(services) == ["alarm.raised"]


@pytest.mark.parametrize("csrf", ["", "another"])
def test_a_form_without_the_token_of_the_session_does_nothing(
    chain: str, alf: Visit, lea: Visit, services: Services, csrf: str
) -> None:
    own, alf.csrf = alf.csrf, csrf
    assert alf.post(PROPOSE, chain=chain, reason=REASON).status_code == 403
    alf.csrf = lea.csrf
    assert alf.post(PROPOSE, chain=chain, reason=REASON).status_code == 403
    alf.csrf = own
    alf.post(PROPOSE, chain=chain, reason=REASON)
    lea.csrf = csrf
    assert lea.post(CLEAR, chain=chain).status_code == 403
    lea.csrf = own
    assert lea.post(CLEAR, chain=chain).status_code == 403
    assert steps(services) == ["alarm.raised", "alarm.clear_proposed"]


@pytest.mark.parametrize("roles", [(), ("admin",), ("works_council@GB",)])
def test_who_has_no_role_for_it_neither_reads_nor_clears(
    chain: str, alf: Visit, client: TestClient, services: Services, roles: tuple[str, ...]
) -> None:
    employ(services, [make.person("E-9", *roles, name="Nia Sample")])
    alf.post(PROPOSE, chain=chain, reason=REASON)
    nia = visit(client, services, "E-9")
    answers = [
        nia.get(PATH),
        nia.post(PROPOSE, chain=chain, reason="I"),
        nia.post(CLEAR, chain=chain),
    ]
    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert not any(REASON in answer.text or chain in answer.text for answer in answers)
    assert steps(services) == ["alarm.raised", "alarm.clear_proposed"]


def test_nobody_clears_the_alarm_about_themselves(
    alf: Visit, lea: Visit, services: Services
) -> None:
    """Not while it is open, although the row is back as it was."""
    with services.database.read() as tx:
        before = services.directory.person(tx, LEA).department
    for department in ("Board", before):
        sql(
            services.database,
            f"UPDATE person SET department = '{department}' WHERE id = '{LEA}'",
        )
        assert lea.get(PATH).status_code == 403
        services.integrator.integrate()
    (chain,) = services.database.seals.alarms
    alf.post(PROPOSE, chain=chain, reason=REASON)
    assert lea.post(CLEAR, chain=chain).status_code == 403
    assert steps(services) == ["alarm.raised", "alarm.clear_proposed"]


def test_rows_that_still_disagree_are_told_before_the_alarm_is_cleared(
    chain: str, alf: Visit, services: Services
) -> None:
    assert "Not by this process yet." in text_of(alf.get(PATH))
    services.reconciler.examine(lambda *_: None)
    text = text_of(alf.get(PATH))
    assert "rows here did not agree with the log" in text
    assert "the alarm comes back after it is cleared" in text


def test_every_row_of_an_alarm_that_disagrees_is_named(
    chain: str, alf: Visit, services: Services
) -> None:
    sql(services.database, f"UPDATE person_version SET region = 'FR' WHERE person_id = '{EVE}'")
    services.reconciler.examine(lambda *_: None)
    text = text_of(alf.get(PATH))
    pseudonym = chain.partition(":")[2]
    assert f"person {pseudonym} has no seal, or one that does not fit" in text
    assert re.search("person_version [^ ]+ has no seal, or one that does not fit", text)
    assert re.search(r"person_version [^ ]+ says something else than its entry \(.*region", text)


def make_unreadable(services: Services) -> None:
    """The last entry, which another process has numbered and this one has not folded yet."""
    with services.database.write() as tx:
        services.log.append(tx, Event(Kind.LOG_READ, SYSTEM), services.clock.now())
    replace(services.integrator, fold=None).integrate()
    kind = "BLOB" if services.database.dialect == "sqlite" else "BYTEA"
    last = "(SELECT max(idx) FROM audit_leaf)"
    sql(services.database, f"UPDATE audit_leaf SET entry = CAST('x' AS {kind}) WHERE idx = {last}")


def test_a_log_that_cannot_be_read_is_the_first_alarm_and_nothing_can_be_cleared(
    chain: str, alf: Visit, services: Services
) -> None:
    make_unreadable(services)
    text = text_of(alf.get(PATH))
    assert "2 open alarms." in text
    assert text.index("The log itself") < text.index("What the directory has of a person")
    assert "The log is not what was signed: entry" in text
    assert "Restore the newest sound copy of the database." in text
    assert "Nobody can propose or clear anything until the log can be believed." in text
    assert "Propose to clear" not in text


def test_while_the_log_cannot_be_believed_whoever_asks_for_alarms_is_told_that(
    chain: str, alf: Visit, services: Services
) -> None:
    make_unreadable(services)
    services.fold.catch_up()
    broken = services.database.seals.broken
    assert broken is not None
    answer = alf.get(PATH)
    text = text_of(answer)
    assert answer.status_code == 403
    assert f"The log cannot be believed, so nobody's roles count ({broken})" in text.replace(
        "\u2019", "'"
    )
    assert "restores the newest sound copy of the database" in text
    assert "you can always opt out there" in text
    assert "What the directory says about you" not in text


def test_a_proposal_whose_reason_is_lost_is_made_anew(
    chain: str, alf: Visit, lea: Visit, services: Services
) -> None:
    alf.post(PROPOSE, chain=chain, reason=REASON)
    sql(services.database, "DELETE FROM audit_body")
    text = text_of(lea.get(PATH))
    assert "Its reason is not kept any more, or was altered." in text
    assert "Clear the alarm" not in text
    lea.post(PROPOSE, chain=chain, reason="The reason was lost.")
    assert "The reason was lost." in text_of(alf.get(PATH))


def test_the_health_page_leads_to_open_alarms(chain: str, alf: Visit) -> None:
    page = alf.get("/auditor/health").text
    assert f'<a class="no-print" href="{PATH}">Alarms</a>' in page
    assert "ago ago" not in page
