"""Further questions to a verifier: witnesses, freshness, earlier checkpoints, receipts, parts."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.audit.entries.receipts import SubmissionReceipts
from app.audit.export import archive
from app.audit.reading.selection import Selection
from app.audit.restore.custody import Custodians, sign_statement, statement_text
from app.audit.tree.checkpoint import VerifierKey, parse_checkpoint, parse_note, sign_note
from app.audit.tree.cosignature import WitnessKey, cosign
from app.audit.tree.merkle import CompactRange
from app.kernel.canonical import Json, canonical, digest
from app.kernel.signing import LocalSigner, jwk
from app.kernel.tokens import KEY_USE
from app.sdk.verify import Ask, Depth, Report, render, verify_asked
from tests.audit import forge
from tests.audit.conftest import ORIGIN
from tests.audit.exports import FORGER, SIGNER, VKEY, Export, make_export

AT = 1_795_000_000
NOW = datetime.fromtimestamp(AT, UTC) + timedelta(hours=2)
WITNESSES = [LocalSigner.from_seed(bytes([n]) * 32) for n in (1, 2, 3)]
POLICY = (
    f"log {VKEY}\n"
    + "".join(
        f"witness w{n} {WitnessKey(f'w{n}.example', one.public).vkey}\n"
        for n, one in enumerate(WITNESSES)
    )
    + "group two 2 w0 w1 w2\nquorum two\n"
).encode()


@pytest.fixture(scope="module")
def export(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Export:
    return make_export(sqlite_template, tmp_path_factory.mktemp("asked"), 12)


def asked(path: Path, *, depth: Depth = Depth.FACTS, **asks: object) -> Report:
    return verify_asked(path, Ask(vkey=VKEY, depth=depth, now=NOW, **asks))  # type: ignore[arg-type]


def cosigned(parts: forge.Parts, who: dict[int, int]) -> forge.Parts:
    """The parts with a cosignature of each witness, by number, at a time."""
    note = parts[archive.CHECKPOINT].decode()
    text = parse_note(note.encode()).text
    for number, at in who.items():
        note += cosign(text, f"w{number}.example", WITNESSES[number], at) + "\n"
    return {**parts, archive.CHECKPOINT: note.encode()}


def test_a_quorum_of_witnesses_is_established_and_each_is_named(
    export: Export, tmp_path: Path
) -> None:
    parts = cosigned(forge.parts_of(export.path), {0: AT, 2: AT + 60})
    report = asked(forge.write(tmp_path / "x.tar", parts), policy=POLICY)
    assert report.ok, report
    text = render(report)
    assert "w0 cosigned at" in text
    assert "Enough witnesses had seen this checkpoint at" in text
    assert "No witness policy was given" not in text


@pytest.mark.parametrize("who", [{}, {1: AT}])
def test_too_few_witnesses_are_too_few(export: Export, tmp_path: Path, who: dict[int, int]) -> None:
    parts = cosigned(forge.parts_of(export.path), who)
    report = asked(forge.write(tmp_path / "x.tar", parts), policy=POLICY)
    assert report.integrity.ok is False
    assert "not enough witnesses" in report.integrity.findings[0]
    assert asked(tmp_path / "x.tar").ok


def test_a_wrong_cosignature_of_a_known_witness_spoils_the_checkpoint(
    export: Export, tmp_path: Path
) -> None:
    parts = cosigned(forge.parts_of(export.path), {0: AT, 1: AT})
    parts[archive.CHECKPOINT] += (
        cosign("another\n1\n" + "A" * 43 + "=\n", "w2.example", WITNESSES[2], AT) + "\n"
    ).encode()
    report = asked(forge.write(tmp_path / "x.tar", parts), policy=POLICY)
    assert report.integrity.ok is False


def test_a_log_rewritten_with_its_real_key_fails_where_a_witness_or_a_checkpoint_is_asked_for(
    export: Export, tmp_path: Path
) -> None:
    """The whole past made anew and signed by the log itself: plain verification has to pass."""
    leaves = forge.leaves_of(forge.parts_of(export.path))
    del leaves[5]
    leaves[-1] |= {"facts": {}, "kind": "log.read"}
    parts = forge.signed(forge.restamped(leaves), SIGNER, ORIGIN)
    rewritten = forge.write(tmp_path / "x.tar", parts)
    assert asked(rewritten).ok
    kept = (("last year", export.kept.read_bytes()),)
    assert asked(rewritten, since=kept).completeness.ok is False
    assert asked(export.path, since=kept).ok
    old = cosigned(forge.parts_of(export.path), {0: AT, 1: AT})[archive.CHECKPOINT]
    lines = old.decode().split("\n\n")[1].split("\n")[1:]
    parts[archive.CHECKPOINT] += "\n".join(lines).encode()
    report = asked(forge.write(tmp_path / "y.tar", parts), policy=POLICY)
    assert report.integrity.ok is False


@pytest.mark.parametrize(("age", "ok"), [(timedelta(hours=3), True), (timedelta(hours=1), False)])
def test_an_old_checkpoint_is_found_by_its_witnesses_time(
    export: Export, tmp_path: Path, age: timedelta, *, ok: bool
) -> None:
    """One witness signed again just now; two had last signed two hours ago."""
    parts = cosigned(forge.parts_of(export.path), {0: AT, 1: AT + 7_000})
    path = forge.write(tmp_path / "x.tar", parts)
    assert asked(path, policy=POLICY, max_age=age).completeness.ok is ok


def test_freshness_that_cannot_be_known_is_not_claimed(export: Export) -> None:
    report = asked(export.path, max_age=timedelta(days=1))
    assert report.completeness.ok is False
    assert "cannot be known" in report.completeness.findings[0]
    assert "carries no time" in render(asked(export.path))


def test_a_proof_is_held_against_the_policy_too(export: Export, tmp_path: Path) -> None:
    proof = export.proof.read_text(encoding="utf-8")
    text = parse_note(proof.partition("\n\n")[2].encode()).text
    path = tmp_path / "x.tlog-proof"
    for witnesses, ok in (((), False), ((0,), False), ((0, 1), True)):
        lines = [cosign(text, f"w{n}.example", WITNESSES[n], AT) + "\n" for n in witnesses]
        path.write_text(proof + "".join(lines), encoding="utf-8")
        assert asked(path, policy=POLICY).ok is ok
        assert asked(path).ok


def test_time_from_the_future_is_not_believed(export: Export, tmp_path: Path) -> None:
    later = AT + 90_000_000
    parts = cosigned(forge.parts_of(export.path), {0: later, 1: later})
    report = asked(forge.write(tmp_path / "x.tar", parts), policy=POLICY)
    assert report.integrity.ok is False


@pytest.mark.parametrize("policy", [b"", b"quorum nobody\n", b"\xff", b"log x\n"])
def test_a_policy_that_cannot_be_read_is_no_policy(export: Export, policy: bytes) -> None:
    assert asked(export.path, policy=policy).integrity.ok is False


def test_each_kept_checkpoint_is_held_against_the_log_by_its_name(export: Export) -> None:
    good = export.kept.read_bytes()
    root = CompactRange().root
    other = sign_note(f"{ORIGIN}\n4\n{'A' * 43}=\n", ORIGIN, SIGNER).encode()
    report = asked(export.path, since=(("march", good), ("april", other)))
    assert len(root) == 32
    assert report.completeness.findings == (
        "the first 4 entries are not those of the kept checkpoint 'april'",
    )


# Submission receipts -----------------------------------------------------------------------------

RECEIPTS = LocalSigner.from_seed(b"the key that signs the receipts!")
JWKS = canonical({"keys": [{**jwk(RECEIPTS.public), KEY_USE: "habeas-submission+jwt"}]})


def receipt(leaf: dict[str, Json], signer: LocalSigner = RECEIPTS, **other: str) -> bytes:
    said = {"event": str(leaf["event"]), "submission": str(leaf["submission"]), **other}
    at = datetime(2026, 1, 1, tzinfo=UTC)
    made = SubmissionReceipts(signer, "https://habeas.example", timedelta(seconds=10))
    return made.sign(said.get("log", ORIGIN), said["event"], said["submission"], at).encode()


def with_receipts(export: Export, *receipts: bytes, keys: bytes | None = JWKS) -> Report:
    named = tuple((f"r{n}", one) for n, one in enumerate(receipts))
    return verify_asked(export.path, Ask(vkey=VKEY, depth=Depth.ORDER, receipts=named, keys=keys))


def test_a_promise_that_was_kept_is_counted(export: Export) -> None:
    leaves = forge.leaves_of(forge.parts_of(export.path))
    report = with_receipts(export, receipt(leaves[3]) + b"\n" + receipt(leaves[7]))
    assert report.ok
    assert "2 of 2 promised events are in the log." in report.notes


def test_a_promise_that_was_broken_is_found(export: Export) -> None:
    leaves = forge.leaves_of(forge.parts_of(export.path))
    lost = receipt(leaves[3], event="00000000-0000-4000-8000-000000000009")
    report = with_receipts(export, lost)
    assert report.completeness.ok is False
    assert "which goes on after it was due" in report.completeness.findings[0]
    changed = receipt(leaves[3], submission=digest(b"something else"))
    report = with_receipts(export, changed)
    assert report.completeness.first_bad == 3
    other = receipt(leaves[3], event="00000000-0000-4000-8000-000000000009", log="another/log")
    assert "of another log" in with_receipts(export, other).completeness.findings[0]


def test_a_receipt_that_nobody_signed_promises_nothing(export: Export) -> None:
    leaves = forge.leaves_of(forge.parts_of(export.path))
    forged = receipt(leaves[3], FORGER)
    assert with_receipts(export, forged).completeness.ok is False
    assert "signatures of the submission receipts were not checked" in render(
        with_receipts(export, forged, keys=None)
    )
    for bad in (b"x", b"a.b.c", b"\xff", b"e30.e30.e30"):
        assert with_receipts(export, bad).completeness.ok is False
        assert with_receipts(export, bad, keys=None).completeness.ok is False


# Restores ----------------------------------------------------------------------------------------

NEXT = f"{ORIGIN}/e2"
CUSTODIANS = [LocalSigner.from_seed(bytes([n]) * 32) for n in (7, 8)]
LIST = Custodians(
    tuple(VerifierKey(f"c{n}.example", one.public) for n, one in enumerate(CUSTODIANS))
)


def restored(
    export: Export,
    tmp_path: Path,
    *,
    signers: int = 2,
    adopted: tuple[Custodians, ...] = (),
    **other: Json,
) -> tuple[Path, bytes]:
    """An export of the log after its last three entries were lost; and its last old checkpoint."""
    parts = forge.parts_of(export.path)
    before = parse_checkpoint(parse_note(parts[archive.CHECKPOINT]).text)
    leaves = forge.leaves_of(parts)[:-3]
    kept = CompactRange().extend(forge.leaf_hash(raw) for raw in forge.lines_of(parts)[:-3])
    facts: dict[str, Json] = {
        "previous_origin": ORIGIN,
        "previous_size": before.size,
        "previous_root": before.root.hex(),
        "restored_size": kept.size,
        "restored_root": kept.root.hex(),
        "origin": NEXT,
        **other,
    }
    said = {name: str(value) for name, value in facts.items()}
    text = statement_text("acknowledge-restore", {**said, "custodians": LIST.digest})
    statement = text.encode()
    for number in range(signers):
        statement = sign_statement(statement, f"c{number}.example", CUSTODIANS[number]).encode()
    facts |= {"custodians": LIST.digest, "statement": digest(statement)}
    last = {**leaves[-1], "kind": "log.restored", "subjects": [], "purpose": None, "facts": facts}
    last |= {
        "event": "00000000-0000-4000-8000-0000000000e2",
        "actor": {"kind": "system", "id": "h"},
    }
    before_it = [
        {
            **last,
            "kind": "log.custodians_adopted",
            "event": f"00000000-0000-4000-8000-00000000c00{n}",
            "facts": {"custodians": one.digest},
        }
        for n, one in enumerate(adopted)
    ]
    made = forge.signed(forge.restamped([*leaves, *before_it, last]), SIGNER, NEXT)
    for document in (LIST.document, statement, *(one.document for one in adopted)):
        made[archive.policy_path(digest(document))] = document
    return forge.write(tmp_path / "restored.tar", made), parts[archive.CHECKPOINT]


def test_a_log_that_goes_on_after_a_restore_holds_under_the_key_it_always_had(
    export: Export, tmp_path: Path
) -> None:
    path, last = restored(export, tmp_path)
    report = asked(path, since=(("before", last),))
    assert report.ok, report
    assert "Entry 9 tells of a restore by two custodians: 3 entries" in render(report)
    assert "were lost at the restore" in render(report)


@pytest.mark.parametrize(
    ("other", "problem"),
    [
        ({"signers": 1}, "two different custodians must"),
        ({"origin": f"{ORIGIN}/e3"}, "names do not follow"),
        ({"previous_origin": "another"}, "names do not follow"),
        ({"restored_root": "00" * 32}, "are not those it names"),
        ({"restored_size": 99}, "sizes do not follow"),
        ({"restored_size": "6"}, "lacks what its kind must say: restored_size: is no number"),
        ({"more": 1}, "lacks what its kind must say: more: is no fact of this kind"),
    ],
)
def test_a_restore_that_was_not_agreed_to_or_does_not_fit_is_found(
    export: Export, tmp_path: Path, other: dict[str, int | str], problem: str
) -> None:
    report = asked(restored(export, tmp_path, **other)[0])  # type: ignore[arg-type]
    assert report.completeness.ok is False
    assert problem in report.completeness.findings[0]


OTHERS = Custodians(
    tuple(
        VerifierKey(f"o{n}.example", LocalSigner.from_seed(bytes([n]) * 32).public) for n in (9, 10)
    )
)
DEPTHS = (Depth.ORDER, Depth.FACTS)


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_restore_rests_on_the_list_that_was_in_force_and_no_other(
    export: Export, tmp_path: Path, depth: Depth
) -> None:
    """Who has the log's key can bring two custodians of their own; the log knows others."""
    path, _ = restored(export, tmp_path, adopted=(LIST, OTHERS))
    report = asked(path, depth=depth)
    assert report.completeness.ok is False
    assert report.completeness.sentence.startswith("1 finding. ")
    assert f"in force was {OTHERS.digest}" in report.completeness.findings[0]


