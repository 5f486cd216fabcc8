"""Two people of legal allow more than the employee agreed to; one allows less, at once."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from app.demo.tour.guarding import PAGE
from app.demo.tour.stage import APPROVER, AUTHOR, Stage
from app.demo.tour.step import StepResult, hold
from app.demo.visitor import PlainBrowser, forms
from app.kernel.vocabulary import Reason, Signal
from app.policy.knob_shapes import DAYS
from app.sdk.agent.guard import Denied

REGION, KNOB = "US-CA", "screenshot_min_interval_s"
CALIFORNIA = ZoneInfo("America/Los_Angeles")
MORE_S = 60
"""What the policy for the United States allows, seconds between two screenshots."""


def widen(stage: Stage) -> StepResult:
    """Two people allow more."""
    agreed = _interval(stage)
    narrow, wide = f"{KNOB}: {{value: {agreed}}}", f"{KNOB}: {{value: {MORE_S}}}"
    change = _change(stage, "propose", re.escape(narrow), wide, "More often.")
    _approve(stage, change)
    polled = stage.agent.poll()
    hold(polled.capture, "capture goes on under what was agreed to")
    hold(_interval(stage) == agreed, "what was published does not reach who agreed to less")
    return StepResult(
        f"A screenshot each {MORE_S} s is allowed now; the laptop is still told {agreed} s.",
        "policy.published",
        stage.newest("policy.published"),
    )


def agree_to_more(stage: Stage) -> StepResult:
    """Agree to more."""
    receipt = stage.decide("/me/decide", "given")
    stage.until(lambda _: _interval(stage) == MORE_S)
    hold(_interval(stage) == MORE_S, "what was agreed to now is what the laptop is told")
    return StepResult(
        f"Only now is the laptop told {MORE_S} s.",
        "consent.given",
        stage.index(receipt["log"]["event"]),
    )


def keep_hours(stage: Stage) -> StepResult:
    """One person allows less; two take it back."""
    now = datetime.now(UTC)
    span = f"{now.hour:02}-{now.hour + 1:02}"
    line = f'  hours: {{value: {{{DAYS[now.weekday()]}: "{span}"}}}}\n'
    _change(stage, "tighten", r"^knobs:\n", f"knobs:\n{line}", "Hours.")
    stage.until(lambda _: stage.document["hours"] is not None)
    answer = stage.agent.guard.may_capture(PAGE.event(now.isoformat(), Signal.CLICK))
    hold(
        isinstance(answer, Denied) and answer.reason is Reason.OFF_HOURS,
        f"hours count where the employee lives, whatever zone an event is told in: {answer}",
    )
    tightened = stage.newest("policy.published")
    _approve(stage, _change(stage, "propose", f"^{re.escape(line)}", "", "No hours."))
    stage.until(lambda _: stage.document["hours"] is None)
    hold(stage.document["hours"] is None, "what two people take back is told to the laptop")
    return StepResult(
        f"Hours {span} hold at once. An event of {now:%H:%M} UTC is refused: in California it is "
        f"{now.astimezone(CALIFORNIA):%H:%M}.",
        Reason.OFF_HOURS,
        tightened,
    )


def _change(stage: Stage, act: str, old: str, new: str, note: str) -> str:
    """Change the policy in force in one place; the path of the change's page.

    Args:
        stage: who and what there is.
        act: ``propose`` or ``tighten``.
        old: what is replaced; a regular expression that fits once.
        new: what comes there.
        note: why.
    """
    editor = f"/legal/regions/{REGION}/propose"
    author = PlainBrowser(stage.url)
    author.sign_in(AUTHOR)
    texts = [
        form.fields["text"] for form in forms(author.get(editor).text) if "text" in form.fields
    ]
    hold(bool(texts), "the editor shows the policy in force")
    text, changed = re.subn(old, new, texts[0], flags=re.MULTILINE)
    hold(changed == 1, f"the policy for {REGION} has {old} once")
    answer = author.submit(editor, editor, ("do", act), text=text, note=note)
    author.close()
    hold("/legal/changes/" in str(answer.url), "a change is answered with its page")
    return str(answer.url.path)


def _approve(stage: Stage, change: str) -> None:
    """Let the second person approve a change."""
    approver = PlainBrowser(stage.url)
    approver.sign_in(APPROVER)
    approver.submit(change, f"{change}/approve")
    approver.close()


def _interval(stage: Stage) -> int:
    """How many seconds the laptop is told to let pass between two screenshots."""
    return int(stage.document[KNOB])
