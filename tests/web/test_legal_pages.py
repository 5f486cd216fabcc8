"""Legal's pages over HTTP, on both databases: propose, approve, tighten, stop, resume, who may."""

import re
from datetime import timedelta

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from app.policy.store import lock
from app.wiring import Services
from tests import make
from tests.fakes import FakeClock
from tests.tamper import sql
from tests.web.visiting import Visit, employ, text_of, visit

GB = """\
region: GB
knobs:
  signals:
    pointer: {mode: allow, retention_days: 30}
    click: {mode: allow, retention_days: 30}
  apps: {value: [intellij, pycharm]}
  purposes: {value: [ai_training.computer_use]}
evidence:
  - {kind: dpia, reference: DPIA-1, sha256: "DIGEST", valid_to: 2027-12-31}
  - {kind: consultation, reference: C-1, sha256: "DIGEST", valid_to: 2027-12-31}
""".replace("DIGEST", "a" * 64)
NARROWER = GB.replace("[intellij, pycharm]", "[intellij]")
WIDER = GB.replace("[intellij, pycharm]", "[intellij, pycharm, vscode]")

ANN, BEN, NORA, EVE, ALF = "E-1", "E-2", "E-3", "E-4", "E-5"


@pytest.fixture
def people(services: Services) -> None:
    employ(
        services,
        [
            make.person(ANN, "legal@GB", name="Ann Example"),
            make.person(BEN, "legal@GB", name="Ben Example"),
            make.person(NORA, "legal@NO", name="Nora Eksempel"),
            make.person(EVE, name="Eve Sample"),
            make.person(ALF, "auditor", name="Alf Sample"),
        ],
    )


@pytest.fixture
def ann(client: TestClient, services: Services, people: None) -> Visit:
    return visit(client, services, ANN)


@pytest.fixture
def ben(client: TestClient, services: Services, people: None) -> Visit:
    return visit(client, services, BEN)


def _propose(by: Visit, text: str = GB) -> str:
    """Propose and return the address of the change."""
    answer = by.post("/legal/regions/GB/propose", text=text, note="For the pilot.", do="propose")
    assert answer.status_code == 303, text_of(answer)
    return answer.headers["location"]


def _read(page: Response) -> dict[str, str]:
    """What the form to approve binds: the digests of the text and of the terms."""
    found = dict(re.findall(r'name="(digest|terms)" value="([^"]+)"', page.text))
    assert found.keys() == {"digest", "terms"}, text_of(page)
    return found


def _approve(by: Visit, change: str) -> Response:
    return by.post(f"{change}/approve", **_read(by.get(change)))


def _publish(author: Visit, approver: Visit, text: str = GB) -> None:
    assert _approve(approver, _propose(author, text)).status_code == 303


def test_a_region_without_a_company_policy_says_that_nothing_is_captured(ann: Visit) -> None:
    page = ann.get("/legal/regions/GB")
    assert page.status_code == 200
    text = text_of(page)
    assert "United Kingdom: nothing can be captured" in text
    assert "no company policy is in force" in text


def test_what_one_person_proposes_another_brings_into_force(ann: Visit, ben: Visit) -> None:
    change = _propose(ann)
    waiting = text_of(ben.get(change))
    assert "waits for a second person of legal" in waiting
    assert "IntelliJ IDEA" in waiting
    assert _approve(ben, change).status_code == 303
    assert "is in force" in text_of(ben.get(change))
    assert "can be captured in 2 apps" in text_of(ben.get("/legal/regions/GB"))


def test_the_author_sees_why_they_cannot_approve_and_cannot(ann: Visit) -> None:
    change = _propose(ann)
    page = ann.get(change)
    assert "You wrote this change" in text_of(page)
    assert "/approve" not in page.text
    digest = re.search(r"sha256:[0-9a-f]{64}", page.text)
    assert digest is not None
    refused = ann.post(f"{change}/approve", digest=digest[0])
    assert refused.status_code == 403
    assert "two people must agree" in text_of(refused)
    assert "waits for" in text_of(ann.get(change))


def test_an_approval_of_another_text_is_refused_and_says_so(ann: Visit, ben: Visit) -> None:
    change = _propose(ann)
    stale = ben.post(f"{change}/approve", digest="sha256:" + "0" * 64)
    assert stale.status_code == 409
    assert "You read another text" in text_of(stale)
    assert "waits for a second person of legal" in text_of(ben.get(change))


