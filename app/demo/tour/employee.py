"""The employee opts in and out, and a laptop that captures in between."""

import json
import time
from datetime import UTC, datetime, timedelta

from app.demo.laptop import RECORDING
from app.demo.tour.stage import AUDITOR, EMPLOYEE, Stage
from app.demo.tour.step import StepResult, hold
from app.sdk.agent.client import AgentClient
from app.sdk.agent.pairing import CodeShown, pair
from app.sdk.agent.recording import play, read_recording
from app.sdk.verify import Ask, given_keys, verify_asked

EVENTS = 1_500
LONGEST_LEASE_S = 900


def sign_in(stage: Stage) -> StepResult:
    """Sign in."""
    stage.jwks = stage.machine.get("/.well-known/jwks.json").json()
    stage.employee.sign_in(EMPLOYEE)
    stage.auditor.sign_in(AUDITOR)
    page = stage.employee.get("/me").text
    hold("Nothing is captured" in page, "somebody who never decided is not captured")
    return StepResult(
        "Through OpenID Connect, code and PKCE. The page says: Nothing is captured.",
        "session.started",
        stage.newest("session.started"),
    )


def read_notice(stage: Stage) -> StepResult:
    """Read the notice."""
    page = stage.employee.get("/me/decide?language=de")
    hold('lang="de"' in page.text, "the notice can be read in German")
    stage.employee.get("/me/decide?language=en")
    return StepResult(
        "The offer that was shown is kept: later decisions are bound to it.",
        "notice.shown",
        stage.newest("notice.shown"),
    )


def pair_laptop(stage: Stage) -> StepResult:
    """Pair a laptop."""
    for step in pair(stage.url, stage.folder / "agent", "tour laptop", sleep=lambda _: None):
        if isinstance(step, CodeShown):
            path = "/me/devices/pair"
            stage.employee.submit(f"{path}?code={step.user_code}", path)
    stage.agent = AgentClient.open(
        stage.folder / "agent", clock=stage.clock, elapsed=stage.clock.elapsed
    )
    polled = stage.agent.poll()
    hold(polled.answered, "a paired laptop gets an answer")
    hold(not polled.capture, "nobody decided yet, so capture is off")
    stage.events = read_recording(RECORDING)[:EVENTS]
    tally = play(stage.agent.guard, stage.events, stage.agent.now)
    hold(not tally.allowed, "the guard refuses every event before a decision")
    return StepResult(
        f"The first lease says off; the guard refused {sum(tally.refused.values())} events.",
        str(polled.reason),
        stage.newest("lease.changed"),
    )


def opt_in(stage: Stage) -> StepResult:
    """Opt in."""
    stage.receipt = stage.decide("/me/decide", "given")
    stage.captured_from = datetime.now(UTC)
    return StepResult(
        f"A signed receipt: {stage.receipt['record_id']}.",
        "consent.given",
        stage.index(stage.receipt["log"]["event"]),
    )


def check_receipt(stage: Stage) -> StepResult:
    """Check the receipt."""
    page = f"/me/receipts/{stage.receipt['record_id']}"
    file = stage.folder / "receipt.json"
    file.write_text(stage.proved(f"{page}.json"), encoding="utf-8")
    keys = given_keys(stage.url)
    report = verify_asked(file, Ask(vkey=keys.vkey, keys=keys.jwks, address=keys.address))
    hold(report.exit_code == 0, f"the receipt verifies: {report.integrity.findings}")
    file.write_text(changed(file.read_text(encoding="utf-8")), encoding="utf-8")
    hold(not verify_asked(file, Ask(vkey=keys.vkey)).ok, "a changed receipt is found")
    return StepResult(
        f"{report.integrity.sentence} The browser checks it at {stage.url}{page}.",
        report.notes[0],
    )


def changed(text: str) -> str:
    """The file of a receipt in which somebody agreed to keep things longer, next to the token."""
    document = json.loads(text)
    for row in document["claims"]["pii_information"]:
        row["retention_period"] = "P3650D"
    return json.dumps(document)


def fetch_lease(stage: Stage) -> StepResult:
    """The laptop fetches its lease."""
    polled = stage.until(lambda polled: polled.capture)
    hold(polled.capture, "after opting in the next lease says on")
    lease = stage.agent.guard.lease
    hold(lease is not None and lease.policy is not None, "the lease names its policy document")
    assert lease is not None
    return StepResult(
        f"On for {lease.expires - lease.issued} s, under policy {str(lease.policy)[:19]}…",
        "lease.changed",
        stage.newest("lease.changed"),
    )


def capture(stage: Stage) -> StepResult:
    """Capture."""
    tally = play(stage.agent.guard, stage.events, stage.agent.now)
    kept, refused = sum(tally.allowed.values()), sum(tally.refused.values())
    hold(kept > 0, "events in listed apps are captured")
    hold(tally.refused.get("excluded", 0) > 0, "excluded places are refused")
    hold(tally.refused.get("app_unlisted", 0) > 0, "unlisted places are refused")
    by_reason = ", ".join(f"{count} {reason}" for reason, count in sorted(tally.refused.items()))
    hold(stage.agent.report(tally), "the service takes the report")
    return StepResult(
        f"{kept} events captured, {refused} refused: {by_reason}.",
        "agent.reported",
        stage.newest("agent.reported"),
    )


def lose_the_network(stage: Stage) -> StepResult:
    """Without the service capture ends by itself."""
    lease = stage.agent.guard.lease
    hold(lease is not None, "a lease is held")
    assert lease is not None
    life = lease.expires - lease.issued
    hold(life <= LONGEST_LEASE_S, f"a lease lives {LONGEST_LEASE_S} s at most, not {life}")
    try:
        stage.clock.ahead = timedelta(seconds=life + 1)
        tally = play(stage.agent.guard, stage.events, stage.agent.now)
    finally:
        stage.clock.ahead = timedelta()
    hold(not tally.allowed, "nothing is captured under a lease that has ended")
    return StepResult(
        f"With the network cut for {life + 1} s, all {len(stage.events)} events are refused.",
        ", ".join(tally.refused),
    )


def withdraw(stage: Stage) -> StepResult:
    """Withdraw."""
    started = time.monotonic()
    receipt = stage.decide("/me", "withdrawn")
    stage.withdrawn = time.monotonic()
    return StepResult(
        f"One click; acknowledged in {1000 * (stage.withdrawn - started):.0f} ms.",
        "consent.withdrawn",
        stage.index(receipt["log"]["event"]),
    )


def poll_again(stage: Stage) -> StepResult:
    """The next poll."""
    polled = stage.agent.poll()
    passed = time.monotonic() - stage.withdrawn
    hold(not polled.capture, "the very next poll after a withdrawal says off")
    tally = play(stage.agent.guard, stage.events, stage.agent.now)
    hold(not tally.allowed, "nothing is captured after a withdrawal")
    return StepResult(
        f"Off {1000 * passed:.0f} ms after the withdrawal; "
        f"{sum(tally.refused.values())} events refused.",
        str(polled.reason),
        stage.newest("lease.changed"),
    )
