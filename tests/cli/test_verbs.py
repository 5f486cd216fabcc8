"""``habeas …`` as somebody types it: what it prints, and how it ends."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from app.audit.entries.model import SYSTEM
from app.demo.seed import DATA
from app.wiring import Services
from tests import typed

# What the verbs call is tested on both databases elsewhere; here it is about words and exit codes.
pytestmark = pytest.mark.parametrize("sample", ["sqlite"], indirect=True)

HEADER = "id,name,email,region,place_of_work,entity,department,manager,roles"


@pytest.fixture
def habeas(sample: Services):
    """Run a verb against the sample organisation."""
    settings = {
        "HABEAS_DEMO": "1",
        "HABEAS_VAR": str(sample.settings.var),
        "HABEAS_DATABASE_URL": sample.settings.database_url,
    }
    return partial(typed.habeas, settings=settings)


def test_a_file_is_planned_then_imported_then_changes_nothing(habeas, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    extra = "E-9999,New Sample,new@example.com,DE,DE,DE/Beispiel Geräte GmbH,Research,E-0012,"
    file.write_text(f"{HEADER}\n{extra}\n", encoding="utf-8")
    assert "1 would be added" in habeas("people", "import", str(file), "--dry-run").stdout
    assert "1 were added" in habeas("people", "import", str(file)).stdout
    assert "1 stay as they are" in habeas("people", "import", str(file)).stdout


def test_a_wrong_line_is_named_with_its_column_and_nothing_is_imported(
    habeas, tmp_path: Path
) -> None:
    file = tmp_path / "people.csv"
    lines = (DATA / "people.csv").read_text(encoding="utf-8").splitlines()
    lines[3] = lines[3].replace("US-NY", "New York", 1)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = habeas("people", "import", str(file))
    assert done.returncode == 2
    assert "line 4, column region" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_plan_has_a_digest_and_no_other_plan_is_carried_out_under_it(
    habeas, sample: Services, tmp_path: Path
) -> None:
    file = tmp_path / "people.csv"
    extra = "E-9999,New Sample,new@example.com,DE,DE,DE/Beispiel Geräte GmbH,Research,E-0012,"
    file.write_text(f"{HEADER}\n{extra}\n", encoding="utf-8")
    planned = habeas("people", "import", file, "--dry-run").stdout
    digest = planned.split("Plan ")[1].split(",")[0]
    file.write_text(f"{HEADER}\n{extra}auditor\n", encoding="utf-8")
    refused = habeas("people", "import", file, "--plan", digest)
    assert refused.returncode == 2
    assert "this run imported nothing: the plan is now" in refused.stderr
    file.write_text(f"{HEADER}\n{extra}\n", encoding="utf-8")
    done = habeas("people", "import", file, "--plan", digest)
    assert f"Plan {digest}, in 1 piece." in done.stdout
    with sample.database.read() as tx:
        assert sample.directory.person(tx, "E-9999").roles == ()


def test_who_has_left_by_the_file_is_off(habeas, sample: Services, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    _, *lines = (DATA / "people.csv").read_text(encoding="utf-8").splitlines()
    (lane,) = (line for line in lines if line.startswith("E-0042,"))
    file.write_text(f"{HEADER},left\n{lane},yes\n", encoding="utf-8")
    assert "1 were changed" in habeas("people", "import", file).stdout
    with sample.database.read() as tx:
        assert not sample.directory.person(tx, "E-0042").active


def test_those_whose_home_is_no_place_are_listed_with_what_to_write(
    habeas, sample: Services
) -> None:
    assert "Everybody's home" in habeas("people", "places").stdout
    with sample.database.write() as tx:
        lane = sample.directory.person(tx, "E-0042")
        sample.directory.import_people(
            tx,
            [replace(lane, region="US", place="EU")],
            actor=SYSTEM,
            now=sample.clock.now(),
            file_digest="sha256:" + "0" * 64,
        )
    listed = habeas("people", "places").stdout
    assert "E-0042, region: 'US' alone does not say whose law holds" in listed
    assert "US-CA (California), US-NY (New York)" in listed
    assert "E-0042, place_of_work: 'EU' is wider than a country" in listed
    assert "1 person is recorded so" in listed
    with sample.database.write() as tx:
        sample.directory.leave(tx, "E-0042", SYSTEM, sample.clock.now())
    assert "Everybody's home" in habeas("people", "places").stdout


def test_a_file_that_is_not_there_is_a_sentence(habeas) -> None:
    done = habeas("people", "import", "nowhere.csv")
    assert done.returncode == 2
    assert "nowhere.csv" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_export_verifies_and_a_changed_export_does_not(habeas, tmp_path: Path) -> None:
    file = tmp_path / "log.tar"
    exported = habeas("audit", "export", str(file))
    assert exported.returncode == 0, exported.stderr
    key = exported.stdout.rsplit("--key '", 1)[1].split("'")[0]
    good = habeas("verify", str(file), "--key", key)
    assert good.returncode == 0, good.stdout
    assert "0 of 0 decisions allowed a prohibited purpose" in good.stdout
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    bad = habeas("verify", str(file), "--key", key)
    assert bad.returncode == 1


def test_who_left_is_off_and_a_consumer_gets_its_secret_once(habeas, sample: Services) -> None:
    assert habeas("people", "leave", "E-0042").returncode == 0
    with sample.database.read() as tx:
        assert not sample.directory.person(tx, "E-0042").active
    words = ("consumers", "register", "c1", "--name", "One", "--function", "training")
    done = habeas(*words, "--by", "E-0122", "--purpose", "ai_training.computer_use")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.strip().splitlines()[-1]) >= 32
    refused = habeas(*words, "--by", "E-0042")
    assert refused.returncode == 2
    prohibited = habeas(*words, "--by", "E-0122", "--purpose", "performance_evaluation")
    assert prohibited.returncode == 2
    assert "prohibited" in prohibited.stderr


def test_an_agent_that_was_never_paired_says_what_to_do(habeas, tmp_path: Path) -> None:
    done = habeas("agent", "status", "--state", str(tmp_path / "none"))
    assert done.returncode == 2
    assert "pair" in done.stderr


def test_a_zone_that_nobody_knows_is_named_with_the_way_out(habeas, tmp_path: Path) -> None:
    words = ("agent", "run", "events.jsonl", "--state", str(tmp_path / "none"))
    done = habeas(*words, "--zone", "Mars/Olympus")
    assert done.returncode == 2
    assert "--zone: Mars/Olympus" in done.stderr
    assert "America/Los_Angeles" in done.stderr


def test_settings_that_do_not_hold_are_a_sentence(sample: Services) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("habeas"), "serve"],
        env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "HABEAS_OIDC_ISSUER is missing" in done.stderr


EVENT = {
    "at": "2026-11-16T10:00:00-08:00",
    "signal": "click",
    "program": {"id": "com.jetbrains.intellij", "signer": "2ZEFAR8TH3", "executable": None},
    "address": None,
    "frames": [],
    "window": "ordinary",
    "title": "Plan",
    "account": None,
    "field": "none",
    "counterparties": [],
}
HR_PAGE = {
    "program": {"id": "com.google.Chrome", "signer": "EQHXZ8M8AV", "executable": None},
    "address": "https://example.atlassian.net/wiki/spaces/HR/x",
}


@pytest.mark.parametrize(
    ("changes", "region", "code", "last"),
    [
        ({}, "US-CA", 0, '{"allowed": {"mode": "allow", "app": "intellij"}}'),
        ({"window": "unknown"}, "US-CA", 1, '{"denied": "window_unknown"}'),
        ({}, "NO", 1, '{"denied": "region_blocked"}'),
        ({}, "JP", 1, '{"denied": "region_unknown"}'),
    ],
)
def test_an_event_is_tried_and_the_exit_code_says_what_came_out(
    habeas, tmp_path: Path, changes: dict[str, str], region: str, code: int, last: str
) -> None:
    file = tmp_path / "event.json"
    file.write_text(json.dumps({**EVENT, **changes}), encoding="utf-8")
    done = habeas("policy", "try", "--region", region, str(file))
    assert (done.returncode, done.stdout.splitlines()[-1]) == (code, last), done.stderr
    assert done.stdout.startswith("It would " if code == 0 else "It would not be captured")


def test_a_refusal_is_printed_with_who_decided_it_and_its_citation(habeas, tmp_path: Path) -> None:
    file = tmp_path / "event.json"
    file.write_text(json.dumps({**EVENT, **HR_PAGE}), encoding="utf-8")
    printed = habeas("policy", "try", "--region", "US-CA", str(file)).stdout
    assert "It is in an excluded place" in printed
    assert "Decided by Everywhere, floor: " in printed
    assert "Not known: which account is in use" in printed


def test_the_laptop_narrows_what_is_tried(habeas, tmp_path: Path) -> None:
    file = tmp_path / "event.json"
    file.write_text(json.dumps(EVENT), encoding="utf-8")
    tried = partial(habeas, "policy", "try", "--region", "US-CA", str(file))
    assert tried("--personal").stdout.splitlines()[-1] == '{"denied": "personal_device"}'
    assert tried("--place", "NO").stdout.splitlines()[-1] == '{"denied": "region_blocked"}'
    assert tried("--zone", "Europe/Berlin").returncode == 0


@pytest.mark.parametrize(
    ("text", "words", "fault"),
    [
        ("{}", ("--region", "DE"), "at: is missing"),
        ('{"at": 1, "at": 2}', ("--region", "DE"), "twice"),
        (json.dumps(EVENT), ("--region", "EU"), "wider than a country"),
        (json.dumps(EVENT), ("--region", "DE", "--place", "Berlin"), "place"),
        (json.dumps(EVENT), ("--region", "DE", "--zone", "Mars"), "zone"),
    ],
)
def test_what_cannot_be_tried_ends_with_2_and_names_the_fault(
    habeas, tmp_path: Path, text: str, words: tuple[str, ...], fault: str
) -> None:
    file = tmp_path / "event.json"
    file.write_text(text, encoding="utf-8")
    done = habeas("policy", "try", *words, str(file))
    assert done.returncode == 2
    assert fault in done.stderr
    assert "Traceback" not in done.stderr
    gone = habeas("policy", "try", "--region", "DE", str(tmp_path / "nowhere.json"))
    assert (gone.returncode, "nowhere.json" in gone.stderr) == (2, True)
