"""What a decision says besides: asked for by the offer, and lacking in a decision without it."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from app.access.decision.facts import narrower
from app.access.decision.model import PolicyFacts
from app.capture.directive import Circumstances, directive
from app.consent.model import Act, State, lacking, next_decision, opening_act, suffices
from app.kernel.facts import decode, encode
from app.kernel.vocabulary import Basis, Reason
from tests.consent.booth import Booth, at, decision, offer

BASES = st.sets(st.sampled_from(list(Basis)))
CONTENT = st.sets(st.sampled_from(["acknowledgement", "more"]))


@given(BASES, st.sampled_from(list(State)), CONTENT)
def test_asking_for_more_never_makes_a_standing_more(
    bases: set[Basis], state: State, lacks: set[str]
) -> None:
    assert suffices(bases, state) or not suffices(bases, state, lacks)
    assert not (lacks and suffices(bases, state, lacks))


@given(CONTENT, CONTENT, CONTENT)
def test_what_is_lacking_grows_with_what_is_asked_and_shrinks_with_what_is_said(
    said: set[str], asked: set[str], more: set[str]
) -> None:
    made = decision(1, "given", content=tuple(sorted(said)))
    assert set(lacking(made, asked)) == asked - said
    assert set(lacking(made, asked)) <= set(lacking(made, asked | more))
    told = replace(made, content=tuple(sorted(said | more)))
    assert set(lacking(told, asked)) <= set(lacking(made, asked))


def test_an_acknowledgement_says_it_by_itself() -> None:
    assert lacking(decision(1, "acknowledged"), ["acknowledgement"]) == ()
    assert lacking(decision(1, "given"), ["acknowledgement"]) == ("acknowledgement",)
    assert lacking(decision(1, "given", content=("acknowledgement",)), ["acknowledgement"]) == ()


@given(CONTENT, CONTENT)
def test_what_is_asked_now_and_was_asked_then_adds_up(now: set[str], then: set[str]) -> None:
    usual = PolicyFacts((), (), ("consent",), {}, (), cohort_min=1)
    both = narrower(
        replace(usual, decision_content=tuple(sorted(now))),
        replace(usual, decision_content=tuple(sorted(then))),
    )
    assert set(both.decision_content) == now | then


def test_entries_from_before_read_as_nothing_lacking_and_keep_their_bytes() -> None:
    fine = Circumstances(
        True, True, (), False, True, (), (), None, frozenset({Basis.CONSENT}), State.GIVEN
    )
    assert "decision_lacks" not in encode(fine)
    assert decode(Circumstances, encode(fine)) == fine
    short = replace(fine, lacking=("acknowledgement",))
    assert decode(Circumstances, encode(short)) == short
    assert directive(fine, at(0)).capture
    assert directive(short, at(0)).reasons == (Reason.CONSENT_MISSING,)


def test_one_decision_carries_consent_and_acknowledgement(booth: Booth) -> None:
    asked = offer(bases=("acknowledgement", "consent"), decision_content=("acknowledgement",))
    assert opening_act(asked.bases) is Act.GIVEN
    receipt = booth.give(asked)
    assert receipt.decision.content == ("acknowledgement",)
    assert receipt.claims["decision_content"] == ["acknowledgement"]
    assert booth.history() == (receipt.decision,), "read back as it was made"
    ((entry,),) = (booth.entries("consent.given"),)
    assert entry["facts"]["decision_content"] == ["acknowledgement"]
    booth.pause(30)
    assert booth.decide("resumed").decision.content == ("acknowledgement",)
    assert booth.decide("withdrawn").decision.content == ()


def test_an_offer_that_asks_for_less_has_the_bytes_that_it_had(booth: Booth) -> None:
    assert b"decision_content" not in offer().canonical
    assert offer().digest != offer(decision_content=("acknowledgement",)).digest
    assert "decision_content" not in booth.give().claims
    assert next_decision((), booth.person(), Act.REFUSED, at(0), decision_id="d").content == ()
