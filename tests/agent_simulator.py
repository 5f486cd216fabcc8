"""The two parties of the lease protocol, each able to misbehave.

``LeaseOffice`` signs leases and writes policy documents as the service does, and can be made to
lie. ``AgentSimulator`` is a laptop: a guard with its memory on disk and two clocks.
It polls, caches, verifies, goes offline, sleeps, is restarted, and is tampered with. What a network
does to the answers between the two is in tests/agents/misbehaving.py.
"""

import json
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from app.event.model import Place, Program, UiEvent, WindowKind
from app.kernel.canonical import canonical, digest
from app.kernel.forms import AGENT_FORM, COUNTERPARTY_KIND
from app.kernel.refusals import Refusal
from app.kernel.signing import LocalSigner, jwk, sign_token, thumbprint
from app.kernel.tokens import LEASE_TYPE
from app.kernel.vocabulary import FieldKind, Mode, Reason, Signal
from app.policy.knobs import REGISTRY
from app.sdk.agent import memory
from app.sdk.agent.guard import Allowed, Denied, Guard
from tests.fakes import FakeClock

TTL_S = 900
DEVICE = "d_" + "1" * 32
BERLIN = ZoneInfo("Europe/Berlin")
WORDS = [mode.word for mode in Mode]


EDITOR, CHAT, BROWSER = "com.microsoft.VSCode", "slack", "com.google.Chrome"
SIGNERS = {EDITOR: "UBF8T346G9", CHAT: "Slack Technologies, LLC", BROWSER: "EQHXZ8M8AV"}
"""Who signed the listed programs."""


def _app(name: str, group: str, program: str, *urls: str, others: str = "") -> dict[str, Any]:
    return {
        "id": name,
        "name": name.title(),
        "group": group,
        "others": others,
        "private_accounts": False,
        "match": {"programs": [f"{program}@{SIGNERS[program]}"], "urls": list(urls)},
    }


def policy_document(**changes: Any) -> dict[str, Any]:
    """A policy that allows every signal in one editor, one chat and a browser, never in a bank."""
    return {
        "v": AGENT_FORM,
        "signals": {
            signal.value: {"mode": "allow", "retention_days": 30}
            for signal in REGISTRY.signals_in(AGENT_FORM)
        },
        "screenshot_min_interval_s": 60,
        "apps": [
            _app("vscode", "development", EDITOR),
            _app("slack", "communication", CHAT, "*.slack.com", others="chat"),
            _app("chrome", "browser", BROWSER),
        ],
        "exclusions": [
            {
                "id": "banking",
                "name": "Banking",
                "match": {
                    "bundle_ids": [],
                    "executables": [],
                    "urls": ["bank.example"],
                    "fields": ["password"],
                    "private": True,
                    "pages": [],
                    "titles": [],
                },
            }
        ],
        "tenants": [],
        "own_exclusions": [],
        "redactors": [],
        "hours": None,
        "off_hours": "deny",
        "personal_device": "deny",
        "counterparty": "redact",
        "purposes": ["ai_training.computer_use"],
        "layers": [],
        **changes,
    }


def place(app: str | None = None, **changes: Any) -> Place:
    """The editor, or a page where an address is said; nothing about it is unknown."""
    program = app or (BROWSER if changes.get("address") else EDITOR)
    field = FieldKind(changes.pop("field", "none"))
    window = WindowKind(changes.pop("window", "ordinary"))
    usual: dict[str, Any] = {
        "program": Program(program, SIGNERS.get(program), None),
        "address": None,
        "frames": (),
        "title": "",
        "account": None,
        "counterparties": (),
    }
    return Place(**{**usual, "field": field, "window": window, **changes})


def event(app: str | None = None, signal: str = "click", **changes: Any) -> UiEvent:
    """A click in the editor on a Monday morning in Berlin, unless said otherwise."""
    at = changes.pop("at", datetime.fromisoformat("2026-11-16T10:00:00+01:00"))
    pictured = changes.pop("pictured", () if signal == "screenshot" else None)
    return UiEvent(at, Signal(signal), place(app, **changes), pictured)


@dataclass(frozen=True)
class Sent:
    """What goes over the wire: the lease, and the documents that come with it."""

    token: str
    document: bytes | None
    counterparties: bytes | None = None