def test_an_approval_after_another_policy_was_published_is_refused(ann: Visit, ben: Visit) -> None:
    slow, quick = _propose(ann), _propose(ann, NARROWER)
    assert _approve(ben, quick).status_code == 303
    late = _approve(ben, slow)
    assert late.status_code == 409
    assert "another policy was published" in text_of(late).lower()


def test_tightening_holds_at_once_by_one_person(ann: Visit, ben: Visit) -> None:
    _publish(ann, ben)
    done = ann.post("/legal/regions/GB/propose", text=NARROWER, do="tighten")
    assert done.status_code == 303
    text = text_of(ann.get(done.headers["location"]))
    assert "is in force" in text
    assert "narrows" in text
    assert "can be captured in 1 app," in text_of(ann.get("/legal/regions/GB"))


def test_tightening_that_widens_is_refused_names_the_rule_and_keeps_the_text(
    ann: Visit, ben: Visit
) -> None:
    _publish(ann, ben)
    refused = ann.post("/legal/regions/GB/propose", text=WIDER, note="Soon", do="tighten")
    assert refused.status_code == 422
    text = text_of(refused)
    assert "something becomes wider" in text
    assert "Apps" in text
    assert "widens" in text
    assert "vscode" in refused.text
    assert "Soon" in refused.text
    assert "can be captured in 2 apps" in text_of(ann.get("/legal/regions/GB"))


def test_a_broken_text_is_shown_again_with_line_and_column(ann: Visit) -> None:
    broken = GB.replace("mode: allow, retention_days: 30}\n    click", "mode: loud}\n    click")
    answer = ann.post("/legal/regions/GB/propose", text=broken, do="propose")
    assert answer.status_code == 400
    text = text_of(answer)
    assert "Line 4, column 21" in text
    assert "loud" in answer.text.partition("<textarea")[2]


def test_check_says_what_a_text_would_mean_and_changes_nothing(ann: Visit) -> None:
    page = ann.post("/legal/regions/GB/propose", text=GB, do="check")
    fragment = ann.post("/legal/regions/GB/check", text=GB)
    for answer in (page, fragment):
        assert answer.status_code == 200
        assert "a second person of legal" in text_of(answer)
        assert "IntelliJ IDEA" in text_of(answer)
    assert "<html" not in fragment.text
    assert "No company policy was ever proposed" in text_of(ann.get("/legal/regions/GB"))


STOPPING = {
    "blocked": (GB + "status: blocked\n", "the company policy for United Kingdom is not approved"),
    "a draft": (GB + "status: draft\n", "the company policy for United Kingdom is not approved"),
    "ended": (GB + "valid_to: 2026-01-01\n", "the company policy for United Kingdom has expired"),
    "without evidence": (GB.partition("evidence:")[0], "valid evidence is missing"),
    "without apps": (GB.replace("[intellij, pycharm]", "[]"), "no signal, app or purpose is left"),
}


@pytest.mark.parametrize("case", STOPPING)
def test_a_text_that_would_stop_capture_says_whether_it_runs_now(
    case: str, ann: Visit, ben: Visit
) -> None:
    text, reason = STOPPING[case]
    before = _checked(ann, text)
    assert f"nothing opens: capture is off with this text, because {reason}" in before
    assert "; and without it, because no company policy is in force" in before
    assert "widens" not in before.partition("Begins")[2].partition("How the text")[0]
    _publish(ann, ben)
    after = _checked(ann, text)
    assert f"narrows : everything closes: capture is off, because {reason}" in after


def test_a_text_under_which_capture_can_run_says_what_opens(ann: Visit, ben: Visit) -> None:
    first = _checked(ann, GB)
    assert "At once ▲ widens : capture opens: pointer, clicks, menus" in first
    assert "can be captured in 2 apps, after consent, kept" in first
    assert "Without this text it is off, because no company policy is in force" in first
    assert "From 1 Jan 2028, 00:00 UTC no difference any more" in first
    _publish(ann, ben)
    assert "At once ▼ narrows : 1 rule becomes narrower." in _checked(ann, NARROWER)


def test_a_text_for_a_day_to_come_names_the_day(ann: Visit, ben: Visit) -> None:
    later = "valid_from: 2027-01-01\n"
    blocked, _ = STOPPING["blocked"]
    assert "From 1 Jan 2027, 00:00 UTC ▲ widens : capture opens" in _checked(ann, GB + later)
    _publish(ann, ben)
    narrower = _checked(ann, NARROWER + later)
    assert "At once nothing differs" in narrower
    assert "From 1 Jan 2027, 00:00 UTC ▼ narrows : 1 rule becomes narrower" in narrower
    assert "it begins on a later day, so it needs a second person of legal" in narrower
    assert "From 1 Jan 2027, 00:00 UTC ▼ narrows : everything closes" in _checked(
        ann, blocked + later
    )


