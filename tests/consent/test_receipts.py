"""What a person keeps: signed, in the words of the standard, with their name and employer."""

import csv

import pytest

from app.audit.entries.model import Actor
from app.consent.model import Act
from app.consent.receipts import EVENT_STATES, Receipt
from app.kernel.canonical import canonical
from app.kernel.errors import NotFound
from app.kernel.signing import BadToken, LocalSigner, read_token, thumbprint
from app.kernel.tokens import RECEIPT_TYPE
from tests.consent.booth import Booth, notice, offer
from tests.directory.entries import submitted
from tests.vectors import folder

MANDATORY = {
    "schema_version",
    "record_id",
    "pii_principal_id",
    "privacy_notice",
    "language",
    "purposes",
    "pii_information",
    "pii_controllers",
    "jurisdiction",
    "withdrawal_method",
    "event_time",
    "validity_duration",
    "event_type",
    "event_state",
    "lawful_basis",
}
"""Fields of ISO/IEC TS 27560 that a receipt carries."""


def all_receipts(booth: Booth) -> list[Receipt]:
    made = [booth.give(), booth.pause(30)]
    made += [booth.decide(act) for act in ("resumed", "withdrawn")]
    acknowledged = booth.show(offer(bases=("notice",)))
    made.append(booth.decide("acknowledged", shown_id=acknowledged.id))
    made.append(booth.decide("refused"))
    with booth.database.write() as tx:
        person = booth.directory.person(tx, "ada")
        made.append(
            booth.consent.revoke(tx, person, Actor("person", "dan"), "why", booth.clock.now())
        )
    return made


def test_every_act_has_a_receipt_that_verifies_with_the_published_key(
    booth: Booth, signer: LocalSigner
) -> None:
    keys = {thumbprint(signer.public): signer.public}
    receipts = all_receipts(booth)
    assert {one.decision.act for one in receipts} == set(Act)
    for receipt in receipts:
        claims = read_token(receipt.token, RECEIPT_TYPE, keys)
        assert claims == receipt.claims
        assert claims.keys() >= MANDATORY
        assert claims["record_id"] == receipt.decision.id
        assert claims["log"] == {"origin": "audit.example/test", "event": receipt.event_id}
        act = receipt.decision.act
        assert claims["event_state"] == EVENT_STATES[Act.GIVEN if act is Act.RESUMED else act]


def test_a_receipt_says_what_was_agreed_to(booth: Booth) -> None:
    shown = booth.show()
    claims = booth.decide("given", shown_id=shown.id).claims
    assert claims["privacy_notice"] == {
        "id": "capture",
        "version": 1,
        "language": "en",
        "digest": notice().digest,
    }
    assert claims["purposes"] == ["ai_training.computer_use"]
    assert claims["schema_version"] == "habeas-receipt/2"
    assert claims["pii_information"] == [
        {"pii_type": "click", "retention_period": "P30D"},
        {"pii_type": "menu", "retention_period": "P30D"},
    ]
    assert claims["services"] == ["editor", "tracker"]
    assert (claims["jurisdiction"], claims["lawful_basis"]) == ("DE", "consent")
    assert claims["validity_duration"] == "PT31536000S"
    assert claims["withdrawal_method"] == "https://habeas.example/me"
    assert claims["offer"] == shown.offer.digest
    assert claims["pii_controllers"][0]["party_name"] == "Sample Devices GmbH"


def test_receipts_form_a_chain_and_opting_out_agrees_to_nothing(booth: Booth) -> None:
    given, withdrawn = booth.give(), booth.decide("withdrawn")
    assert given.claims["previous_record_id"] is None
    assert withdrawn.claims["previous_record_id"] == given.decision.id
    assert withdrawn.claims["purposes"] == []
    assert withdrawn.claims["lawful_basis"] is None
    assert withdrawn.claims["validity_duration"] is None