@dataclass
class LeaseOffice:
    """Signs leases as the service would; ``claims`` and ``header`` let it lie."""

    clock: FakeClock
    signer: LocalSigner = field(default_factory=LocalSigner.generate)
    device_id: str = DEVICE
    policy_seq: int = 5
    consent_seq: int = 3
    reasons: tuple[Reason, ...] = ()
    document: dict[str, Any] = field(default_factory=policy_document)
    others: dict[str, dict[str, str]] = field(default_factory=dict)
    """By region, what is allowed where the other side is there; of a signal not named, all."""

    @property
    def keys(self) -> dict[str, bytes]:
        return {thumbprint(self.signer.public): self.signer.public}

    @property
    def jwks(self) -> list[dict[str, str]]:
        return [{**jwk(self.signer.public), "habeas_typ": LEASE_TYPE}]

    def withdraw(self) -> None:
        """The person withdraws."""
        self.consent_seq += 1
        self.reasons = (Reason.CONSENT_WITHDRAWN,)

    def off_for(self, *reasons: Reason) -> None:
        """Leases say off for these reasons from now on; on, if there are none."""
        self.reasons = reasons

    def publish(self, **changes: Any) -> None:
        """Legal publishes another policy."""
        self.policy_seq += 1
        self.document = policy_document(**changes)

    def send(self, *, typ: str = LEASE_TYPE, nonce: str | None = None, **claims: Any) -> Sent:
        body, others = canonical(self.document), canonical(self._counterparties())
        issued = int(self.clock.now().timestamp())
        on = not self.reasons
        honest: dict[str, Any] = {
            "iss": "http://127.0.0.1:8000",
            "aud": self.device_id,
            "jti": uuid.uuid4().hex,
            "iat": issued,
            "exp": issued + TTL_S,
            "seq": {"policy": self.policy_seq, "consent": self.consent_seq},
            "capture": "on" if on else "off",
            "reasons": [str(reason) for reason in self.reasons],
            "policy": digest(body) if on else None,
            "poll_s": 15,
            "form": AGENT_FORM,
            "zones": ["Europe/Berlin"],
            **({"counterparties": digest(others)} if on else {}),
        }
        if nonce is not None:
            honest["nonce"] = nonce
        said = {name: value for name, value in {**honest, **claims}.items() if value is not ...}
        token = sign_token(self.signer, typ, said)
        return Sent(token, body, others) if on else Sent(token, None)

    def _counterparties(self) -> dict[str, Any]:
        """The counterparty document that goes with the policy document."""
        everything = dict.fromkeys(self.document.get("signals", ()), "allow")
        rows = {region: {**everything, **row} for region, row in self.others.items()}
        unknown = {
            signal: min((row[signal] for row in rows.values()), key=WORDS.index, default="allow")
            for signal in everything
        }
        form = self.document.get("v")
        return {"kind": COUNTERPARTY_KIND, "v": form, "regions": rows, "unknown": unknown}


class AgentSimulator:
    """A laptop with a guard."""

    def __init__(
        self,
        folder: Path,
        office: LeaseOffice,
        clock: FakeClock,
        zone: tzinfo | None = BERLIN,
    ) -> None:
        self.folder = folder
        self.zone = zone
        self.clock = clock
        self.since_boot = 1_000.0
        self._office = office
        self.answered = office.send()
        memory.begin(folder, office.device_id)
        self.restart()

    def restart(self, *, device_id: str | None = None) -> None:
        """The agent is started anew: only its folder is left."""
        self.guard = Guard(
            self.folder,
            self._office.keys,
            device_id or self._office.device_id,
            self.clock,
            elapsed=lambda: self.since_boot,
            zone=self.zone,
        )

    def take(self, sent: Sent, *, nonce: str | None = None) -> Refusal | None:
        return self.guard.accept(sent.token, sent.document, sent.counterparties, nonce=nonce)

    def ask(self) -> Refusal | None:
        """Poll as the client does: with a nonce, if the guard wants one."""
        nonce = uuid.uuid4().hex if self.guard.needs_nonce else None
        self.answered = self._office.send(nonce=nonce)
        return self.take(self.answered, nonce=nonce)

    def poll(self) -> Sent:
        """A poll that is answered well."""
        assert self.ask() is None
        return self.answered

    def wait(self, seconds: float) -> None:
        """Time passes, on the wall and since boot."""
        self.clock.advance(seconds)
        self.since_boot += seconds

    def turn_clock(self, seconds: float) -> None:
        """Somebody sets the wall clock, forward or back; the other one cannot be set."""
        self.clock.advance(timedelta(seconds=seconds))

    @property
    def state(self) -> Reason | Refusal | None:
        return self.guard.state

    @property
    def captures(self) -> bool:
        """Whether an ordinary event would be captured now."""
        answer = self.guard.may_capture(event(at=self.clock.now()))
        assert isinstance(answer, Allowed | Denied)
        return isinstance(answer, Allowed)

    @property
    def memory_file(self) -> Path:
        return self.folder / "guard.json"

    def remembered(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.memory_file.read_bytes())["memory"]
        return found
