"""Whether every event is in the log once, in 16 bytes for each."""

import uuid
from array import array
from binascii import unhexlify
from bisect import bisect_right
from collections.abc import Iterator, Sequence

_ID_BYTES = 16
_AT_ONCE = 1 << 20
"""How many ids are compared at a time; more take several rounds, not more memory."""


class EventIds:
    """Takes the ids of the entries in order."""

    def __init__(self) -> None:
        self._ids = bytearray()
        self._skipped = array("Q")

    def add(self, texts: Sequence[bytes]) -> None:
        """Take well-formed ids, 36 characters each."""
        self._ids += unhexlify(b"".join(texts).translate(None, b"-"))

    def skip(self) -> None:
        """Pass over an entry that cannot be read."""
        self._skipped.append(len(self._ids) // _ID_BYTES)

    def repeated(self) -> Iterator[tuple[int, str]]:
        """Yield position and id of each entry whose event is an earlier entry's too."""
        if self._differ():
            return
        seen: set[bytes] = set()
        for at in range(0, len(self._ids), _ID_BYTES):
            event_id = bytes(self._ids[at : at + _ID_BYTES])
            if event_id in seen:
                ordinal = at // _ID_BYTES
                position = ordinal + bisect_right(self._skipped, ordinal)
                yield position, str(uuid.UUID(bytes=event_id))
            seen.add(event_id)

    def _differ(self) -> bool:
        """Whether even the second halves of the ids all differ."""
        with memoryview(self._ids) as ids, ids.cast("Q") as words, words[1::2] as halves:
            rounds = 1 + len(halves) // _AT_ONCE
            distinct = (
                len(set(halves) if rounds == 1 else {id_ for id_ in halves if id_ % rounds == turn})
                for turn in range(rounds)
            )
            return sum(distinct) == len(halves)