def test_the_receipt_of_a_resume_says_what_stands_again_and_how_long(booth: Booth) -> None:
    given = booth.give().claims
    booth.pause(30)
    booth.clock.advance(600)
    resumed = booth.decide("resumed").claims
    said = (
        "privacy_notice",
        "purposes",
        "pii_information",
        "services",
        "offer",
    )
    for field in (*said, "valid_until", "lawful_basis", "event_state"):
        assert resumed[field] == given[field], field
    assert (resumed["act"], resumed["sequence"]) == ("resumed", 3)


def test_the_receipt_of_a_resumed_acknowledgement_claims_no_consent(booth: Booth) -> None:
    booth.decide("acknowledged", shown_id=booth.show(offer(bases=("notice",))).id)
    booth.pause(30)
    claims = booth.decide("resumed").claims
    assert claims["lawful_basis"] == "acknowledgement"
    assert claims["event_state"] == EVENT_STATES[Act.ACKNOWLEDGED]


def test_a_pause_says_when_it_ends(booth: Booth) -> None:
    booth.give()
    claims = booth.pause(30).claims
    assert (claims["validity_duration"], claims["valid_until"]) == (
        "PT1800S",
        "2026-11-16T09:30:00.000000Z",
    )


def test_a_receipt_names_its_person_and_employer_and_nobody_else(booth: Booth) -> None:
    person = booth.person()
    for receipt in all_receipts(booth):
        assert receipt.claims["name"] == person.name
        assert receipt.claims["pii_controllers"][0]["party_name"] == "Sample Devices GmbH"
        written = str(receipt.claims)
        for personal in (f"'{person.id}'", person.email, "'ben'", "'dan'"):
            assert personal not in written
        assert receipt.claims["sub"] == receipt.claims["pii_principal_id"]


def test_no_entry_of_the_log_says_what_only_the_receipt_may_say(booth: Booth) -> None:
    person = booth.person()
    made = all_receipts(booth)
    with booth.database.read() as tx:
        leaves = canonical(list(submitted(tx))).decode()
    for receipt in made:
        assert receipt.event_id in leaves
        assert receipt.token not in leaves
    assert f'"{person.name}"' not in leaves
    assert "Sample Devices GmbH" not in leaves.replace('"entity":"DE/Sample Devices GmbH"', "")


def test_a_changed_receipt_is_not_believed(booth: Booth, signer: LocalSigner) -> None:
    head, body, signature = booth.give().token.split(".")
    keys = {thumbprint(signer.public): signer.public}
    other = booth.decide("withdrawn").token.split(".")[1]
    with pytest.raises(BadToken):
        read_token(f"{head}.{other}.{signature}", RECEIPT_TYPE, keys)
    with pytest.raises(BadToken):
        read_token(f"{head}.{body}.{signature}", "habeas-lease+jwt", keys)


def test_a_receipt_is_read_back_as_it_was_signed_and_only_by_its_person(booth: Booth) -> None:
    made = all_receipts(booth)
    with booth.database.read() as tx:
        assert booth.consent.receipts(tx, "ada") == tuple(reversed(made))
        assert booth.consent.receipt(tx, "ada", made[0].decision.id) == made[0]
        for person, decision in (("ben", made[0].decision.id), ("ada", "nothing")):
            with pytest.raises(NotFound):
                booth.consent.receipt(tx, person, decision)


def test_every_act_has_a_status() -> None:
    assert EVENT_STATES.keys() == set(Act) - {Act.RESUMED}, "a resume has that of what it restores"


@folder.needed
def test_the_statuses_exist_in_the_data_privacy_vocabulary() -> None:
    with (folder.FOLDER / "dpv" / "statuses.csv").open(encoding="utf-8") as file:
        known = {row["iri"]: row["hasbroader"] for row in csv.DictReader(file)}
    assert set(EVENT_STATES.values()) <= known.keys()
    valid = {
        act
        for act, iri in EVENT_STATES.items()
        if known[iri].endswith("#ConsentStatusValidForProcessing")
    }
    assert valid == {Act.GIVEN}
