"""Signed bytes are for ever: entries of release 0.1 are read and written again to equal bytes."""

import tarfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from app.access.decision.model import Consumer
from app.access.decision.record import entry_facts, facts_from_entry, recorded
from app.audit.entries.model import Kind, read_leaf
from app.consent.model import Act, Decision
from app.consent.offers import Offer
from app.kernel.canonical import canonical, parse_canonical
from app.kernel.facts import decode, encode, shapes_of
from app.policy.catalogue.model import Catalogue
from app.policy.law.layer import CompanyPolicy
from app.sdk.verify.folded.people import CONSENT_KINDS
from tests.vectors.folder import FOLDER, needed
from tests.vectors.records import WHOLE

SAMPLES = Path(__file__).parent / "entries" / "release-0.1.jsonl"
"""One leaf of each kind at least, as release 0.1 signed it."""

Facts = Mapping[str, Any]
AT = datetime(2026, 11, 16, tzinfo=UTC)


def _again(cls: type, facts: Facts) -> Facts:
    return encode(decode(cls, facts))


def _decided(facts: Facts) -> Facts:
    asked, known = facts_from_entry(facts)
    return entry_facts(
        asked, known, recorded(facts), purposes=facts["purposes"], grant=facts["grant"]
    )


def _consent(facts: Facts) -> Facts:
    """A revocation says by whom next to the decision; nothing that is folded rests on it."""
    reason = {name: facts[name] for name in facts if name == "reason"}
    said = {name: facts[name] for name in facts if name != "reason"}
    elsewhere = {"person_id": "", "act": Act.GIVEN, "decided_at": AT, "event_id": ""}
    return encode(decode(Decision, said, **elsewhere)) | reason


AGAIN: Mapping[Kind, Callable[[Facts], Facts]] = {
    **{kind: partial(_again, cls) for kind, cls in WHOLE.items()},
    Kind.ACCESS_DECIDED: _decided,
    Kind.ACCESS_CONSUMER_REGISTERED: lambda facts: encode(decode(Consumer, facts, name="")),
    **dict.fromkeys(CONSENT_KINDS, _consent),
}
"""The facts of a kind, read into a value of ours and written anew."""


_OF_CATALOGUE: Facts = {"policy": "sha256:" + "1" * 64, "base": "sha256:" + "2" * 64}

_EVENT = "00000000-0000-4000-8000-000000000000"
LATER: Mapping[Kind, Facts] = {
    Kind.RULES_ADOPTED: {"version": 2, "release": "0.2.0"},
    Kind.ROLES_ADOPTED: {"policy": "sha256:" + "0" * 64},
    Kind.KEYS_ADOPTED: {
        "note": "sha256:" + "0" * 64,
        "version": 2,
        "root_version": 1,
        "expires": "2026-11-28T00:00:00.000000Z",
        "keys": [
            {"kid": "k" * 43, "typ": "habeas-lease+jwt", "ends": "2026-11-28T00:00:00.000000Z"},
            {"kid": "l" * 43, "typ": "habeas-lease+jwt"},
        ],
    },
    Kind.SEALS_ADOPTED: {"key": "0" * 16, "sealed": 3, "unsealed": 0},
    Kind.SEALS_REBUILT: {
        "key": "0" * 16,
        "sealed": 3,
        "unsealed": 0,
        "statement": "sha256:" + "0" * 64,
        "custodians": "sha256:" + "0" * 64,
    },
    Kind.ALARM_RAISED: {"chain": "stop:DE", "why": "behind"},
    Kind.ALARM_CLEAR_PROPOSED: {"alarm": _EVENT, "chain": "stop:DE"},
    Kind.ALARM_CLEARED: {"alarm": _EVENT, "chain": "stop:DE", "proposer": "p_" + "0" * 32},
    Kind.DOOR_REFUSED: {
        "counted_from": "2026-11-28T00:00:00.000000Z",
        "counted_until": "2026-11-28T00:01:00.000000Z",
        "refusals": [{"lane": "consumers", "status": 401, "count": 12}],
    },
    Kind.POLICY_CATALOGUE_SHIPPED: _OF_CATALOGUE,
    Kind.POLICY_CATALOGUE_PROPOSED: _OF_CATALOGUE,
    Kind.POLICY_CATALOGUE_DECLINED: _OF_CATALOGUE,
    Kind.POLICY_CATALOGUE_APPROVED: _OF_CATALOGUE,
}
"""Facts of kinds that release 0.1 did not know."""

