"""The replay within a whole verification; and what comes after an erasure and after a restore."""

import json
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from app.access.floor.terms import ALLOWED, PROHIBITED
from app.audit.entries.model import SYSTEM
from app.audit.entries.named import named_documents
from app.audit.export import archive
from app.audit.export.writing import export_log
from app.audit.reading.selection import Selection
from app.audit.restore.record import Restored, RestoreRecord
from app.audit.tree.checkpoint import VerifierKey
from app.audit.tree.epoch import next_origin
from app.consent.model import Act
from app.kernel.canonical import canonical, digest
from app.kernel.facts import encode
from app.rights.model import ErasureRecord
from app.sdk.verify import Ask, Depth, Report, as_json, render, verify_asked
from app.sdk.verify.replay.replay import REPLAY_LIMIT
from tests.access.office import ALICE, BOB
from tests.audit import forge
from tests.sdk.day import Day, Leaf, Log
from tests.sdk.eventful import eventful


def vkey_of(day: Day) -> str:
    return VerifierKey(day.services.log.origin, day.services.keys.signer("log").public).vkey


def verified(day: Day, path: Path, depth: Depth = Depth.REPLAY) -> Report:
    return verify_asked(path, Ask(vkey=vkey_of(day), depth=depth))


def exported(day: Day, folder: Path, selection: Selection | None = None) -> Path:
    export_log(
        day.services.database,
        day.services.log,
        day.services.integrator,
        folder / "log.tar",
        actor=SYSTEM,
        now=day.now,
        documents=day.services.exports.documents,
        selection=selection,
    )
    return folder / "log.tar"


def signed_anew(day: Day, folder: Path, log: Log) -> Path:
    """The log as a forger who holds its key would export it; all parts fit together."""
    raws = [forge.canonical(leaf) for leaf in log.leaves]
    parts = forge.signed(raws, day.services.keys.signer("log"), day.services.log.origin)
    named = {name for leaf in log.leaves for name in named_documents(leaf)}
    parts |= {
        archive.policy_path(name): body for name, body in log.documents.items() if name in named
    }
    return forge.write(folder / "forged.tar", parts)


def test_an_export_of_a_full_day_verifies_and_counts_by_purpose(day: Day, tmp_path: Path) -> None:
    eventful(day)
    day.captured(BOB)
    day.use(day.grant(day.ask(BOB, purpose="ai_training.evaluation")), rows=5)
    report = verified(day, exported(day, tmp_path))
    assert report.ok, render(report)
    assert report.counts["prohibited"] == 0
    assert report.counts["refusals.performance_evaluation"] == 1
    assert "permits.performance_evaluation" not in report.counts
    assert report.counts["permits.ai_training.evaluation"] == 1
    assert report.counts["grants.used"] == 1
    assert report.counts["grants.open"] > 0
    assert any("never closed" in note for note in report.notes)
    assert REPLAY_LIMIT in report.limits
    assert json.loads(json.dumps(as_json(report)))["counts"] == dict(report.counts)


def test_a_lease_after_a_withdrawal_in_a_forged_export_is_named(day: Day, tmp_path: Path) -> None:
    day.pair(ALICE)
    day.captured(ALICE)
    day.poll(ALICE)
    day.decide(ALICE, Act.WITHDRAWN)
    day.poll(ALICE)
    log = day.log()
    on = log.leaves[log.last("lease.changed", capture="on")]
    at = log.last("lease.changed")
    honest = verified(day, signed_anew(day, tmp_path, log))
    assert honest.ok, render(honest)
    forged = log.forged(at, lambda leaf: leaf.update(facts=on["facts"]))
    path = signed_anew(day, tmp_path, forged)
    report = verified(day, path)
    assert (report.integrity.ok, report.completeness.ok, report.policy.ok) == (True, True, False)
    assert report.first_bad == at
    source = log.last("consent.withdrawn")
    assert (
        f"entry {at} says the standing is given; by entry {source} it is withdrawn"
        in report.policy.findings
    )
    by_itself = verified(day, path, Depth.FACTS)
    assert by_itself.ok, "the forged entry contradicts other entries, not itself"


def test_documents_that_are_missing_are_said_to_be(day: Day) -> None:
    day.captured(ALICE)
    day.ask(ALICE)
    log = day.log()
    for kind in (
        "policy.floor_adopted", "policy.catalogue_adopted", "policy.purposes_adopted",
        "policy.published", "notice.shown",
    ):  # fmt: skip
        at = log.last(kind)
        facts = log.leaves[at]["facts"]
        gone = facts["policy"] if kind.startswith("policy.") else facts["offer"]
        rest = {name: body for name, body in log.documents.items() if name != gone}
        verdict = Log(log.leaves, rest).checked().verdict(whole=True)
        assert verdict.first_bad == at, kind
        assert "not here" in verdict.findings[0]


