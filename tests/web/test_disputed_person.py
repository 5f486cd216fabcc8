"""Somebody whose row was changed with SQL: no page of a role opens, their own pages do."""

from dataclasses import replace

import pytest

from app.audit.entries import store
from app.audit.entries.model import SYSTEM
from app.consent.model import Act
from app.wiring import build
from tests.tamper import sql
from tests.web.house import House, headline, words
from tests.web.test_disputed_decision import somebody

SENTENCE = "What the directory says about you does not agree with the log"
PAGES = {"legal@DE": "/legal", "auditor": "/auditor", "dpo": "/legal"}


def alarms(house: House) -> list[str]:
    """The chains of all alarms in the log."""
    house.integrate()
    with house.services.database.read() as tx:
        entries = store.entries_between(tx, 0, house.services.log.size(tx))
    return [one.leaf["facts"]["chain"] for one in entries if one.leaf["kind"] == "alarm.raised"]


def chain(house: House, person_id: str) -> str:
    with house.services.database.read() as tx:
        return f"person:{house.services.log.pseudonyms(tx, [person_id])[person_id]}"


ROLES = {"E-0041": "legal@DE", "E-0043": "auditor", "E-0044": "dpo"}


@pytest.mark.parametrize("person_id", ROLES)
def test_one_statement_gives_nobody_a_role(person_id: str, house: House) -> None:
    role = ROLES[person_id]
    before = house.person(person_id)
    visitor = house.signed_in(person_id)
    sql(
        house.services.database,
        f"UPDATE person SET roles = '{role}' WHERE id = '{person_id}'",
    )
    page = visitor.get(PAGES[role])
    assert page.status_code == 403
    assert SENTENCE in words(page.text)
    assert "opt out" in words(page.text)
    assert PAGES[role] not in visitor.get("/me").text, "no link leads there"
    assert chain(house, person_id) in alarms(house)
    had = ";".join(str(one) for one in before.roles)
    sql(house.services.database, f"UPDATE person SET roles = '{had}' WHERE id = '{person_id}'")
    assert visitor.get(PAGES[role]).status_code == 403, "the role is taken back, the alarm stays"
    assert alarms(house).count(chain(house, person_id)) == 1


def test_a_lawyer_whose_row_was_touched_signs_nothing_until_the_alarm_is_cleared(
    house: House,
) -> None:
    with house.services.database.read() as tx:
        everybody = house.services.directory.people(tx)
    lawyer = next(one for one in everybody if any(role.name == "legal" for role in one.roles))
    visitor = house.signed_in(lawyer.id)
    assert visitor.get("/legal").status_code == 200
    for department in ("Board", lawyer.department):
        sql(
            house.services.database,
            f"UPDATE person SET department = '{department}' WHERE id = '{lawyer.id}'",
        )
        page = visitor.get("/legal")
        assert page.status_code == 403
        assert SENTENCE in words(page.text)
        house.integrate()
    with house.services.database.write() as tx:
        house.services.directory.import_people(
            tx, [lawyer], actor=SYSTEM, now=house.clock.now(), file_digest="sha256:" + "2" * 64
        )
    assert visitor.get("/legal").status_code == 403, "the row is sound, the alarm is open"


def test_an_address_that_was_taken_over_opens_no_account(house: House) -> None:
    """People are known by their id at the provider: an address says nothing about who signs in."""
    thief, victim = "E-0045", "E-0046"
    address = house.person(victim).email
    sql(
        house.services.database,
        f"UPDATE person SET email = 'gone@example.com' WHERE id = '{victim}'",
        f"UPDATE person SET email = '{address}' WHERE id = '{thief}'",
    )
    browser = house.browser()
    browser.sign_in(thief)
    assert house.person(thief).name in words(browser.get("/me").text)
    assert house.person(victim).name not in words(browser.get("/me").text)
    assert browser.get("/legal").status_code == 403
    assert {chain(house, thief)} <= set(alarms(house))


def test_who_is_disputed_still_comes_in_and_opts_out(house: House) -> None:
    person_id = "E-0047"
    sql(house.services.database, f"UPDATE person SET region = 'XX' WHERE id = '{person_id}'")
    browser = house.browser()
    assert browser.sign_in(person_id).status_code == 200
    answer = browser.http.post("/me/decisions", data={"csrf": browser.csrf(), "act": "refused"})
    assert answer.status_code == 200
    with house.services.database.read() as tx:
        history = house.services.consent.history(tx, person_id)
    assert [decision.act.value for decision in history] == ["refused"]


def test_who_withdrew_and_is_disputed_reads_that_it_stands_and_can_say_no(house: House) -> None:
    who = somebody(house)
    with house.services.database.write() as tx:
        house.services.consent.decide(tx, who, Act.WITHDRAWN, house.clock.now())
    visitor = house.signed_in(who.id)
    assert "Do not capture me" not in visitor.get("/me").text, "what they said stands"
    sql(house.services.database, f"UPDATE person SET department = 'X' WHERE id = '{who.id}'")
    page = visitor.get("/me").text
    assert "You said stop" in page
    assert visitor.press("/me", "Do not capture me").status_code == 200
    with house.services.database.read() as tx:
        history = house.services.consent.history(tx, who.id)
    assert history[-1].act is Act.WITHDRAWN, "it was said, and its receipt is the answer"


def test_somebody_whom_only_a_row_knows_is_not_let_in(house: House) -> None:
    sql(
        house.services.database,
        "INSERT INTO person (id, name, email, region, place, entity, department, manager, roles, "
        "active, residence, version, seal) SELECT 'E-7777', 'Nobody', 'nobody@example.com', "
        "region, place, entity, department, manager, 'legal@DE', active, residence, version, seal "
        "FROM person WHERE id = 'E-0038'",
    )
    assert "does not know you" in headline(house.browser().sign_in_as_text("E-7777"))


def test_who_left_is_not_let_in_by_a_row(house: House) -> None:
    leaver = "E-0048"
    with house.services.database.write() as tx:
        house.services.directory.leave(tx, leaver, SYSTEM, house.clock.now())
    house.integrate()
    sql(house.services.database, f"UPDATE person SET active = true WHERE id = '{leaver}'")
    assert "does not know you" in headline(house.browser().sign_in_as_text(leaver))


FORGED = {
    "moved to another person": "UPDATE person_session SET person_id = 'E-0050' "
    "WHERE person_id = '{who}'",
    "with a form token that somebody knows": "UPDATE person_session SET csrf = 'known' "
    "WHERE person_id = '{who}'",
    "with another end": "UPDATE person_session SET expires_at = '2036-01-01 00:00:00' "
    "WHERE person_id = '{who}'",
}


@pytest.mark.parametrize("said", FORGED)
def test_a_session_that_somebody_rewrote_leads_to_sign_in(said: str, house: House) -> None:
    who = f"E-005{1 + list(FORGED).index(said)}"
    visitor = house.signed_in(who)
    assert sql(house.services.database, FORGED[said].format(who=who)) == 1
    assert visitor.http.get("/me", follow_redirects=False).status_code == 303
    assert visitor.http.post("/me/decisions", data={"csrf": "known"}).status_code == 401


def test_a_process_that_starts_then_sees_the_same(house: House) -> None:
    """What was remembered of the rows does not decide: the row is judged each time it is read."""
    who = "E-0057"
    sql(house.services.database, f"UPDATE person SET roles = 'legal@DE' WHERE id = '{who}'")
    services = build(house.services.settings, clock=house.clock)
    second = replace(house, services=services)
    assert (second.person(who).disputed, second.person(who).roles) == (True, ())
    services.close()