@pytest.mark.parametrize("depth", DEPTHS)
def test_the_list_that_a_restore_rests_on_is_named(
    export: Export, tmp_path: Path, depth: Depth
) -> None:
    path, _ = restored(export, tmp_path, adopted=(OTHERS, LIST))
    report = asked(path, depth=depth)
    assert report.completeness.ok
    assert f"They are of the list {LIST.digest}: is it the one you know?" in render(report)
    path, _ = restored(export, tmp_path)
    assert "which no entry before adopted: is it" in render(asked(path, depth=depth))


def test_a_log_that_changes_its_name_without_saying_why_is_incomplete(
    export: Export, tmp_path: Path
) -> None:
    leaves = forge.leaves_of(forge.parts_of(export.path))
    path = forge.write(
        tmp_path / "x.tar", forge.signed(forge.restamped(leaves), SIGNER, f"{ORIGIN}/e2")
    )
    assert "how the log came to be called" in asked(path).completeness.findings[0]


# Selections --------------------------------------------------------------------------------------


def selected(export: Export, target: Path, wanted: Selection, left_out: int | None) -> Report:
    """The export of one person's entries or of a purpose's, with one of its lines left out."""
    leaves = forge.leaves_of(forge.parts_of(export.path))
    people = [] if wanted.person is None else [wanted.person]
    leaves[-1] |= {"subjects": people, "purpose": wanted.purpose}
    said = leaves[-1]["facts"]
    assert isinstance(said, dict)
    leaves[-1]["facts"] = {**said, "selection": wanted.facts}
    raws = forge.restamped(leaves)
    leaves = forge.leaves_of(forge.with_lines({}, raws))
    hits = [at for at, leaf in enumerate(leaves) if wanted.matches(leaf)]
    hits = sorted({*hits, len(leaves) - 1})
    if left_out is not None:
        del hits[left_out]
    parts = forge.signed(raws, SIGNER, ORIGIN)
    chosen = [raws[at] for at in hits]
    parts = {name: data for name, data in parts.items() if not archive.is_policy_path(name)}
    parts |= forge.documents(chosen)
    parts = forge.with_lines(parts, chosen) | {archive.SELECTION: wanted.canonical}
    return asked(forge.write(target, parts))


