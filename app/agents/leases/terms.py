"""What a lease says, before it is signed: its terms (no I/O).

Rules:
1. Content is everything that a lease claims but ``jti``, ``iat``, ``exp``, ``nonce``, ``seq`` and
   ``counterparties``. ``seq`` only orders leases, and ``counterparties`` follows from the policies
   of all regions: one published for France must not write an entry for each laptop in Norway.
2. An ETag is the hash of content, ``seq``, ``counterparties`` and renewal window. A window is half
   a lease's life, so the holder of a lease with the window's ETag has at least half its life left.
3. A form is told, in the lease and in its entry, from the second one on (app/kernel/forms.py).
4. No lease outlives an end that is already known: the decision's, or a change of policy to come
   (a last day, evidence that expires, a policy that starts), also of a policy for the other side.
"""

import hashlib
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from app.agents.devices.model import Device
from app.directory.model import is_region
from app.kernel.canonical import Json, canonical, digest
from app.kernel.errors import Fault, InvalidInput
from app.kernel.facts import encode
from app.kernel.forms import FIRST_FORM, newest_common, read_forms
from app.kernel.vocabulary import Reason

MIN_AGENT = "0.2.0"
"""Older agents read events of form 1, in which what a recorder leaves out is taken for harmless."""
_NONCE = re.compile(r"[A-Za-z0-9_-]{8,128}")


@dataclass(frozen=True)
class Poll:
    """What an agent says when it asks for its lease.

    Attributes:
        if_none_match: the header of that name (RFC 9110 §13.1.2): the ETag of the lease it holds.
        place: the region where the laptop is now.
        nonce: letters to be signed into the answer, which is then never 304.
        forms: the document forms that the agent understands, as ``1,2``.
    """

    if_none_match: str = ""
    place: str | None = None
    nonce: str | None = None
    forms: str = str(FIRST_FORM)

    def check(self, newest: int) -> int:
        """Refuse what an agent cannot mean; return the form that it is answered in.

        Args:
            newest: the newest form that the service writes.

        Raises:
            InvalidInput: ``place`` is not a region, ``nonce`` is not 8 to 128 URL-safe letters, or
                ``forms`` names no form that the service writes.
        """
        faults = []
        form = self._form(newest)
        if self.place is not None and not is_region(self.place):
            faults.append(Fault("place", "is not a region", "Send a code such as DE or US-NY."))
        if self.nonce is not None and not _NONCE.fullmatch(self.nonce):
            faults.append(
                Fault("nonce", "must be 8 to 128 of A-Z a-z 0-9 _ -", "Send a random one.")
            )
        if form is None:
            problem = "is not a list of whole numbers that names a form of this service"
            known = ",".join(str(each) for each in range(FIRST_FORM, newest + 1))
            faults.append(Fault("forms", problem, f"Send those you understand of {known}."))
        if faults or form is None:
            raise InvalidInput(f"{faults[0].field} {faults[0].problem}", faults=tuple(faults))
        return form

    def _form(self, newest: int) -> int | None:
        try:
            return newest_common(read_forms(self.forms), newest)
        except ValueError:
            return None

    def holds(self, etag: str) -> bool:
        """Compare weakly. ``*`` names no lease that anybody holds: no match."""
        return etag in {tag.strip().removeprefix("W/") for tag in self.if_none_match.split(",")}


NOTHING_HELD = Poll()


@dataclass(frozen=True)
class LeaseAnswer:
    """What a poll is answered: 200 with a signed lease, or 304 with none."""

    status: int
    token: str | None
    etag: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class LeaseSeq:
    """How far policy and the person's decisions had come."""

    policy: int
    consent: int


@dataclass(frozen=True)
class LeaseTerms:
    """A lease before it is signed.

    Attributes:
        content: the claims that stay equal from renewal to renewal (rule 1).
        seq: how far policy and consent had come; no lease goes back behind it.
        ttl_s: its life in seconds.
        ends_at: an instant beyond which it must not live, if one is known.
        counterparties: digest of the document that says what may be kept where another person's
            words are in view; None where capture is off, and in forms that do not know it.
    """

    content: Mapping[str, Json]
    reasons: tuple[Reason, ...]
    seq: LeaseSeq
    ttl_s: int
    ends_at: datetime | None
    counterparties: str | None = None

    @property
    def digest(self) -> str:
        """Names the content."""
        return digest(canonical(self.content))

    def claims(self, now: datetime, nonce: str | None) -> dict[str, Json]:
        """The claims of a lease issued now; times in seconds."""
        issued = int(now.timestamp())
        expires = issued + self.ttl_s
        if self.ends_at is not None:
            expires = min(expires, int(self.ends_at.timestamp()))
        claims: dict[str, Json] = {
            **self.content,
            "seq": encode(self.seq),
            "jti": uuid.uuid4().hex,
            "iat": issued,
            "exp": expires,
        }
        if self.counterparties is not None:
            claims["counterparties"] = self.counterparties
        if nonce is not None:
            claims["nonce"] = nonce
        return claims

    def etag(self, device: Device, now: datetime) -> str:
        """The strong entity tag (RFC 9110 §8.8.3) of this content in this renewal window.

        Windows of different devices begin at different seconds, so that not all renew at once.
        """
        half = max(1, self.ttl_s // 2)
        offset = int.from_bytes(hashlib.sha256(device.id.encode()).digest()[:4]) % half
        window = (int(now.timestamp()) + offset) // half
        named = canonical(
            {
                "content": self.digest,
                "counterparties": self.counterparties,
                "seq": encode(self.seq),
                "ttl_s": self.ttl_s,
                "window": window,
            }
        )
        return f'"{hashlib.sha256(named).hexdigest()[:32]}"'
