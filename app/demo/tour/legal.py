"""Two people of legal allow more than the employee agreed to."""

import re

from app.demo.tour.stage import APPROVER, AUTHOR, Stage
from app.demo.tour.step import StepResult, hold
from app.demo.visitor import PlainBrowser, forms

REGION, KNOB = "US-CA", "screenshot_min_interval_s"
MORE_S = 120
"""What the policy for the United States allows, seconds between two screenshots."""


def widen(stage: Stage) -> StepResult:
    """Two people allow more."""
    agreed = _interval(stage)
    change = _propose(stage, agreed)
    approver = PlainBrowser(stage.url)
    approver.sign_in(APPROVER)
    approver.submit(change, f"{change}/approve")
    approver.close()
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


def _propose(stage: Stage, present: int) -> str:
    """Propose the wider policy; the path of the change's page."""
    editor = f"/legal/regions/{REGION}/propose"
    author = PlainBrowser(stage.url)
    author.sign_in(AUTHOR)
    texts = [
        form.fields["text"] for form in forms(author.get(editor).text) if "text" in form.fields
    ]
    hold(bool(texts), "the editor shows the policy in force")
    wider, changed = re.subn(rf"({KNOB}: {{value: ){present}\b", rf"\g<1>{MORE_S}", texts[0])
    hold(changed == 1, f"the policy for {REGION} names {KNOB}")
    answer = author.submit(editor, editor, ("do", "propose"), text=wider, note="More often.")
    author.close()
    hold("/legal/changes/" in str(answer.url), "a proposal is answered with its page")
    return str(answer.url.path)


def _interval(stage: Stage) -> int:
    """How many seconds the laptop is told to let pass between two screenshots."""
    document = stage.agent.guard.document
    hold(document is not None, "the laptop holds a policy document")
    assert document is not None
    return int(document[KNOB])