def test_a_stream_is_complete_and_a_line_left_out_of_it_is_missed(
    export: Export, tmp_path: Path
) -> None:
    purpose = Selection(purpose="ai_training.computer_use")
    whole = selected(export, tmp_path / "x.tar", purpose, None)
    assert [verdict.ok for verdict in whole.verdicts.values()] == [True, True, None], whole
    assert whole.counts["entries"] > 4
    for left_out in range(whole.counts["entries"] - 1):
        report = selected(export, tmp_path / "x.tar", purpose, left_out)
        assert report.completeness.ok is False, left_out
    report = selected(export, tmp_path / "x.tar", purpose, -1)
    assert report.integrity.ok is False, "without the entry about the export"


def test_of_a_selection_by_kind_completeness_is_not_claimed(export: Export, tmp_path: Path) -> None:
    wanted = Selection(kinds=("access.decided",))
    for left_out in (None, 1):
        report = selected(export, tmp_path / "x.tar", wanted, left_out)
        assert report.integrity.ok
        assert report.completeness.ok is None
        assert "Nothing proves" in report.completeness.sentence


def test_no_line_of_a_selection_changes_unseen(export: Export, tmp_path: Path) -> None:
    path = tmp_path / "x.tar"
    assert selected(export, path, Selection(purpose="ai_training.computer_use"), None).ok
    parts = forge.parts_of(path)
    for at in range(0, len(parts[archive.ENTRIES]), 97):
        data = bytearray(parts[archive.ENTRIES])
        data[at] ^= 1
        report = asked(forge.write(path, {**parts, archive.ENTRIES: bytes(data)}))
        assert report.exit_code == 1, at
    lines = forge.lines_of(parts)
    for changed in ([*lines[1:2], *lines[:1], *lines[2:]], [*lines[:2], *lines[1:]], []):
        assert asked(forge.write(path, forge.with_lines(parts, changed))).exit_code == 1
    other = {**parts, archive.SELECTION: Selection(purpose="ai_training.evaluation").canonical}
    assert asked(forge.write(path, other)).integrity.ok is False