SPARSE = {"proposer"}
"""Facts of these that are written only where there is something to say."""


def leaves() -> Iterator[dict[str, Any]]:
    return map(read_leaf, samples())


def samples() -> list[bytes]:
    return SAMPLES.read_bytes().splitlines()


def released(name: str) -> Iterator[bytes]:
    """The leaves of an export of release 0.1."""
    with tarfile.open(FOLDER / "release-0.1" / name, "r:xz") as archive:
        lines = archive.extractfile("entries.jsonl")
        assert lines is not None
        for line in lines:
            yield line.rstrip(b"\n")


def written_again(raw: bytes) -> bytes:
    leaf = read_leaf(raw)
    again = AGAIN.get(Kind(leaf["kind"]))
    return canonical({**leaf, "facts": leaf["facts"] if again is None else again(leaf["facts"])})


@pytest.mark.parametrize("raw", samples(), ids=lambda raw: read_leaf(raw)["kind"])
def test_a_leaf_of_each_kind_is_written_again_to_equal_bytes(raw: bytes) -> None:
    assert written_again(raw) == raw


def test_the_leaves_are_of_every_kind_that_release_0_1_wrote() -> None:
    """It knew acknowledgements too; their facts are those of ``consent.given``."""
    kinds = {read_leaf(raw)["kind"] for raw in samples()}
    assert len(kinds) == 38
    unknown_then = {Kind.CONSENT_ACKNOWLEDGED, Kind.CONSENT_RESUMED, *LATER}
    assert {kind for kind in AGAIN if kind not in kinds} <= unknown_then


@pytest.mark.parametrize("kind", WHOLE)
def test_facts_of_another_shape_are_refused_by_name(kind: Kind) -> None:
    """A reader of a forged entry gets a finding, whatever stands in it."""
    facts = LATER.get(kind) or next(leaf["facts"] for leaf in leaves() if leaf["kind"] == kind)
    appended = {
        shape.partition(":")[0] for shape in shapes_of(WHOLE[kind]) if shape.endswith("appended")
    }
    for name in facts:
        with pytest.raises(ValueError, match=f"^{name}: "):
            decode(WHOLE[kind], {**facts, name: {"a": 1.5}})
    for name in facts.keys() - appended - SPARSE:
        with pytest.raises(ValueError, match=f"^{name}: is missing"):
            decode(WHOLE[kind], {key: value for key, value in facts.items() if key != name})
    with pytest.raises(ValueError, match="colour: is no fact of this kind"):
        decode(WHOLE[kind], {**facts, "colour": "red"})


@needed
@pytest.mark.parametrize(("name", "size"), [("export.tar.xz", 4_763), ("restored.tar.xz", 182)])
def test_every_entry_of_release_0_1_is_written_again_to_equal_bytes(name: str, size: int) -> None:
    other, seen = [], Counter[str]()
    for idx, raw in enumerate(released(name)):
        seen[read_leaf(raw)["kind"]] += 1
        if written_again(raw) != raw:
            other.append(idx)
    assert other == []
    assert seen.total() == size


@needed
def test_offers_catalogues_and_evidence_of_release_0_1_are_written_again_to_equal_bytes() -> None:
    with tarfile.open(FOLDER / "release-0.1" / "export.tar.xz", "r:xz") as archive:
        files = {member.name: archive.extractfile(member) for member in archive.getmembers()}
        bodies = [file.read() for name, file in files.items() if file and "policies/" in name]
    seen, other = Counter[str](), []
    for body in bodies:
        document = parse_canonical(body) if body.startswith(b"{") else {}
        kind = document.get("kind", "offer" if "regions" in document else "another")
        seen[kind] += 1
        if kind == "offer" and Offer.read(body).canonical != body:
            other.append(body)
        if kind == "catalogue" and Catalogue.read(body).body != body:
            other.append(body)
        if kind == "company":
            evidence = [encode(item) for item in CompanyPolicy.read(body).evidence]
            other += [body] if evidence != document["evidence"] else []
    assert other == []
    assert seen["offer"] > 10
    assert seen["catalogue"] == 1
    assert seen["company"] > 20