def test_a_list_of_purposes_that_does_not_prohibit_evaluation_is_named(day: Day) -> None:
    """Neither the entry nor its document may leave it out."""
    log = day.log()
    at = log.last("policy.purposes_adopted")
    document = json.loads(log.documents[log.leaves[at]["facts"]["policy"]])
    del document["prohibited"]["performance_evaluation"]
    body = canonical(document)
    log.documents[digest(body)] = body

    def change(leaf: Leaf) -> None:
        leaf["facts"] = {
            "policy": digest(body),
            "allowed": sorted(ALLOWED),
            "prohibited": sorted(PROHIBITED),
        }

    findings = log.forged(at, change).findings()
    assert f"entry {at} says other purposes to be prohibited than its document" in findings
    assert any("does not prohibit performance_evaluation" in finding for finding in findings)


def test_nothing_is_decided_about_somebody_who_was_erased(day: Day) -> None:
    day.pair(ALICE)
    day.captured(ALICE, BOB)
    day.poll(ALICE)
    grant = day.grant(day.ask(ALICE, BOB))
    day.use(grant)
    log = day.log()
    repeated = ErasureRecord(basis=None, statement=None, keys=1, bodies=0, again=True)
    erased = {**log.leaves[0], "kind": "subject.erased", "facts": encode(repeated)}
    erased |= {"subjects": [day.pseudonym(ALICE)], "event": "00000000-0000-0000-0000-00000000000e"}
    erased |= {name: log.leaves[-1][name] for name in ("occurred_at", "integrated_at")}
    size = len(log.leaves)
    rest = log.restamped([*log.leaves, erased])
    assert rest.findings() == ()
    for kind in ("lease.changed", "access.decided"):
        again = {**log.leaves[log.last(kind)], "event": "00000000-0000-0000-0000-00000000000f"}
        findings = log.restamped([*log.leaves, erased, again]).findings()
        assert any(
            f"entry {size + 1} is about {day.pseudonym(ALICE)}, who was erased by entry {size}"
            in finding
            for finding in findings
        )
    # A use may leave out whoever was erased since the permit, and nobody else.
    use = log.leaves.pop(log.last("access.used"))
    rest = {**use, "subjects": [day.pseudonym(BOB)]}
    assert log.restamped([*log.leaves, erased, rest]).findings() == ()
    assert log.restamped([*log.leaves, rest]).findings() != ()


def test_a_lease_that_rests_on_what_a_restore_calls_into_question_is_named(day: Day) -> None:
    day.pair(ALICE)
    day.captured(ALICE)
    day.poll(ALICE)
    before = day.log()
    day.revoke(ALICE)
    after = day.log()
    origin = day.services.log.origin
    lost = Restored(origin, 9, "aa", 7, "bb", next_origin(origin))
    record = RestoreRecord(lost, statement=digest(b"signed"), custodians=digest(b"listed"))
    restored = {**before.leaves[0], "kind": "log.restored", "facts": encode(record)}
    restored["event"] = "00000000-0000-0000-0000-00000000000e"
    restored |= {name: before.leaves[-1][name] for name in ("occurred_at", "integrated_at")}
    lease = {**before.leaves[-1], "event": "00000000-0000-0000-0000-00000000000f"}
    seq = {**lease["facts"]["seq"], "consent": lease["facts"]["seq"]["consent"] + 100_000}
    lease["facts"] = {**lease["facts"], "seq": seq}
    at, given = len(before.leaves), before.last("consent.given")
    (finding,) = before.restamped([*before.leaves, restored, lease]).findings()
    assert finding.startswith(
        f"entry {at + 1} rests on entry {given}, which the restore of entry {at} calls into"
    )
    revoked = {**after.leaves[-1], "actor": {"kind": "system", "id": "habeas"}, "commitment": None}
    revoked["facts"] = {**revoked["facts"], "reason": "restore"}
    assert before.restamped([*before.leaves, restored, revoked]).findings() == ()
    lease["facts"]["seq"] = before.leaves[-1]["facts"]["seq"]
    assert any("says consent" in one for one in
               before.restamped([*before.leaves, restored, lease]).findings())  # fmt: skip


def test_an_entry_from_before_a_field_was_added_verifies(day: Day) -> None:
    """``residence`` of a person and ``region`` of those asked about came later."""
    day.captured(ALICE)
    day.ask(ALICE)
    log = day.log()
    for leaf in log.leaves:
        leaf["facts"].pop("residence", None) if leaf["kind"] == "directory.person" else None
        for person in leaf["facts"].get("people", ()):
            del person["region"]
    assert log.restamped(log.leaves).findings() == ()


DAMAGE = st.sampled_from([None, True, 0, -1, "", "x", [], {}, [None], {"x": 1}, 2**60])


@settings(max_examples=60)
@given(st.data())
def test_whatever_an_entry_says_the_replay_does_not_break(
    eventful_log: Log, data: st.DataObject
) -> None:
    leaves = [dict(leaf) for leaf in eventful_log.leaves]
    at = data.draw(st.integers(0, len(leaves) - 1))
    facts = dict(leaves[at]["facts"])
    if facts:
        facts[data.draw(st.sampled_from(sorted(facts)))] = data.draw(DAMAGE)
    leaves[at]["facts"] = facts
    Log(leaves, eventful_log.documents).checked().verdict(whole=True)
