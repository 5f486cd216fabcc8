"""Giving a token to a device, at a pace, with its entry (app/agents/pairing/pace.py)."""

import secrets
from datetime import datetime, timedelta

from app.agents.devices.model import Device, DeviceRecord
from app.agents.pairing import store
from app.agents.pairing.model import Token, TokenRefusal
from app.agents.pairing.pace import SAID_EVERY, TokenCount
from app.audit.entries.model import Actor, Event, Kind
from app.audit.entries.service import AuditService
from app.db.engine import Tx
from app.kernel.facts import encode

TOKEN_LIFE = timedelta(hours=1)


def issue(tx: Tx, log: AuditService, device: Device, now: datetime) -> Token | TokenRefusal:
    """Give a token, or say how long the device must wait for one."""
    count = store.own_token_count(tx, device.id)
    refusal = too_many(count, now)
    if refusal:
        return refusal
    store.forget_expired_tokens(tx, now)
    value = secrets.token_urlsafe(32)
    store.insert_token(tx, value, device.id, now + TOKEN_LIFE)
    store.keep_token_count(tx, _told(tx, log, count.with_one_more(now), now))
    for other in store.unsaid_counts(tx, now - SAID_EVERY):
        store.keep_token_count(tx, _told(tx, log, other, now))
    return Token(value, int(TOKEN_LIFE.total_seconds()))


def too_many(count: TokenCount, now: datetime) -> TokenRefusal | None:
    """Say that a device asks for too many tokens; None if it does not."""
    wait_s = count.wait_s(now)
    if not wait_s:
        return None
    return TokenRefusal(
        "slow_down",
        f"this device was given too many tokens; use the one you hold, or ask in {wait_s} seconds",
        wait_s,
    )


def _told(tx: Tx, log: AuditService, count: TokenCount, now: datetime) -> TokenCount:
    """Append the entry that is due; the count after it."""
    if not count.is_to_be_said(now):
        return count
    record = DeviceRecord(count.device_id, tokens=count.unsaid)
    actor = Actor("device", count.device_id)
    log.append(tx, Event(Kind.DEVICE_TOKEN_ISSUED, actor, encode(record)), now)
    return count.said(now)
