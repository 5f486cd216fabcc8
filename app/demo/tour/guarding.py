"""Single events are put to the guard on the laptop, and the employee reads what was dropped.

Each event that is refused differs in one thing from one that is kept, so it is this thing that the
guard refuses. The lease and both documents are those that the laptop holds.
"""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from app.demo.day.visit import CHROME, CODE, SLACK, WORKSPACE, RecordedVisit
from app.demo.day.visits import ATLASSIAN, GITHUB
from app.demo.day.visits import BANK as BANK_PAGE
from app.demo.tour.stage import Stage
from app.demo.tour.step import StepResult, hold
from app.kernel.refusals import Refusal
from app.kernel.vocabulary import Signal
from app.sdk.agent.guard import Allowed
from app.sdk.agent.tally import Tally

PAGE = RecordedVisit(CHROME, "", 1, GITHUB)
CHAT = RecordedVisit(SLACK, "", 1, account=WORKSPACE, counterparties=("US-CA",))
EDITOR = RecordedVisit(CODE, "", 1)
HR, BANK = "hr_payroll", "banking"
"""Ids of the exclusions that are met."""
REPORTED = "agent.reported"


@dataclass(frozen=True)
class PutEvent:
    """An event, and the one answer that the promise allows.

    Attributes:
        told: what is different about it.
        reason: why it must be refused; None: it must be kept.
        exclusion: id of the exclusion under which it must be refused.
        without: a member that the recorder leaves out.
    """

    told: str
    visit: RecordedVisit
    signal: Signal = Signal.CLICK
    reason: Refusal | None = None
    exclusion: str | None = None
    without: str = ""


ASKED = (
    PutEvent("A click on a page of the company's repository", PAGE),
    PutEvent(
        "The same where nobody knows whether the window is private",
        replace(PAGE, window="unknown"),
        reason=Refusal.WINDOW_UNKNOWN,
    ),
    PutEvent(
        "The same where nothing is said of that",
        PAGE,
        reason=Refusal.EVENT_UNREADABLE,
        without="window",
    ),
    PutEvent(
        "The same in a private account of the same site",
        replace(PAGE, url="https://github.com/sample-person/diary"),
        reason=Refusal.TENANT_OTHER,
    ),
    PutEvent(
        "A click on a page of the team's wiki", replace(PAGE, url=f"{ATLASSIAN}/wiki/spaces/FW")
    ),
    PutEvent(
        "The same on an HR page of that wiki",
        replace(PAGE, url=f"{ATLASSIAN}/wiki/spaces/HR"),
        reason=Refusal.EXCLUDED,
        exclusion=HR,
    ),
    PutEvent("Typed text in a chat within California", CHAT, Signal.KEY_CONTENT),
    PutEvent(
        "The same in a chat with Germany",
        replace(CHAT, counterparties=("DE",)),
        Signal.KEY_CONTENT,
        reason=Refusal.COUNTERPARTY,
    ),
    PutEvent("A click in that chat", replace(CHAT, counterparties=("DE",))),
    PutEvent(
        "A click in a chat with Norway",
        replace(CHAT, counterparties=("NO",)),
        reason=Refusal.COUNTERPARTY,
    ),
    PutEvent("A click in an editor", EDITOR),
    PutEvent(
        "The same in a program that is only called like it",
        replace(EDITOR, signer="SAMPLE0000"),
        reason=Refusal.APP_UNLISTED,
    ),
    PutEvent(
        "A screenshot of that editor with a bank next to it",
        replace(EDITOR, pictured=(replace(PAGE, url=BANK_PAGE),)),
        Signal.SCREENSHOT,
        reason=Refusal.EXCLUDED,
        exclusion=BANK,
    ),
)
"""What is asked, in order: each that is refused differs in one thing from one that is kept."""


def ask_the_guard(stage: Stage) -> StepResult:
    """Ask about one event after the other."""
    lease = stage.agent.guard.lease
    hold(lease is not None, "a lease is held")
    assert lease is not None
    tally = Tally(lease=lease.jti, policy=lease.policy)
    lines = [_answered(stage, asked, tally) for asked in ASKED]
    before = stage.newest(REPORTED)
    hold(stage.agent.report(tally), "the service takes the report")
    return StepResult(
        f"{len(lines)} events, each put to the guard under the lease that it holds:",
        REPORTED,
        stage.newest(REPORTED, before),
        tuple(lines),
    )


def read_counts(stage: Stage) -> StepResult:
    """The employee reads what was dropped, and where."""
    page = stage.employee.get("/me/captured").text
    names = _named(stage)
    counts = {names[place]: _count(page, names[place]) for place in (HR, BANK)}
    for name, count in counts.items():
        hold(count > 0, f"the page counts what was dropped in {name}")
    entry = stage.entry(stage.newest(REPORTED))
    for secret in ("atlassian", "chase.com", "sample-person"):
        hold(secret not in page + entry, f"{secret} is told to nobody")
    hold(HR not in entry and BANK not in entry, "the log does not have the places")
    told = ", ".join(f"{count} in {name}" for name, count in counts.items())
    return StepResult(
        f"Events dropped: {told}. No address is there, and the log has no place.", "/me/captured"
    )


def _answered(stage: Stage, asked: PutEvent, tally: Tally) -> str:
    """Put an event to the guard, count its answer, and say it in a line."""
    whole = asked.visit.event(stage.agent.now.isoformat(), asked.signal)
    event = {name: value for name, value in whole.items() if name != asked.without}
    answer = stage.agent.guard.may_capture(event)
    if isinstance(answer, Allowed):
        tally.capture(answer.app, asked.signal.value)
        hold(asked.reason is None, f"{asked.told}: refused, {asked.reason}")
        return f"{asked.told}: kept, {answer.mode.word}."
    tally.refuse(answer.reason.value, answer.exclusion)
    expected = (asked.reason, asked.exclusion)
    hold(
        (answer.reason, answer.exclusion) == expected,
        f"{asked.told}: {asked.reason or 'kept'}, not {answer}",
    )
    place = _named(stage).get(answer.exclusion or "")
    return f"{asked.told}: refused, {answer.reason}{f' ({place})' if place else ''}."


def _named(stage: Stage) -> Mapping[str, str]:
    """The names of excluded places, by id, as the laptop's policy document has them."""
    return {item["id"]: item["name"] for item in stage.document["exclusions"]}


def _count(page: str, name: str) -> int:
    """The count that a page shows next to a name; 0: it does not have the name."""
    row = re.search(rf">{re.escape(html.escape(name))}</th>\s*<td[^>]*>([\d,]+)<", page)
    return int(row.group(1).replace(",", "")) if row else 0