def test_tightening_refuses_a_day_to_come_and_says_what_to_do(ann: Visit, ben: Visit) -> None:
    _publish(ann, ben)
    text = NARROWER + "valid_from: 2027-01-01\n"
    refused = ann.post("/legal/regions/GB/propose", text=text, do="tighten")
    assert refused.status_code == 422
    said = text_of(refused)
    assert "Tightening holds at once, and this text begins on 2027-01-01 only" in said
    assert "valid_from" in said
    assert "propose the text for approval" in said
    assert "can be captured in 2 apps" in text_of(ann.get("/legal/regions/GB"))


def test_what_the_floor_holds_where_it_is_is_not_said_to_widen(ann: Visit, ben: Visit) -> None:
    """The text goes from 30 to 400 days; the law above holds the retention at less."""
    _publish(ann, ben, GB.replace("retention_days: 30", "retention_days: 90"))
    longer = GB.replace("retention_days: 30", "retention_days: 400")
    said = _checked(ann, longer)
    assert "nothing would change here" in said
    assert "At once nothing differs: the same can be captured" in said
    assert "90 days → 400 days in the text; what holds stays 90 days, held by" in said
    assert "Compared with the text before it, this text widens 2 rules" in said


def test_a_preview_counts_the_people_of_each_group(ann: Visit, services: Services) -> None:
    employ(
        services,
        [
            make.person("E-10", region="GB", place="GB", entity="GB/Sample Ltd"),
            make.person("E-11", region="GB", place="GB", entity="GB/Sample Ltd"),
            make.person("E-12", region="GB", place="GB", entity="NO/Prøve AS"),
            make.person("E-13", region="FR", place="FR", entity="FR/Exemple"),
            make.person("E-14", region="GB", place="GB", entity="GB/Sample Ltd", active=False),
        ],
    )
    said = _checked(ann, GB)
    assert "United Kingdom : 2 people" in said
    assert "United Kingdom, employed in Norway : 1 person" in said
    assert "France" not in said
    assert "Rules become wider for 2 people; nothing changes for 1 person." in said


def test_an_approver_reads_the_start_before_approving(ann: Visit, ben: Visit) -> None:
    change = _propose(ann, GB + "valid_from: 2027-01-01\n")
    page = ben.get(change)
    said = text_of(page)
    assert said.index("1 Jan 2027, 00:00 UTC, if the last approval is given now") < said.index(
        "Approve this text"
    )
    assert "first day in the text: 1 Jan 2027" in said
    assert "data protection impact assessment DPIA-1 (until 2027-12-31)" in said


def test_an_approval_binds_what_the_page_said_and_the_day(
    ann: Visit, ben: Visit, client: TestClient, services: Services, clock: FakeClock
) -> None:
    change = _propose(ann)
    read = _read(ben.get(change))
    clock.advance(timedelta(days=1))
    back = visit(client, services, BEN)
    late = back.post(f"{change}/approve", **read)
    assert late.status_code == 409
    assert "the day on which it begins, is not what you read any more" in text_of(late)
    assert _approve(back, change).status_code == 303


def test_an_approval_without_the_terms_of_the_page_is_refused(ann: Visit, ben: Visit) -> None:
    change = _propose(ann)
    read = _read(ben.get(change))
    assert ben.post(f"{change}/approve", digest=read["digest"]).status_code == 409
    assert ben.post(f"{change}/approve", digest=read["digest"], terms="x").status_code == 409
    assert "waits for a second person of legal" in text_of(ben.get(change))


def test_a_published_change_goes_on_saying_what_it_did(ann: Visit, ben: Visit) -> None:
    change = _propose(ann)
    assert _approve(ben, change).status_code == 303
    narrower = ann.post("/legal/regions/GB/propose", text=NARROWER, do="tighten")
    assert "capture opens: pointer, clicks, menus" in text_of(ann.get(change))
    said = text_of(ann.get(narrower.headers["location"]))
    assert "▼ narrows : 1 rule becomes narrower" in said
    assert "At once" not in said
    assert "if the last approval" not in said


def _checked(by: Visit, text: str) -> str:
    """The preview of a text."""
    answer = by.post("/legal/regions/GB/check", text=text)
    assert answer.status_code == 200, text_of(answer)
    return text_of(answer)


