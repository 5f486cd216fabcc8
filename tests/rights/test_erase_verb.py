"""``habeas people erase`` as somebody types it: the statement, two signatures, the receipt."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from app.audit.reading.service import ReadingService
from app.demo.custodians import NAMES, sample_custodians
from app.kernel.signing import read_token
from app.kernel.tokens import ERASURE_TYPE, keys_for
from app.wiring import Services, build
from app.wiring.shipped import Shipped
from tests import typed

pytestmark = pytest.mark.parametrize("sample", ["sqlite"], indirect=True)
BASIS = ("--basis", "gdpr-17-1-b")
Run = Callable[..., typed.Done]


@pytest.fixture
def habeas(sample: Services, shipped: Shipped) -> Run:
    """Run a verb against the sample organisation, whose custodians are known."""
    listed = sample_custodians(sample.settings.var / "custodians")
    sample.close()
    build(sample.settings.model_copy(update={"custodians": listed}), shipped=shipped).close()
    settings = {
        "HABEAS_DEMO": "1",
        "HABEAS_VAR": str(sample.settings.var),
        "HABEAS_DATABASE_URL": sample.settings.database_url,
    }

    def run(*words: object, custodians: Path = listed) -> typed.Done:
        named = {"HABEAS_CUSTODIANS": str(custodians)}
        return typed.habeas(*words, settings={**settings, **named})

    return run


def adoptions(sample: Services) -> int:
    with sample.database.read() as tx:
        return ReadingService(sample.log).counts_by_kind(tx)["log.custodians_adopted"]


def test_a_person_is_erased_by_two_custodians_and_a_receipt_is_given(
    sample: Services, habeas: Run, tmp_path: Path
) -> None:
    file, receipt = tmp_path / "statement", tmp_path / "receipt.jws"
    asked = habeas("people", "erase", "E-0042", *BASIS, "--out", file)
    assert asked.returncode == 0, asked.stderr
    assert "nothing is erased yet" in asked.stdout
    assert "E-0042" not in file.read_text(encoding="utf-8")
    early = habeas("people", "erase", "E-0042", *BASIS, "--signed", file)
    assert (early.returncode, "Traceback" in early.stderr) == (2, False)
    for name in NAMES:
        key = sample.settings.var / "custodians" / f"{name}.key"
        assert habeas("custodian", "sign", file, "--key", key).returncode == 0
    done = habeas("people", "erase", "E-0042", *BASIS, "--signed", file, "--out", receipt)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    claims = read_token(
        receipt.read_text(encoding="utf-8").strip(),
        ERASURE_TYPE,
        keys_for(sample.jwks, ERASURE_TYPE),
    )
    assert claims.items() <= told.items()
    again = habeas("people", "erase", "E-0042", *BASIS, "--signed", file)
    assert again.returncode == 2
    assert habeas("database", "scrub").returncode == 0


def test_an_unknown_ground_and_an_unknown_person_are_refused(habeas: Run, tmp_path: Path) -> None:
    file = tmp_path / "statement"
    assert habeas("people", "erase", "E-0042", "--basis", "because").returncode == 2
    nobody = habeas("people", "erase", "E-9999", *BASIS, "--out", file)
    assert (nobody.returncode, file.exists()) == (2, False)


def test_a_list_of_custodians_that_only_a_shell_names_counts_for_nothing(
    sample: Services, habeas: Run, tmp_path: Path
) -> None:
    """Else whoever runs a verb would choose who must agree to it."""
    file = tmp_path / "statement"
    own = sample_custodians(tmp_path / "own")
    known = adoptions(sample)
    refused = habeas("people", "erase", "E-0042", *BASIS, "--out", file, custodians=own)
    assert (refused.returncode, file.exists()) == (2, False)
    assert "HABEAS_CUSTODIANS names the list sha256:" in refused.stderr
    assert habeas("audit", "export", tmp_path / "log.tar", custodians=own).returncode == 0
    assert adoptions(sample) == known == 1
