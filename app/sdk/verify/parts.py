"""Whether every part of an export belongs, is what its name says, and is in the manifest."""

from collections.abc import Mapping

from app.audit.export import archive
from app.audit.export.archive import CHECKPOINT, ENTRIES, KEY, MANIFEST, SELECTION
from app.audit.tree.tiles import parse_tile_path, tile_at
from app.sdk.verify.run import Run

_MAX_MANIFEST_BYTES = 1 << 28


def check_parts(run: Run, documents: Mapping[str, int] | None) -> None:
    """Hold the parts against their names, the manifest, and what entries name.

    Args:
        run: the verification; digests of entries and tiles are known by now.
        documents: digest to the first entry that names the document; None where no entry was read.
    """
    files: dict[str, str] = {}
    for name in run.evidence.parts:
        if name == MANIFEST:
            continue
        files[name] = run.digests.get(name) or run.evidence.digest(name)
        if archive.is_policy_path(name):
            if archive.policy_path(files[name]) != name:
                run.integrity.add(f"{name} does not have the digest that is its name")
        elif not _belongs(run, name):
            run.integrity.add(f"{name} is no part of this export")
    manifest = run.evidence.read(MANIFEST, _MAX_MANIFEST_BYTES)
    if run.signed is not None and manifest != archive.manifest(run.signed, files):
        run.integrity.add(f"{MANIFEST} does not describe this export")
    if documents is not None:
        _check_documents(run, files, documents)


def _check_documents(run: Run, files: Mapping[str, str], documents: Mapping[str, int]) -> None:
    """What entries name is there, and nothing else is."""
    for digest, position in documents.items():
        if archive.policy_path(digest) not in files:
            problem = f"entry {position} names the document {digest}: it is not here"
            run.completeness.add(problem, position)
    named = {archive.policy_path(digest) for digest in documents}
    for name in files:
        if archive.is_policy_path(name) and name not in named:
            run.integrity.add(f"{name} is a document that no entry names")


def _belongs(run: Run, name: str) -> bool:
    if name in {CHECKPOINT, ENTRIES, KEY} or (name == SELECTION and run.selection is not None):
        return True
    tile = parse_tile_path(name)
    if tile is None:
        return False
    return run.signed is None or tile_at(tile.level, tile.n, run.signed.size) == tile
