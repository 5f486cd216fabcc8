"""A verifier holds it against the statement of two custodians that all rows were sealed again."""

from collections.abc import Callable
from pathlib import Path

import pytest

from app.audit.restore.custody import read_statement, sign_statement, statement_text
from app.audit.tree.checkpoint import parse_note
from app.sdk.verify import Depth, render
from app.wiring import Services
from tests.reconcile.test_rebuild import signed_by, statement_of
from tests.rights.test_erasure import NAMES, opened  # noqa: F401
from tests.rights.test_erasure_verified import (
    STRANGERS,
    Forger,
    a_list_adopted_only_afterwards,
)

pytestmark = pytest.mark.parametrize("opened", ["sqlite"], indirect=True)


class SealForger(Forger):
    """Writes anew what the last ``seals.rebuilt`` rests on."""

    kind = "seals.rebuilt"

    def state(self, *signers: tuple[str, object], action: str = "seal-again", **said: str) -> None:
        signed = self.parts[f"policies/{str(self.facts['statement']).removeprefix('sha256:')}.json"]
        _, truth = read_statement(parse_note(signed).text)
        note = statement_text(action, truth | said).encode()
        for name, signer in signers:
            note = sign_statement(note, name, signer).encode()  # type: ignore[arg-type]
        self.facts["statement"] = self.keep(note)


@pytest.fixture
def forger(opened: Services, tmp_path: Path) -> SealForger:  # noqa: F811
    for _ in range(2):
        note = signed_by(opened.settings, statement_of(opened), *NAMES[:2])
        opened.reconciler.rebuild(note, lambda *_: None, opened.clock.now())
        opened.integrator.integrate()
    return SealForger(opened, tmp_path)


@pytest.mark.parametrize("depth", [Depth.ORDER, Depth.REPLAY])
def test_seals_made_again_on_the_word_of_two_verify(forger: SealForger, depth: Depth) -> None:
    report = forger.verified(depth)
    assert report.ok, render(report)
    assert render(report).count("rows were sealed again, by two custodians of the list") == 2


def one_signature(forger: SealForger) -> None:
    forger.state(forger.key(NAMES[0]))


def one_custodian_twice(forger: SealForger) -> None:
    forger.state(forger.key(NAMES[0]), forger.key(NAMES[0]))


def two_strangers(forger: SealForger) -> None:
    forger.state(*[(f"s{n}", signer) for n, signer in enumerate(STRANGERS)])


def another_log(forger: SealForger) -> None:
    forger.state(*map(forger.key, NAMES), origin="audit.example/other/2026")


def another_tree(forger: SealForger) -> None:
    forger.state(*map(forger.key, NAMES), root="00" * 32)


def a_later_tree(forger: SealForger) -> None:
    forger.state(*map(forger.key, NAMES), size=str(forger.at + 1))


def the_statement_of_the_time_before(forger: SealForger) -> None:
    forger.state(*map(forger.key, NAMES), generation="2")


def another_act(forger: SealForger) -> None:
    forger.state(*map(forger.key, NAMES), action="acknowledge-restore")


def no_document(forger: SealForger) -> None:
    forger.facts["statement"] = "sha256:" + "0" * 64


ATTACKS = (
    one_signature, one_custodian_twice, two_strangers, another_log, another_tree, a_later_tree,
    the_statement_of_the_time_before, another_act, no_document, a_list_adopted_only_afterwards,
)  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_seals_made_again_otherwise_are_named(
    forger: SealForger, attack: Callable[[SealForger], None]
) -> None:
    attack(forger)
    report = forger.verified(Depth.ORDER)
    assert report.ok is False, render(report)
    assert " seals rows again: " in render(report)
    assert attack is a_list_adopted_only_afterwards or report.first_bad == forger.at
