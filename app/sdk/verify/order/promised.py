"""Submission receipts held against the log: was everything that was promised merged?

A receipt (app/audit/entries/receipts.py) promises that an event will have an index by a certain
time. It is kept if the log has that event, with that digest of what was submitted. It is broken if
the log goes on after that time without it.
"""

import binascii
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from app.audit.tree.epoch import base_of
from app.kernel.clock import instant
from app.kernel.signing import read_token, unb64u
from app.kernel.tokens import SUBMISSION_TYPE, keys_for
from app.sdk.verify.order.restores import RestoreEntry
from app.sdk.verify.report import Findings
from app.sdk.verify.run import Ask

UNSIGNED_LIMIT = (
    "The signatures of the submission receipts were not checked: give the key set that the service "
    "publishes at /.well-known/jwks.json. Their claims were compared with the log."
)


@dataclass
class Promises:
    """The receipts of one verification, and what came of them.

    Attributes:
        events: the ids of the events promised, as bytes.
    """

    ask: Ask
    completeness: Findings
    events: frozenset[bytes] = frozenset()
    _open: dict[str, list[tuple[str, Mapping[str, Any]]]] = field(default_factory=dict)
    _kept: int = 0

    def __post_init__(self) -> None:
        for name, claims in self._read():
            self._open.setdefault(claims["event"], []).append((name, claims))
        self.events = frozenset(event.encode() for event in self._open)

    def _read(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for name, data in self.ask.receipts:
            for token in data.decode("utf-8", "replace").split():
                try:
                    claims = _well_formed(self._claims(token))
                except (ValueError, KeyError, TypeError, OverflowError, OSError) as error:
                    self.completeness.add(f"a receipt in {name} cannot be read: {error}")
                else:
                    yield name, claims

    def _claims(self, token: str) -> Mapping[str, Any]:
        if self.ask.keys is not None:
            jwks = json.loads(self.ask.keys)
            return read_token(token, SUBMISSION_TYPE, keys_for(jwks, SUBMISSION_TYPE))
        try:
            claims = json.loads(unb64u(token.split(".")[1]))
        except (IndexError, binascii.Error, RecursionError) as error:
            raise ValueError("it is no token") from error
        if not isinstance(claims, dict):
            raise TypeError("its claims are no object")
        return claims

    def awaits(self, events: Iterable[bytes]) -> bool:
        """Whether one of these events was promised."""
        return bool(self.events) and not self.events.isdisjoint(events)

    def see(self, position: int, leaf: Mapping[str, Any]) -> None:
        """Take an entry whose event was promised."""
        for name, claims in self._open.pop(leaf["event"], ()):
            if claims["submission"] == leaf["submission"]:
                self._kept += 1
            else:
                self.completeness.add(
                    f"entry {position} is the event that a receipt in {name} promised, and says "
                    f"something else than was submitted",
                    position,
                )

    def finish(
        self, origin: str, last_at: str | None, restores: list[RestoreEntry]
    ) -> Iterator[str]:
        """Note broken promises; yield what else there is to say, as sentences.

        Args:
            origin: the log's name.
            last_at: ``integrated_at`` of the last entry; None where no entry was read.
            restores: that the log tells of.
        """
        if not self.ask.receipts:
            return
        yield f"{self._kept} of {self._kept + len(self._open)} promised events are in the log."
        for event, promised in self._open.items():
            for name, claims in promised:
                problem = f"event {event}, promised by a receipt in {name}, is not in the log"
                due = datetime.fromtimestamp(claims["merge_by"], UTC)
                if base_of(claims["log"]) != base_of(origin):
                    self.completeness.add(f"the receipt of event {event} is of another log")
                elif restores:
                    yield f"{problem[0].upper()}{problem[1:]}; a restore may have lost it."
                elif last_at is not None and due < instant(last_at):
                    self.completeness.add(f"{problem}, which goes on after it was due")
                else:
                    yield f"{problem[0].upper()}{problem[1:]}; it was not due when the log ends."
        if self.ask.keys is None:
            yield UNSIGNED_LIMIT


def _well_formed(claims: Mapping[str, Any]) -> Mapping[str, Any]:
    datetime.fromtimestamp(claims["merge_by"], UTC)
    if not all(isinstance(claims[claim], str) for claim in ("event", "submission", "log")):
        raise TypeError("a claim is no text")
    return claims