def test_the_published_policy_is_what_the_editor_begins_with(ann: Visit, ben: Visit) -> None:
    _publish(ann, ben)
    page = ann.get("/legal/regions/GB/propose")
    text = page.text.partition("<textarea")[2].partition(">")[2].partition("</textarea>")[0]
    unescaped = text.lstrip("\n").replace("&#34;", '"').replace("&#39;", "'").replace("&amp;", "&")
    said = text_of(ann.post("/legal/regions/GB/check", text=unescaped))
    assert "nothing would change here" in said
    assert "The text says the same as the text before it." in said


def test_a_withdrawn_change_cannot_be_approved(ann: Visit, ben: Visit) -> None:
    change = _propose(ann)
    read = _read(ben.get(change))
    assert ann.post(f"{change}/withdraw").status_code == 303
    withdrawn = text_of(ann.get(change))
    assert "was withdrawn" in withdrawn
    assert "What changes for people Nothing: it was withdrawn." in withdrawn
    assert ben.post(f"{change}/approve", **read).status_code == 409


def test_markup_in_a_policy_is_text_on_every_page(ann: Visit, ben: Visit) -> None:
    hostile = GB.replace("DPIA-1", "'<script>alert(1)</script>'")
    _publish(ann, ben, hostile)
    for path in ("/legal/regions/GB", "/legal/regions/GB/propose", "/legal"):
        assert "<script>alert" not in ann.get(path).text
    assert "&lt;script&gt;" in ann.get("/legal/regions/GB").text


def test_stop_asks_where_why_and_whether_it_is_meant(ann: Visit) -> None:
    empty = ann.post("/legal/stop")
    assert empty.status_code == 422
    text = text_of(empty)
    assert "Nothing was stopped yet" in text
    assert "Choose where" in text
    assert "Say why" in text
    kept = ann.post("/legal/stop", region="GB", reason="A leak.")
    assert "A leak." in kept.text
    assert "Nothing is stopped." in text_of(ann.get("/legal/stop"))


def test_one_person_stops_and_two_resume(ann: Visit, ben: Visit) -> None:
    _publish(ann, ben)
    assert ann.post("/legal/stop", region="GB", reason="A leak.", sure="yes").status_code == 303
    stopped = text_of(ann.get("/legal/stop"))
    assert "Capture is stopped: United Kingdom." in stopped
    assert "A leak." in stopped
    assert "capture is stopped for United Kingdom" in text_of(ann.get("/legal/regions/GB"))
    assert ann.post("/legal/resume/GB/propose").status_code == 303
    assert "You proposed to resume" in text_of(ann.get("/legal/stop"))
    assert ann.post("/legal/resume/GB/approve").status_code == 403
    assert ben.post("/legal/resume/GB/approve").status_code == 303
    assert "Nothing is stopped." in text_of(ann.get("/legal/stop"))


def test_the_same_stop_again_waits_for_nobody_who_writes(ann: Visit, services: Services) -> None:
    stop = {"region": "GB", "reason": "A leak.", "sure": "yes"}
    assert ann.post("/legal/stop", **stop).status_code == 303
    with services.database.write() as tx:
        lock(tx)  # whoever writes policy now
        assert ann.post("/legal/stop", **stop).status_code == 303
        assert ann.post("/legal/stop", **stop | {"region": "DE"}).status_code == 403
    assert text_of(ann.get("/legal/stop")).count("A leak.") == 1


def test_only_regions_that_somebody_may_stop_are_offered(ann: Visit) -> None:
    page = ann.get("/legal/stop").text
    assert 'value="GB"' in page
    assert 'value="DE"' not in page
    assert ann.post("/legal/stop", region="DE", reason="x", sure="yes").status_code == 403


def test_an_unknown_region_or_change_is_a_page_that_says_so(ann: Visit) -> None:
    assert ann.get("/legal/regions/ZZ").status_code == 404
    assert ann.get("/legal/changes/none").status_code == 404
    assert "text/html" in ann.get("/legal/regions/ZZ").headers["content-type"]


def test_every_form_needs_the_token_of_the_session(ann: Visit, ben: Visit) -> None:
    change = _propose(ann)
    read = _read(ben.get(change))
    ben.csrf = "another"
    for path, fields in (
        (f"{change}/approve", read),
        (f"{change}/withdraw", {}),
        ("/legal/regions/GB/propose", {"text": GB, "do": "propose"}),
        ("/legal/regions/GB/check", {"text": GB}),
        ("/legal/stop", {"region": "GB", "reason": "x", "sure": "yes"}),
        ("/legal/resume/GB/propose", {}),
        ("/legal/resume/GB/approve", {}),
    ):
        assert ben.post(path, **fields).status_code == 403, path
    assert "waits for" in text_of(ann.get(change))


