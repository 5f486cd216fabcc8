"""What is in force when: narrowing at once, widening after its lead time, the last word last."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from app.kernel.canonical import canonical, parse_canonical
from app.policy.knobs import LEASE_TTL_S
from app.policy.lattice import compile_layers
from app.policy.law.layer import CompanyPolicy, Floor, chain
from app.policy.model import InForce
from app.policy.prospect import outlook_of
from app.policy.timeline import CompanyRow, FloorRow, History, StopRow, in_force, met, moments
from tests.policy.pace import unhurried

START = datetime(2026, 3, 2, tzinfo=UTC)


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def floor(
    region: str, parent: str | None, *, first: float = -10, last: float | None = None, **knobs: Any
) -> Floor:
    usual = {"bases": ["consent"], "lease_ttl_s": 900}
    document: dict[str, Any] = {
        "v": 1,
        "kind": "floor",
        "region": region,
        "name": region,
        "parent": parent,
        "status": "approved",
        "reviewed_by": "",
        "summary": "",
        "valid_from": day(first).date().isoformat(),
        "valid_to": None if last is None else day(last).date().isoformat(),
        "knobs": {
            name: {"value": value, "cite": f"{region} {name}", "confidence": "C"}
            for name, value in {**usual, **knobs}.items()
        },
    }
    return Floor.read(canonical(document))


def policy(
    apps: str,
    *,
    region: str = "DE",
    first: float | None = None,
    last: float | None = None,
    evidence: str = "",
    **knobs: Any,
) -> CompanyPolicy:
    document: dict[str, Any] = {
        "v": 1,
        "kind": "company",
        "region": region,
        "name": region,
        "status": "approved",
        "summary": "",
        "valid_from": None if first is None else day(first).date().isoformat(),
        "valid_to": None if last is None else day(last).date().isoformat(),
        "knobs": {
            name: {"value": value, "cite": "", "confidence": ""}
            for name, value in {"apps": sorted(apps.split()), **knobs}.items()
        },
        "evidence": [
            {"kind": kind, "reference": "R", "sha256": "a" * 64, "valid_to": None}
            for kind in evidence.split()
        ],
    }
    return CompanyPolicy.read(canonical(document))


def published(*steps: tuple[float, CompanyPolicy], lead: float = 0) -> tuple[CompanyRow, ...]:
    """Rows as the workflow writes them: the direction is judged at each publication."""
    rows: tuple[CompanyRow, ...] = ()
    for at, one in steps:
        rows = publish(rows, at, one, lead)
    return rows


def publish(
    rows: tuple[CompanyRow, ...],
    at: float,
    one: CompanyPolicy,
    lead: float = 0,
    floors: tuple[Floor, ...] | None = None,
) -> tuple[CompanyRow, ...]:
    """The rows after one more publication."""
    names = ("GLOBAL",) if one.region == "GLOBAL" else (one.region, "GLOBAL")
    way, _ = outlook_of(history(*rows, floors=floors), names, day(at)).compare(one)
    starts = max(day(at), one.valid_from or day(at))
    starts = max(starts, day(at + lead)) if way == "widens" else starts
    number = len(rows) + 1
    return (*rows, CompanyRow(number, one.region, one, f"c{number}", way, starts, day(at)))


def history(
    *rows: CompanyRow, floors: tuple[Floor, ...] | None = None, stops: tuple[StopRow, ...] = ()
) -> History:
    shipped = floors or (floor("GLOBAL", None), floor("DE", "GLOBAL"), floor("FR", "GLOBAL"))
    taken = tuple(FloorRow(number, one, day(-20)) for number, one in enumerate(shipped))
    return History(taken, rows, stops, seq=7)


def look(past: History, at: float, *regions: str) -> InForce:
    return in_force(past, regions or ("DE",), day(at), compile_layers)


def apps(past: History, at: float, *regions: str) -> set[str]:
    return set(look(past, at, *regions).compiled.apps)


class TestLeadTime:
    def test_capture_waits_for_the_lead_time_of_the_first_policy(self) -> None:
        past = history(*published((0, policy("a b")), lead=14))
        assert not look(past, -1).company
        assert look(past, 0).company
        assert look(past, 13).lead_until == day(14)
        assert look(past, 14).lead_until is None

    def test_what_is_widened_waits_and_what_is_narrowed_does_not(self) -> None:
        past = history(*published((0, policy("a b")), (20, policy("b c")), lead=14))
        assert apps(past, 19) == {"a", "b"}
        assert apps(past, 21) == {"b"}
        assert look(past, 21).lead_until is None
        assert apps(past, 34) == {"b", "c"}

    def test_narrowing_waits_for_nothing(self) -> None:
        past = history(*published((0, policy("a b")), (20, policy("a")), lead=14))
        assert apps(past, 20) == {"a"}

    def test_tightening_takes_back_what_was_to_become_wider(self) -> None:
        past = history(
            *published((0, policy("a b")), (20, policy("a b c")), (25, policy("a")), lead=14)
        )
        assert apps(past, 25) == apps(past, 34) == apps(past, 60) == {"a"}

    def test_the_floor_of_another_region_makes_the_lead_time_longer(self) -> None:
        floors = (floor("GLOBAL", None), floor("DE", "GLOBAL", notice_lead_days=14))
        rows = published((0, policy("a", region="GLOBAL")), (20, policy("a b", region="GLOBAL")))
        past = history(*rows, floors=floors)
        assert apps(past, 20, "GLOBAL") == {"a", "b"}
        assert apps(past, 33, "DE") == {"a"}
        assert apps(past, 34, "DE") == {"a", "b"}

    def test_narrowing_on_top_of_what_waits_is_met_with_what_held_before(self) -> None:
        """In a region with a longer lead time the row before has not come into force yet."""
        floors = (floor("GLOBAL", None), floor("DE", "GLOBAL", notice_lead_days=14))
        rows = published(
            (0, policy("a", region="GLOBAL")),
            (20, policy("a b c", region="GLOBAL")),
            (22, policy("a b", region="GLOBAL")),
        )
        assert rows[2].direction == "narrows"
        past = history(*rows, floors=floors)
        assert apps(past, 23, "GLOBAL") == {"a", "b"}
        assert apps(past, 23, "DE") == {"a"}
        assert apps(past, 36, "DE") == {"a", "b"}

    def test_naming_what_a_waiting_policy_leaves_to_the_floor_does_not_shorten_its_wait(
        self,
    ) -> None:
        """Also where the lead time that it waits for is asked for by nobody any more."""
        floors = (floor("GLOBAL", None, apps=["a", "b"]),)
        rows: tuple[CompanyRow, ...] = ()
        for names in (None, "a"):
            one = policy(names or "", region="GLOBAL")
            rows = publish(rows, 0, one if names else unnamed(one), 5, floors)
        assert [row.direction for row in rows] == ["widens", "narrows"]
        past = history(*rows, floors=floors)
        assert look(past, 4, "GLOBAL").lead_until == day(5)
        assert look(past, 5, "GLOBAL").lead_until is None
        assert apps(past, 5, "GLOBAL") == {"a"}

    def test_of_several_lead_times_the_last_to_end_is_named(self) -> None:
        past = history(*published((0, policy("a", region="GLOBAL")), (5, policy("a")), lead=14))
        assert look(past, 6, "GLOBAL").lead_until == day(14)
        assert look(past, 6).lead_until == day(19)
        assert look(past, 15).lead_until == day(19)

    def test_the_policy_may_ask_for_a_lead_time_itself(self) -> None:
        rows = published(
            (0, policy("a", notice_lead_days=5)), (20, policy("a b", notice_lead_days=5))
        )
        past = history(*rows)
        assert look(past, 1).lead_until == day(5)
        assert apps(past, 24) == {"a"}
        assert apps(past, 25) == {"a", "b"}


class TestDays:
    def test_a_policy_starts_on_its_first_day(self) -> None:
        past = history(*published((0, policy("a b")), (1, policy("a", first=10))))
        assert apps(past, 9) == {"a", "b"}
        assert apps(past, 10) == {"a"}

    def test_a_policy_overtaken_before_its_first_day_never_starts(self) -> None:
        past = history(
            *published((0, policy("a b")), (1, policy("a b c", first=10)), (5, policy("a")))
        )
        assert apps(past, 11) == {"a"}

    def test_an_overtaken_policy_narrows_while_the_lead_time_of_the_other_runs(self) -> None:
        """What was approved for its day is not lost before what replaces it has waited."""
        rows = published(
            (0, policy("a b")), (1, policy("a", first=10)), (5, policy("a b c")), lead=14
        )
        past = history(*rows)
        assert apps(past, 9) == {"a", "b"}
        assert apps(past, 10) == apps(past, 18.9) == {"a"}
        assert apps(past, 19) == {"a", "b", "c"}

    def test_what_is_wider_than_a_policy_that_waits_for_its_day_widens(self) -> None:
        rows = published((0, policy("a b")), (1, policy("a", first=10)), (5, policy("b")), lead=14)
        assert [row.direction for row in rows] == ["widens", "narrows", "widens"]
        assert apps(history(*rows), 12) == set()

    def test_narrowing_a_first_policy_does_not_shorten_its_lead_time(self) -> None:
        past = history(*published((0, policy("a b")), (5, policy("a")), lead=14))
        assert look(past, 6).lead_until == day(14)
        assert apps(past, 14) == {"a"}
        assert look(past, 14).lead_until is None

    def test_an_expired_company_policy_blocks_and_does_not_vanish(self) -> None:
        rows = published((0, policy("a b", region="GLOBAL")), (1, policy("a", last=10)))
        past = history(*rows)
        assert not look(past, 10.9).compiled.blocked
        assert look(past, 11).compiled.blocked
        assert apps(past, 11) == {"a"}

    def test_an_expired_floor_blocks(self) -> None:
        floors = (floor("GLOBAL", None), floor("DE", "GLOBAL", last=10))
        past = history(floors=floors)
        assert not look(past, 10.9).compiled.blocked
        assert look(past, 11).compiled.blocked
        assert look(past, 11).unknown == ()

    def test_a_floor_before_its_first_day_is_no_floor(self) -> None:
        past = history(floors=(floor("GLOBAL", None), floor("DE", "GLOBAL", first=10)))
        assert look(past, 9).unknown == ("DE",)
        assert look(past, 10).unknown == ()

    def test_the_newest_floor_whose_day_has_come_holds(self) -> None:
        floors = (
            floor("GLOBAL", None),
            floor("DE", "GLOBAL", lease_ttl_s=600),
            floor("DE", "GLOBAL", lease_ttl_s=300, first=10),
        )
        past = history(floors=floors)
        assert look(past, 9).compiled[LEASE_TTL_S] == 600
        assert look(past, 10).compiled[LEASE_TTL_S] == 300

    def test_what_was_not_known_yet_did_not_hold(self) -> None:
        past = history(*published((0, policy("a b")), (5, policy("a"))))
        assert set(look(past.known(day(4)), 6).compiled.apps) == {"a", "b"}


class TestRegions:
    def test_an_unknown_region_blocks_and_is_named(self) -> None:
        past = history(*published((0, policy("a"))))
        for regions in (("XX", "DE"), ("DE", "XX")):
            found = look(past, 1, *regions)
            assert found.unknown == ("XX",)
            assert found.compiled.blocked
            assert found.compiled.why["status"][0].layer == "unknown/XX"

    def test_a_region_whose_parent_is_unknown_is_unknown(self) -> None:
        past = history(floors=(floor("GLOBAL", None), floor("DE", "EU")))
        assert look(past, 1).unknown == ("DE",)

    def test_no_region_at_all_is_blocked(self) -> None:
        assert in_force(history(), (), day(0), compile_layers).compiled.blocked

    def test_only_the_home_chain_can_bring_a_company_policy(self) -> None:
        past = history(*published((0, policy("a", region="FR"))))
        assert not look(past, 1, "DE", "FR").company
        assert look(past, 1, "FR", "DE").company

    def test_a_policy_of_the_region_above_counts(self) -> None:
        past = history(*published((0, policy("a", region="GLOBAL"))))
        assert look(past, 1, "DE").company
        assert apps(past, 1, "DE") == {"a"}

    def test_another_place_of_work_only_narrows(self) -> None:
        past = history(*published((0, policy("a b")), (0, policy("b c", region="FR"))))
        assert apps(past, 1, "DE", "FR") == {"b"}

    def test_another_place_cannot_name_what_home_leaves_closed(self) -> None:
        home = policy("", purposes=["p"])
        bare = CompanyPolicy.read(
            home.body.replace(b'"apps":{"cite":"","confidence":"","value":[]},', b"")
        )
        past = history(*published((0, bare), (0, policy("b", region="FR"))))
        assert apps(past, 1, "DE", "FR") == set()

    def test_every_layer_is_named_once(self) -> None:
        past = history(*published((0, policy("a")), (0, policy("a", region="GLOBAL"))))
        names = [layer.id for layer in look(past, 1, "DE", "FR").layers]
        assert sorted(names) == [
            "company/DE",
            "company/GLOBAL",
            "floor/DE",
            "floor/FR",
            "floor/GLOBAL",
        ]

    def test_a_chain_that_bites_its_tail_is_unknown(self) -> None:
        assert chain({"A": "B", "B": "A"}, "A") is None
        assert chain({"A": "A"}, "A") is None
        assert chain({"A": None}, "B") is None
        assert chain({"A": "B", "B": None}, "A") == ("A", "B")


class TestEvidence:
    FLOORS = (
        floor("GLOBAL", None),
        floor("DE", "GLOBAL", preconditions=["dpia", "works_agreement"]),
        floor("FR", "GLOBAL", preconditions=["dpia"]),
    )

    def missing(self, *rows: CompanyRow, at: float = 1, regions: str = "DE") -> tuple[str, ...]:
        return look(history(*rows, floors=self.FLOORS), at, *regions.split()).missing

    def test_without_evidence_everything_is_missing(self) -> None:
        assert self.missing() == ("dpia", "works_agreement")

    def test_evidence_of_the_region_above_does_not_count_below(self) -> None:
        """Else legal of everywhere would say what the works council of a region agreed to."""
        rows = published((0, policy("a", region="GLOBAL", evidence="dpia works_agreement")))
        assert self.missing(*rows) == ("dpia", "works_agreement")

    def test_evidence_of_a_region_counts_for_what_the_region_above_asks(self) -> None:
        rows = published(
            (0, policy("a", region="GLOBAL", preconditions=["permit"])),
            (0, policy("a", evidence="dpia works_agreement permit")),
        )
        assert self.missing(*rows) == ()
        assert self.missing(*rows, regions="FR") == ("dpia", "permit")

    def test_evidence_of_another_chain_does_not_count(self) -> None:
        rows = published((0, policy("a", region="FR", evidence="dpia works_agreement")))
        assert self.missing(*rows, regions="DE FR") == ("dpia", "works_agreement")
        assert self.missing(*rows, regions="FR DE") == ("dpia", "works_agreement")
        assert self.missing(*rows, regions="FR") == ()

    def test_expired_evidence_does_not_count(self) -> None:
        one = policy("a", evidence="dpia works_agreement")
        ending = CompanyPolicy.read(
            one.body.replace(
                b'"valid_to":null}]',
                b'"valid_to":"%s"}]' % day(5).date().isoformat().encode(),
            )
        )
        rows = published((0, ending))
        assert self.missing(*rows, at=5.9) == ()
        assert self.missing(*rows, at=6) == ("works_agreement",)

    def test_new_evidence_opens_only_after_the_lead_time(self) -> None:
        rows = published(
            (0, policy("a")), (20, policy("a", evidence="dpia works_agreement")), lead=14
        )
        assert rows[1].direction == "widens"
        assert self.missing(*rows, at=21) == ("dpia", "works_agreement")
        assert self.missing(*rows, at=34) == ()

    def test_evidence_taken_away_is_missing_at_once(self) -> None:
        rows = published(
            (0, policy("a", evidence="dpia works_agreement")), (20, policy("a")), lead=14
        )
        assert rows[1].direction == "narrows"
        assert self.missing(*rows, at=20) == ("dpia", "works_agreement")

    def test_a_company_can_ask_for_more_than_the_floor(self) -> None:
        rows = published((0, policy("a", region="GLOBAL", preconditions=["permit"])))
        past = history(*rows)
        assert look(past, 1).missing == ("permit",)


class TestStops:
    def stop(self, region: str, *steps: tuple[float, str]) -> History:
        rows = tuple(
            StopRow(number, "s", number, region, step, "anna", "", day(at))
            for number, (at, step) in enumerate(steps, start=1)
        )
        return history(*published((0, policy("a"))), stops=rows)

    def test_a_stop_of_a_region_above_counts(self) -> None:
        assert look(self.stop("GLOBAL", (1, "stopped")), 2).stopped == ("GLOBAL",)

    def test_a_stop_elsewhere_does_not(self) -> None:
        past = self.stop("FR", (1, "stopped"))
        assert look(past, 2).stopped == ()
        assert look(past, 2, "DE", "FR").stopped == ("FR",)

    def test_proposing_to_resume_changes_nothing(self) -> None:
        past = self.stop("DE", (1, "stopped"), (2, "resume_proposed"), (3, "resumed"))
        assert look(past, 0.5).stopped == ()
        assert look(past, 2.5).stopped == ("DE",)
        assert look(past, 3).stopped == ()

    def test_a_stop_counts_from_a_little_before_it_was_made_and_a_resuming_does_not(self) -> None:
        """A clock that is set back must not undo a stop."""
        past, minute = self.stop("DE", (1, "stopped"), (2, "resumed")), 1 / (24 * 60)
        assert look(past, 1 - 6 * minute).stopped == ()
        assert look(past, 1 - 4 * minute).stopped == ("DE",)
        assert look(past, 2 - 4 * minute).stopped == ("DE",)
        assert look(past, 2).stopped == ()

    def test_everywhere_is_stopped_also_where_nothing_is_known(self) -> None:
        assert look(self.stop("GLOBAL", (1, "stopped")), 2, "XX").stopped == ("GLOBAL",)


APPS = st.frozensets(st.sampled_from("abc")).map(lambda names: " ".join(sorted(names)))
PUBLICATIONS = st.lists(
    st.tuples(st.integers(0, 40), APPS, st.sampled_from(["", "dpia"])), min_size=1, max_size=5
).map(lambda rows: sorted(rows, key=lambda row: row[0]))


@unhurried
@given(PUBLICATIONS, st.integers(0, 60), st.integers(0, 20))
def test_nothing_is_ever_wider_than_what_was_published_long_enough_ago(
    steps: list[tuple[int, str, str]], at: int, lead: int
) -> None:
    """Law 3, against the slow definition: each app stood in the newest policy of each lead day."""
    rows = published(
        *((when, policy(names, evidence=kind)) for when, names, kind in steps), lead=lead
    )
    past = history(*rows)
    found = look(past, at)
    if found.lead_until is not None or not found.company:
        return
    newest = [row for row in rows if row.recorded_at <= day(at)]
    for app in found.compiled.apps:
        assert app in newest[-1].policy.layer.knobs["apps"].value  # type: ignore[operator]
        for moment in range(at - lead, at + 1):
            before = [row for row in rows if row.recorded_at <= day(moment)]
            if before:
                assert app in before[-1].policy.layer.knobs["apps"].value  # type: ignore[operator]


@unhurried
@given(PUBLICATIONS, st.integers(0, 60), st.integers(0, 20), st.integers(0, 20))
def test_a_longer_lead_time_never_allows_more(
    steps: list[tuple[int, str, str]], at: int, lead: int, more: int
) -> None:
    rows = published(*((when, policy(names, evidence=kind)) for when, names, kind in steps))
    patient = met(rows, day(at), timedelta(days=lead + more))
    hasty = met(rows, day(at), timedelta(days=lead))
    assert len(patient) >= len(hasty)


@unhurried
@given(
    PUBLICATIONS,
    st.one_of(
        st.integers(0, 60 * 24).map(lambda hours: day(hours / 24)),
        st.just(day(20.3) - timedelta(minutes=2)),
    ),
    st.sampled_from([0, 7, 14]),
)
def test_between_two_moments_nothing_changes(
    steps: list[tuple[int, str, str]], at: datetime, lead: int
) -> None:
    """So an answer may be remembered from one to the next."""
    floors = (
        floor("GLOBAL", None, preconditions=["dpia"]),
        floor("DE", "GLOBAL", notice_lead_days=lead, last=45),
    )
    stop = StopRow(1, "s", 1, "DE", "stopped", "anna", "", day(20.3))
    rows = published(
        *((when, policy(names, evidence=kind, last=50)) for when, names, kind in steps)
    )
    past = history(*rows, floors=floors, stops=(stop,))
    last = max(moment for moment in moments(past) if moment <= at)
    assert in_force(past, ("DE",), at, compile_layers) == in_force(
        past, ("DE",), last, compile_layers
    )


ACTS = st.lists(
    st.tuples(
        st.integers(0, 12),
        st.sampled_from(["DE", "GLOBAL"]),
        st.one_of(st.none(), APPS),
        st.sampled_from(["", "dpia"]),
        st.one_of(st.none(), st.integers(0, 20)),
        st.sampled_from([None, None, 35]),
        st.sampled_from(["one person", "two people"]),
    ),
    min_size=2,
    max_size=6,
)


def opened(found: InForce) -> frozenset[str]:
    """The apps in which capture can be on, as far as policy says."""
    closed = found.compiled.blocked or not found.company or found.lead_until or found.missing
    return frozenset() if closed else found.compiled.apps


@settings(unhurried, max_examples=200)
@given(ACTS, st.sampled_from([0, 5]), st.sampled_from([0, 9]))
def test_one_person_never_makes_any_later_instant_wider(
    acts: list[tuple[int, str, str | None, str, int | None, int | None, str]],
    lead: int,
    german_lead: int,
) -> None:
    """Law 3. It holds for each act on top of any others, so it holds for every sequence."""
    floors = (
        floor("GLOBAL", None, apps=["a", "b", "c"]),
        floor("DE", "GLOBAL", preconditions=["dpia"], notice_lead_days=german_lead),
    )
    rows: tuple[CompanyRow, ...] = ()
    at = 0
    for later, region, names, kind, first, last, who in acts:
        at += later
        day_one = None if first is None else at + first
        one = policy(names or "", region=region, evidence=kind, first=day_one, last=last)
        if names is None:
            one = unnamed(one)
        after = publish(rows, at, one, max(german_lead, lead) if region == "DE" else lead, floors)
        if who == "two people":
            rows = after
        elif after[-1].direction != "widens":
            compare_days(history(*rows, floors=floors), history(*after, floors=floors), at)
            rows = after


def unnamed(one: CompanyPolicy) -> CompanyPolicy:
    """The same policy without a word about apps."""
    document = parse_canonical(one.body)
    assert isinstance(document, dict)
    return CompanyPolicy.read(canonical({**document, "knobs": {}}))


def compare_days(without: History, with_it: History, at: int) -> None:
    for when in range(at, at + 45):
        for region in ("DE", "GLOBAL"):
            before, after = look(without, when, region), look(with_it, when, region)
            assert opened(after) <= opened(before), (when, region)
            assert set(after.missing) >= set(before.missing), (when, region)
            assert after.compiled.blocked >= before.compiled.blocked, (when, region)
