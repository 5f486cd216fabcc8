"""A preview says of capture what will be so once the text is in force (law 8)."""

from datetime import timedelta
from typing import Any

import pytest

from app.capture.obstacles import Obstacle
from app.capture.situation import obstacles_in
from tests.access.office import LAWYERS, Office, permissive_text

TEXTS: dict[str, tuple[dict[str, Any], tuple[Obstacle, ...]]] = {
    "with a longer notice": ({"notice_lead_days": {"value": 5}}, ()),
    "without an app": ({"apps": ()}, (Obstacle.NOTHING_ALLOWED,)),
    "for a collective agreement only": (
        {"bases": {"value": ["collective"]}},
        (Obstacle.REGION_BLOCKED,),
    ),
    "without evidence": ({"shown": ()}, (Obstacle.PRECONDITION_MISSING,)),
}


@pytest.mark.parametrize("text", TEXTS)
def test_the_preview_names_what_the_region_s_page_will_name(office: Office, text: str) -> None:
    said, expected = TEXTS[text]
    policy = office.services.policy
    written = permissive_text("US-CA", **{"apps": policy.catalogue.apps, **said})
    author, second = LAWYERS
    with office.services.database.write() as tx:
        preview = policy.workflow.check(tx, "US-CA", written, office.now)
        outlook = office.services.capture.outlook(tx, preview.policy, office.now).then
        change = policy.workflow.propose(tx, author, "US-CA", written, "", office.now)
        policy.workflow.approve(tx, second, change.id, change.digest, office.now)
    office.clock.advance(timedelta(days=preview.notice_lead_days))
    with office.services.database.read() as tx:
        view = policy.region_view(tx, "US-CA", office.now)
    assert view.in_force.compiled.values == outlook.compiled.values
    assert obstacles_in(outlook, policy.catalogue) == expected
    assert obstacles_in(view.in_force, policy.catalogue) == expected


def test_a_region_without_a_policy_is_told_what_its_first_policy_would_open(office: Office) -> None:
    policy = office.services.policy
    written = permissive_text("GB", policy.catalogue.apps)
    with office.services.database.read() as tx:
        now = policy.region_view(tx, "GB", office.now).in_force
        preview = policy.workflow.check(tx, "GB", written, office.now)
        outlook = office.services.capture.outlook(tx, preview.policy, office.now).then
    assert Obstacle.POLICY_MISSING in obstacles_in(now, policy.catalogue)
    assert obstacles_in(outlook, policy.catalogue) == ()