READERS = (ANN, NORA, ALF)
WRITERS_IN_GB = (ANN,)
MATRIX = [
    ("GET", "/legal", READERS, 200),
    ("GET", "/legal/regions/GB", READERS, 200),
    ("GET", "{change}", READERS, 200),
    ("GET", "/legal/stop", READERS, 200),
    ("GET", "/legal/regions/GB/propose", WRITERS_IN_GB, 200),
    ("POST", "/legal/regions/GB/propose", WRITERS_IN_GB, 400),
    ("POST", "/legal/regions/GB/check", WRITERS_IN_GB, 200),
    ("POST", "{change}/approve", (ANN,), 409),
    ("POST", "{change}/withdraw", WRITERS_IN_GB, 303),
    ("POST", "/legal/stop", (ANN, NORA), 422),
    ("POST", "/legal/resume/GB/propose", WRITERS_IN_GB, 409),
    ("POST", "/legal/resume/GB/approve", WRITERS_IN_GB, 409),
]


@pytest.mark.parametrize("person", [ANN, NORA, EVE, ALF])
def test_nobody_reaches_what_is_not_theirs(
    client: TestClient, services: Services, people: None, person: str
) -> None:
    change = _propose(visit(client, services, ANN))
    one = visit(client, services, person)
    for method, path, allowed, answer in MATRIX:
        where = path.format(change=change)
        found = one.get(where) if method == "GET" else one.post(where)
        wanted = answer if person in allowed else 403
        assert found.status_code == wanted, (person, method, where, text_of(found))
        if wanted == 403:
            assert "This is not yours to do" in text_of(found)


def test_somebody_signed_out_is_led_to_sign_in(client: TestClient, services: Services) -> None:
    for path in ("/legal", "/legal/regions/GB", "/legal/stop", "/auditor", "/auditor/export"):
        answer = client.get(path)
        assert answer.status_code == 303, path
        assert answer.headers["location"].startswith("/sign-in?next=")


class TestDisputed:
    """Somebody changed rows with SQL: pages open, say so, and let withdraw and stop."""

    def test_a_change_is_withdrawn_and_not_approved(
        self, ann: Visit, ben: Visit, services: Services
    ) -> None:
        change = _propose(ann)
        bound = _read(ben.get(change))
        sql(services.database, "UPDATE policy_step SET actor = 'E-4'")
        page = text_of(ben.get(change))
        assert "is disputed: its record does not agree with the log" in page
        assert "nobody can approve this change" in page
        assert "Approve this text" not in page
        refused = ben.post(f"{change}/approve", **bound)
        assert refused.status_code == 409
        assert "record of this change is disputed" in text_of(refused)
        for address in ("/legal", "/legal/regions/GB"):
            assert "disputed" in text_of(ben.get(address))
        assert ben.post(f"{change}/withdraw").status_code == 303
        assert "was withdrawn" in text_of(ben.get(change))
        assert "waits for a second person" in text_of(ben.get(_propose(ann)))

    def test_a_change_that_lost_its_text_is_named(self, ann: Visit, services: Services) -> None:
        change = _propose(ann)
        lost = "DELETE FROM policy_document WHERE kind = 'company'"
        sql(services.database, lost, keys=False)
        answer = ann.get(change)
        assert answer.status_code == 409
        assert "text of this change is not as it was proposed" in text_of(answer)
        assert ann.get("/legal/regions/GB").status_code == 200
        assert ann.get("/legal").status_code == 200

    def test_a_stop_holds_and_nobody_resumes(
        self, ann: Visit, ben: Visit, services: Services
    ) -> None:
        assert ann.post("/legal/stop", region="GB", reason="A leak.", sure="yes").status_code == 303
        sql(services.database, "UPDATE policy_stop SET actor = 'E-4'")
        page = text_of(ben.get("/legal/stop"))
        assert "Capture is stopped: United Kingdom." in page
        assert "Nobody can resume before two people have cleared the alarm" in page
        assert "Propose to resume" not in page
        assert ben.post("/legal/resume/GB/propose").status_code == 409
        again = ben.post("/legal/stop", region="GB", reason="Again.", sure="yes")
        assert again.status_code == 303

    def test_a_stop_that_was_deleted_is_still_told(self, ann: Visit, services: Services) -> None:
        assert ann.post("/legal/stop", region="GB", reason="A leak.", sure="yes").status_code == 303
        services.integrator.integrate()
        sql(services.database, "DELETE FROM policy_stop")
        page = text_of(ann.get("/legal/stop"))
        assert "Capture is stopped: United Kingdom." in page
