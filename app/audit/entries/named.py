"""Which documents an entry names by digest: what an export must carry, no more and no less.

Pure. The exporter and the verifier use the same function.

Three digests in entries are of no document, and are not looked for:
1. ``submission``: it is of the entry itself.
2. ``policy`` of ``agent.reported``: what an agent says it applied. It may say anything; what it was
   given to apply is named by ``lease.changed``.
3. ``result`` of ``access.used``: what a consumer says it read.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from app.audit.entries.model import Kind
from app.kernel.shapes import DIGEST, fits

_SINGLE = ("policy", "purposes", "offer", "statement", "custodians")
_SEVERAL = ("layers", "capture_layers")


def named_documents(leaf: Mapping[str, Any]) -> frozenset[str]:
    """The digests, ``sha256:…``, of the documents that a leaf names; total, whatever it holds."""
    if leaf["kind"] == Kind.AGENT_REPORTED:
        return frozenset()
    return frozenset(
        digest
        for digest in _digests(leaf["kind"], leaf["facts"])
        if isinstance(digest, str) and fits(DIGEST, digest)
    )


def _digests(kind: str, facts: Mapping[str, Any]) -> Iterator[object]:
    yield from _of(facts)
    if kind in {Kind.NOTICE_ADOPTED, Kind.NOTICE_SHOWN}:
        yield facts.get("digest")
    notice = facts.get("notice")
    if isinstance(notice, dict):
        yield notice.get("digest")
    policies = facts.get("policies")
    for policy in policies if isinstance(policies, list) else ():
        if isinstance(policy, dict):
            yield from _of(policy)


def _of(leaf: Mapping[str, Any]) -> Iterator[object]:
    yield from (leaf.get(name) for name in _SINGLE)
    for name in _SEVERAL:
        several = leaf.get(name)
        yield from several if isinstance(several, list) else ()
