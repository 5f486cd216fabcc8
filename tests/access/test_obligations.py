"""What a permit obliges to: the store opens nothing where one of them is missing or relaxed."""

from typing import Any

import pytest

from app.access.floor.obligations import OBLIGATIONS, obligations_of
from app.api.access import AnswerContext
from app.kernel.facts import encode
from app.kernel.signing import sign_token
from app.kernel.tokens import GRANT_TYPE
from app.sdk.store.grants import GrantRefused
from tests.access.questions import TRAINING
from tests.access.test_attacks import SIGNER, check, claims
from tests.fakes import FakeClock

KEPT = encode(obligations_of(TRAINING, 30))

RELAXED: dict[str, Any] = {
    "individual evaluation allowed": {**KEPT, "no_individual_evaluation": False},
    "individual evaluation left open": {**KEPT, "no_individual_evaluation": None},
    "a number in place of the promise": {**KEPT, "no_individual_evaluation": 1},
    "a text in place of the promise": {**KEPT, "no_individual_evaluation": "true"},
    "another purpose": {**KEPT, "purpose": "safeguard.redaction"},
    "no purpose": {**KEPT, "purpose": None},
    "days in quotes": {**KEPT, "retain_days": "30"},
    "days that are a flag": {**KEPT, "retain_days": True},
    "an obligation that this store does not know": {**KEPT, "no_copies": True},
    "no object": [],
    "nothing": None,
}


def opens(clock: FakeClock, obligations: object) -> int | None:
    body = {**claims(clock), "obligations": obligations}
    return check(sign_token(SIGNER, GRANT_TYPE, body), clock).retain_days


@pytest.mark.parametrize("days", [30, 0, None])
def test_the_obligations_of_a_permit_open_the_store(clock: FakeClock, days: int | None) -> None:
    assert opens(clock, encode(obligations_of(TRAINING, days))) == days


@pytest.mark.parametrize("case", RELAXED)
def test_a_grant_with_other_obligations_opens_nothing(clock: FakeClock, case: str) -> None:
    with pytest.raises(GrantRefused, match="cannot be believed"):
        opens(clock, RELAXED[case])


@pytest.mark.parametrize("name", OBLIGATIONS)
def test_a_grant_that_lacks_an_obligation_opens_nothing(clock: FakeClock, name: str) -> None:
    without = {key: value for key, value in KEPT.items() if key != name}
    with pytest.raises(GrantRefused, match=f"{name}: is missing"):
        opens(clock, without)


def test_an_answer_over_http_names_every_obligation() -> None:
    schema = AnswerContext.model_json_schema()["$defs"]["Obligations"]
    assert list(schema["properties"]) == list(OBLIGATIONS) == schema["required"]
