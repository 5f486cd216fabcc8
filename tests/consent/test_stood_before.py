"""What stood just before each decision is read from the record as it was folded when deciding."""

from datetime import timedelta

from app.consent.model import VALIDITY, Act, State
from tests.consent.booth import Booth, notice

AGREED = {State.GIVEN, State.PAUSED}


def test_the_record_gives_what_stood_when_each_decision_was_made(booth: Booth) -> None:
    """A story with every end that there is: by an act, a move, a notice, a year, a pause's end."""
    stood = []

    def decide(act: Act) -> None:
        before = booth.standing()
        end = booth.clock.now() + timedelta(minutes=30) if act is Act.PAUSED else None
        shown = booth.show().id if act is Act.GIVEN else None
        booth.decide(act, until=end, shown_id=shown)
        stood.append((before.state, before.agreed and before.agreed.id))
        booth.clock.advance(timedelta(minutes=1))

    for act in (Act.WITHDRAWN, Act.GIVEN, Act.PAUSED, Act.RESUMED, Act.PAUSED, Act.WITHDRAWN):
        decide(act)
    decide(Act.GIVEN)
    booth.move(region="FR")
    decide(Act.PAUSED)
    booth.move(region="DE")
    decide(Act.PAUSED)
    decide(Act.GIVEN)
    booth.adopt(notice(2))
    decide(Act.PAUSED)
    decide(Act.GIVEN)
    booth.clock.advance(VALIDITY)
    decide(Act.WITHDRAWN)
    history = booth.history()
    with booth.database.read() as tx:
        found = booth.consent.stood_before(tx, booth.who)
    told = [found[each.id] for each in history]
    assert [(each.state, each.agreed and each.agreed.id) for each in told] == stood
    assert [each.state.value for each in told if each.state not in AGREED] == [
        "none",
        *("withdrawn",) * 2,
        *("invalidated",) * 5,
        "expired",
    ]
