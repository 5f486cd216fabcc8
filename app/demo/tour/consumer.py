"""A consumer asks for what it may have, and for what nobody may."""

import time
from datetime import UTC, datetime

from app.demo.tour.stage import CONSUMER, Stage
from app.demo.tour.step import StepResult, hold
from app.sdk.store.grants import RedeemedInMemory, check_grant, report_use
from app.sdk.store.keys import StoreKeys

TRAINING, EVALUATION = "ai_training.computer_use", "performance_evaluation"


def ask_for_evaluation(stage: Stage) -> StepResult:
    """A consumer asks for performance evaluation."""
    answer = stage.ask(EVALUATION)
    codes = [reason["code"] for reason in answer["context"]["reasons"]]
    hold(answer["decision"] is False, "performance evaluation is refused")
    hold("purpose_prohibited" in codes, "it is refused for its purpose")
    hold(answer["context"]["grant"] is None, "a refusal carries no grant")
    for spelled in ("Performance-Evaluation", "Leistungsbeurteilung", "hr.scoring"):
        hold(stage.ask(spelled)["decision"] is False, f"{spelled} is refused as well")
    return StepResult(
        answer["context"]["reasons"][0]["sentence"],
        "purpose_prohibited",
        stage.index(answer["context"]["log_event"]),
    )


def ask_for_training(stage: Stage) -> StepResult:
    """The consumer asks for training."""
    stage.captured_to = datetime.now(UTC)
    answer = stage.ask(TRAINING)
    hold(answer["decision"] is True, f"training is permitted: {answer['context']['reasons']}")
    token = answer["context"]["grant"]
    grant = check_grant(
        token,
        CONSUMER,
        StoreKeys(stage.folder / "store", stage.url).for_token(token),
        datetime.now(UTC),
        RedeemedInMemory(),
    )
    hold(grant.purpose == TRAINING, "the grant is for this purpose only")
    stage.grant = grant.id
    consent = stage.index(answer["context"]["consent_event"])
    return StepResult(
        f"Permitted for {CONSUMER}, on the consent at log {consent}; "
        f"the grant ends in {grant.expires - int(time.time())} s.",
        "access.decided",
        stage.index(answer["context"]["log_event"]),
    )


def close_grant(stage: Stage) -> StepResult:
    """The consumer says what it read."""
    event = report_use(stage.machine, stage.secret, stage.grant, rows=len(stage.events))
    again = report_use(stage.machine, stage.secret, stage.grant, rows=len(stage.events))
    hold(event == again, "the same report twice is one entry")
    return StepResult(
        f"{len(stage.events)} rows; the entry stands in the log of each person they are about.",
        "access.used",
        stage.index(event),
    )


def ask_for_training_again(stage: Stage) -> StepResult:
    """The consumer asks for training again."""
    answer = stage.ask(TRAINING)
    codes = [reason["code"] for reason in answer["context"]["reasons"]]
    hold(answer["decision"] is False, "after a withdrawal training is refused")
    hold("consent_now" in codes, f"it is refused for want of consent: {codes}")
    return StepResult(
        answer["context"]["reasons"][0]["sentence"],
        ", ".join(codes),
        stage.index(answer["context"]["log_event"]),
    )
