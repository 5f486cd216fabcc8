"""A verifier holds every erasure against the statement that two custodians signed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.audit.entries.named import named_documents
from app.audit.export import archive
from app.audit.restore.custody import Custodians, read_private_key, sign_statement, statement_text
from app.audit.tree.checkpoint import VerifierKey
from app.kernel.canonical import digest
from app.kernel.signing import LocalSigner
from app.sdk.verify import Ask, Depth, Report, render, verify_asked
from app.wiring import Services
from tests.architecture.test_every_change_is_an_entry import EMPLOYEE
from tests.audit import forge
from tests.rights.test_erasure import BASIS, NAMES, erase, export, opened  # noqa: F401

pytestmark = pytest.mark.parametrize("opened", ["sqlite"], indirect=True)
Leaf = dict[str, Any]
Leaves = list[Leaf]
STRANGERS = [LocalSigner.from_seed(bytes([n]) * 32) for n in (7, 8)]


class Forger:
    """Holds the log's key, and writes the newest entry of a kind, and all that follows, anew."""

    kind = "subject.erased"

    def __init__(self, services: Services, folder: Path) -> None:
        self.services, self.folder = services, folder
        export(services, folder / "log.tar")
        self.parts = forge.parts_of(folder / "log.tar")
        self.leaves: Leaves = forge.leaves_of(self.parts)[:-1]  # without log.exported: it counts
        self.at = max(at for at, leaf in enumerate(self.leaves) if leaf["kind"] == self.kind)

    @property
    def facts(self) -> Leaf:
        return self.leaves[self.at]["facts"]

    def key(self, name: str) -> tuple[str, LocalSigner]:
        folder = self.services.settings.var / "custodians"
        return read_private_key((folder / f"{name}.key").read_bytes())

    def state(self, *signers: tuple[str, LocalSigner], **said: str) -> None:
        """Let the entry name another statement."""
        truth = {
            "pseudonym": self.leaves[self.at]["subjects"][0],
            "basis": BASIS.value,
            "log": self.services.log.origin,
        }
        note = statement_text("erase-person", truth | said).encode()
        for name, signer in signers:
            note = sign_statement(note, name, signer).encode()
        self.facts["statement"] = self.keep(note)

    def keep(self, document: bytes) -> str:
        self.parts[archive.policy_path(digest(document))] = document
        return digest(document)

    def verified(self, depth: Depth = Depth.REPLAY) -> Report:
        key, origin = self.services.keys.signer("log"), self.services.log.origin
        named = {
            archive.policy_path(document)
            for leaf in self.leaves
            for document in named_documents(leaf)
        }
        rest = {
            name: body
            for name, body in self.parts.items()
            if archive.is_policy_path(name) and name in named
        }
        parts = forge.signed(forge.restamped(self.leaves), key, origin) | rest
        file = forge.write(self.folder / "forged.tar", parts)
        return verify_asked(file, Ask(vkey=VerifierKey(origin, key.public).vkey, depth=depth))


@pytest.fixture
def forger(opened: Services, tmp_path: Path) -> Forger:  # noqa: F811
    erase(opened, EMPLOYEE)
    return Forger(opened, tmp_path)


def test_an_honest_erasure_verifies(forger: Forger) -> None:
    report = forger.verified()
    assert report.ok, render(report)
    assert "erased again" not in render(report)
    quick = forger.verified(Depth.ORDER)
    assert quick.ok, render(quick)
    assert "1 erasure was signed by two custodians" in render(quick)
    assert "1 person was erased" in render(quick)


def one_signature(forger: Forger) -> None:
    forger.state(forger.key(NAMES[0]))


def one_custodian_twice(forger: Forger) -> None:
    forger.state(forger.key(NAMES[0]), forger.key(NAMES[0]))


def two_strangers(forger: Forger) -> None:
    forger.state(*[(f"s{n}", signer) for n, signer in enumerate(STRANGERS)])


def two_strangers_with_the_custodians_names(forger: Forger) -> None:
    forger.state(*zip(NAMES, STRANGERS, strict=False))


def another_persons_statement(forger: Forger) -> None:
    forger.state(*map(forger.key, NAMES), pseudonym="p_" + "0" * 32)


def another_ground(forger: Forger) -> None:
    forger.state(*map(forger.key, NAMES), basis="ccpa-1798.105")


def another_log(forger: Forger) -> None:
    forger.state(*map(forger.key, NAMES), log="audit.example/other/2026")


def no_statement(forger: Forger) -> None:
    forger.facts["statement"] = None


def a_ground_that_is_none(forger: Forger) -> None:
    forger.facts["basis"] = "because"


def a_list_adopted_only_afterwards(forger: Forger) -> None:
    at = next(
        at for at, leaf in enumerate(forger.leaves) if leaf["kind"] == "log.custodians_adopted"
    )
    forger.leaves.insert(forger.at, forger.leaves.pop(at))


@pytest.mark.parametrize(
    "attack",
    [
        one_signature,
        one_custodian_twice,
        two_strangers,
        two_strangers_with_the_custodians_names,
        another_persons_statement,
        another_ground,
        another_log,
        no_statement,
        a_ground_that_is_none,
        a_list_adopted_only_afterwards,
    ],
)
def test_an_erasure_that_two_custodians_did_not_sign_is_named(
    forger: Forger, attack: Callable[[Forger], None]
) -> None:
    attack(forger)
    at = next(at for at, leaf in enumerate(forger.leaves) if leaf["kind"] == "subject.erased")
    report = forger.verified()
    assert (report.integrity.ok, report.completeness.ok) == (True, True), render(report)
    assert report.policy.ok is False
    assert report.first_bad == at
    quick = forger.verified(Depth.ORDER)
    assert (quick.integrity.ok, quick.completeness.ok, quick.first_bad) == (True, False, at)


def test_an_erasure_that_claims_to_be_a_repetition_is_counted_and_reported(forger: Forger) -> None:
    forger.facts.update(again=True, basis=None, statement=None)
    report = forger.verified()
    assert "No statement in this log shows that two custodians agreed" in render(report)
    forger.facts.update(basis=BASIS.value)
    assert forger.verified().policy.ok is False


def test_a_list_of_strangers_adopted_before_is_seen_in_the_log(forger: Forger) -> None:
    """Whoever holds the log's key can adopt a list; it is an entry, and names whom it lists."""
    listed = Custodians(tuple(VerifierKey(f"s{n}", one.public) for n, one in enumerate(STRANGERS)))
    first = next(one for one in forger.leaves if one["kind"] == "log.custodians_adopted")
    adopted = {**first, "event": "00000000-0000-0000-0000-00000000000e"}
    adopted["facts"] = {"custodians": forger.keep(listed.document)}
    two_strangers(forger)
    forger.leaves.insert(forger.at, adopted)
    forger.at += 1
    report = forger.verified()
    assert report.ok
    assert f"of the list {digest(listed.document)}" in render(report)
