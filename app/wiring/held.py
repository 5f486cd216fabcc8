"""The tables that are held against the log, each with what its rows are about."""

from app.access import tables as access
from app.access.recorded import consumer_chain, grant_chain
from app.agents.devices import store as devices
from app.agents.devices.recorded import chain_of as device_chain
from app.agents.leases import store as leases
from app.agents.leases.recorded import LEASES
from app.agents.pairing import store as pairing
from app.audit.entries import documents, erasure, store
from app.consent import store as consent
from app.consent.offers import notice_chain
from app.directory import sessions
from app.directory import tables as directory
from app.directory.model import read_role
from app.directory.store import not_as_recorded
from app.kernel.signing import thumbprint
from app.policy import tables as policy
from app.reconcile.held import Fields, HeldTable
from app.reconcile.kept import KeptDocuments


def _person(fields: Fields) -> Fields:
    roles = [part for part in str(fields["roles"]).split(";") if part]
    return {
        "entity_region": str(fields["entity"]).partition("/")[0],
        "functions": sorted({read_role(part).name for part in roles}),
        "roles": sorted(set(roles)),
    }


def _device(fields: Fields) -> Fields:
    return {"key": thumbprint(bytes.fromhex(str(fields["public"])))}


def _number(fields: Fields) -> str:
    about = {"floor": "floor", "published": "policy", "stopped": "stop", "resumed": "stop"}
    kind = about.get(str(fields["kind"]))
    return "catalogue" if kind is None else f"{kind}:{fields['region']}"


HELD: tuple[HeldTable, ...] = (
    HeldTable(store.SUBJECT, lambda f: f"subject:{f['pseudonym']}", recorded=False),
    HeldTable(erasure.ERASURE, lambda f: f"subject:{f['pseudonym']}", recorded=False),
    HeldTable(documents.ADOPTED, lambda f: f"list:{f['what']}"),
    HeldTable(directory.VERSIONS, lambda f: f"person:{f['person_id']}", also=_person),
    HeldTable(
        directory.PEOPLE,
        lambda f: f"person:{f['id']}",
        recorded=False,
        astray=not_as_recorded,
    ),
    HeldTable(sessions.SESSIONS, lambda f: sessions.chain_of(f["token_digest"]), recorded=False),
    HeldTable(consent.NOTICES, lambda f: notice_chain(str(f["notice_id"]))),
    HeldTable(consent.SHOWINGS, lambda f: f"shown:{f['person_id']}"),
    HeldTable(consent.DECISIONS, lambda f: f"consent:{f['person_id']}"),
    HeldTable(policy.EVENT, _number),
    HeldTable(policy.FLOOR, lambda f: f"floor:{f['region']}"),
    HeldTable(policy.CHANGE, lambda f: f"change:{f['id']}"),
    HeldTable(policy.STEP, lambda f: f"change:{f['change_id']}"),
    HeldTable(policy.COMPANY, lambda f: f"policy:{f['region']}"),
    HeldTable(policy.STOP, lambda f: f"stop:{f['region']}"),
    HeldTable(policy.CATALOGUE_STEP, lambda _: "catalogue:waiting"),
    HeldTable(devices.DEVICE, lambda f: device_chain(f["device_id"]), also=_device),
    HeldTable(devices.REVOCATION, lambda f: device_chain(f["device_id"])),
    HeldTable(pairing.PAIRING, lambda f: device_chain(f["device_id"], "pairing"), recorded=False),
    HeldTable(pairing.TOKEN, lambda f: device_chain(f["device_id"], "token"), recorded=False),
    HeldTable(leases.LEASE, lambda f: device_chain(f["device_id"], LEASES)),
    HeldTable(access.CONSUMER, lambda f: consumer_chain(f["consumer_id"])),
    HeldTable(access.GRANT, lambda f: grant_chain(str(f["grant_id"]))),
    HeldTable(access.USE, lambda f: grant_chain(str(f["grant_id"]))),
    HeldTable(access.PURPOSES, lambda _: "list:purposes"),
)
"""In the order in which they are looked at: whoever a row names is looked at before."""

DOCUMENTS: tuple[KeptDocuments, ...] = (
    KeptDocuments(documents.document, "content"),
    KeptDocuments(consent.notice_table, "source"),
    KeptDocuments(consent.offer_table, "offer"),
    KeptDocuments(policy.document_table, "body"),
)
"""What is named by its digest."""
