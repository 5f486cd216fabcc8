"""The log as the resources of C2SP tlog-tiles: tiles of hashes, bundles of entries.

Rules:
1. Nothing is served that no published checkpoint covers: what is signed later could be signed
   otherwise.
2. A partial tile is served for sizes that were published, and for no other width: its address
   then means the same bytes for ever.
3. A path has one spelling.
"""

import re

from app.audit.entries import cosigned, store
from app.audit.tree.tiles import TILE_WIDTH, Tile, parse_tile_path
from app.db.engine import Tx
from app.kernel.errors import NotFound

_BUNDLE = re.compile(r"tile/entries/(.+)")
_LARGEST = 1 << 62
_LENGTH_BYTES = 2


def hash_tile(tx: Tx, path: str) -> bytes:
    """The hashes of a tile (tlog-tiles, "Merkle Tree"): 32 bytes each, 256 of them if it is full.

    Args:
        tx: the transaction.
        path: ``tile/<L>/<N>[.p/<W>]``.

    Raises:
        NotFound: not of that form, or not published.
    """
    tile = parse_tile_path(path)
    if tile is None or not _is_published(tx, tile):
        raise _nothing(path)
    return store.hashes_of(tx, tile.level, tile.n, tile.width)


def bundle_at(path: str) -> Tile | None:
    """Read ``tile/entries/<N>[.p/<W>]`` as the tile of level 0 that its entries hash to."""
    bundle = _BUNDLE.fullmatch(path)
    return parse_tile_path(f"tile/0/{bundle[1]}") if bundle else None


def entry_bundle(tx: Tx, path: str) -> tuple[Tile, bytes]:
    """The entries below a tile of level 0 (tlog-tiles, "Log entries"), each behind its length.

    Raises:
        NotFound: not of that form, or not published.
    """
    tile = bundle_at(path)
    if tile is None or not _is_published(tx, tile):
        raise _nothing(path)
    start = tile.n * TILE_WIDTH
    raws = store.raw_entries(tx, start, start + tile.width)
    return tile, b"".join(len(raw).to_bytes(_LENGTH_BYTES) + raw for raw in raws)


def _is_published(tx: Tx, tile: Tile) -> bool:
    per_hash = tile.leaves_per_hash
    low = (tile.n * TILE_WIDTH + tile.width) * per_hash
    if low > _LARGEST:  # no log has so many entries, and no database so large a number
        return False
    if tile.width == TILE_WIDTH:
        last = cosigned.newest(tx)
        return last is not None and last.size >= low
    return cosigned.published_between(tx, low, low + per_hash)


def _nothing(path: str) -> NotFound:
    return NotFound(f"the published log has no {path[:100]}")
