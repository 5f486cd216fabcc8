"""The floors, the catalogue and the sample policies that ship, executed."""

import hashlib
import re
import shutil
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.access.floor.terms import ALLOWED
from app.consent.packs import load_notices
from app.kernel.vocabulary import Basis, FieldKind, Mode, Signal
from app.policy import knobs
from app.policy.catalogue.loosening import loosenings
from app.policy.catalogue.meeting import lies_within, programs
from app.policy.catalogue.model import OTHERS, App, Catalogue, Exclusion, Matchers
from app.policy.catalogue.packs import GROUPS, load_catalogue
from app.policy.catalogue.patterns import read_signed
from app.policy.lattice import compile_layers
from app.policy.law.layer import CompanyPolicy, Floor
from app.policy.law.packs import PolicyTexts, load_floors
from app.policy.model import Compiled
from app.policy.tenants import read_tenant
from app.web.employee.decide_words import decide_words
from app.web.words.text import LANGUAGES

ROOT = Path(__file__).parents[2]
REGIONS = ROOT / "policies" / "regions"
DATA = ROOT / "app" / "demo" / "data"
COMPANY = DATA / "company"
GOLDEN = ROOT / "tests" / "policy" / "golden"
LINUX = {"Debian", "Ubuntu", "Fedora Project"}
LAW = (ROOT / "docs" / "law.md").read_text(encoding="utf-8")

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SHIPPED = {
    "GLOBAL": ("GLOBAL",),
    "EU": ("EU", "GLOBAL"),
    "DE": ("DE", "EU", "GLOBAL"),
    "FR": ("FR", "EU", "GLOBAL"),
    "NO": ("NO", "EU", "GLOBAL"),
    "GB": ("GB", "GLOBAL"),
    "IN": ("IN", "GLOBAL"),
    "US": ("US", "GLOBAL"),
    "US-NY": ("US-NY", "US", "GLOBAL"),
    "US-CA": ("US-CA", "US", "GLOBAL"),
}
"""The chains of the first ten, as docs/law.md tells them."""


def _chains() -> dict[str, tuple[str, ...]]:
    """Every floor on disk with those above it, read past the loader."""
    files = [yaml.safe_load(file.read_text(encoding="utf-8")) for file in REGIONS.glob("*.yaml")]
    parents = {file["region"]: file["parent"] for file in files}
    chains = {}
    for region in sorted(parents):
        names = [region]
        while parents[names[-1]] is not None:
            names.append(parents[names[-1]])
        chains[region] = tuple(names)
    return chains


CHAINS = _chains()
ON_REQUEST = {"direct_messages"}
"""Exclusions that hold only where a floor or a policy asks for them."""
WITH_POLICY = ("DE", "FR", "GB", "IN", "US", "US-CA", "US-NY")
ORDINARY = (Signal.CLICK, Signal.MENU, Signal.SHORTCUT)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue(ROOT / "policies" / "apps")


@pytest.fixture(scope="module")
def floors(catalogue: Catalogue) -> Mapping[str, Floor]:
    return {floor.region: floor for floor in load_floors(REGIONS, catalogue, ALLOWED)}


@pytest.fixture(scope="module")
def policies(catalogue: Catalogue) -> Mapping[str, CompanyPolicy]:
    texts = PolicyTexts(catalogue, ALLOWED)
    return {
        file.stem: texts.read_company_policy(file.read_bytes(), file.stem)
        for file in COMPANY.glob("*.yaml")
    }


def compiled(
    floors: Mapping[str, Floor], policies: Mapping[str, CompanyPolicy], home: str, *away: str
) -> Compiled:
    def layers(region: str) -> list[Any]:
        names = CHAINS[region]
        held = [policies[name].at(NOW) for name in names if name in policies]
        return [*(floors[name].at(NOW) for name in names), *held]

    return compile_layers(layers(home), [layer for region in away for layer in layers(region)])


def entries(catalogue: Catalogue) -> list[App | Exclusion]:
    return [*catalogue.apps.values(), *catalogue.exclusions.values()]


class TestFloors:
    def test_each_region_ships_with_its_chain(self, floors: Mapping[str, Floor]) -> None:
        assert floors.keys() == CHAINS.keys()
        assert SHIPPED.items() <= CHAINS.items()
        for region, names in CHAINS.items():
            for name, parent in zip(names, [*names[1:], None], strict=True):
                assert floors[name].parent == parent, region

    def test_every_floor_says_that_legal_confirms_it(self, floors: Mapping[str, Floor]) -> None:
        for floor in floors.values():
            assert "your legal team confirms it" in floor.reviewed_by
            assert floor.summary

    def test_every_floor_is_in_force_today(self, floors: Mapping[str, Floor]) -> None:
        assert all(floor.valid_from <= NOW for floor in floors.values())

    @pytest.mark.parametrize("region", CHAINS)
    def test_every_value_carries_a_citation_and_a_mark(self, region: str) -> None:
        """Read from the file itself, so that no loader can fill in what the file does not say."""
        file = yaml.safe_load((REGIONS / f"{region}.yaml").read_text(encoding="utf-8"))
        knobs = file["knobs"]
        for name, knob in {**knobs, **knobs.get("signals", {})}.items():
            if name != "signals":
                assert knob["cite"].strip(), name
                assert knob["confidence"] in {"C", "C2", "G"}, name

    def test_our_own_floor_claims_no_law(self) -> None:
        """A statute that is cited for everywhere would be a mistake."""
        text = (REGIONS / "GLOBAL.yaml").read_text(encoding="utf-8")
        cited = re.findall(r"cite: (.*)", text)
        assert len(cited) > 10
        assert [cite for cite in cited if not cite.startswith('"Habeas floor')] == []

    def test_our_own_floor_names_exactly_the_purposes_that_a_policy_may_use(
        self, floors: Mapping[str, Floor]
    ) -> None:
        point = compile_layers([floors["GLOBAL"].layer])
        assert point.purposes == ALLOWED, "policies/regions/GLOBAL.yaml: purposes"

    def test_the_standard_exclusions_hold_everywhere(
        self, floors: Mapping[str, Floor], catalogue: Catalogue
    ) -> None:
        for region, names in CHAINS.items():
            asked = compiled(floors, {}, region)[knobs.EXCLUSIONS]
            assert asked >= catalogue.exclusions.keys() - ON_REQUEST
            assert (asked >= ON_REQUEST) == ("EU" in names), region

    def test_no_floor_lets_anything_through_unmasked_that_its_parent_masks(
        self, floors: Mapping[str, Floor]
    ) -> None:
        for region, (_, *above) in CHAINS.items():
            if above:
                here = compiled(floors, {}, region).signals
                for signal, rule in compiled(floors, {}, above[0]).signals.items():
                    assert here[signal].mode <= rule.mode
                    assert here[signal].retention_days <= rule.retention_days

    @pytest.mark.parametrize("region", CHAINS)
    def test_the_law_page_describes_every_floor(self, region: str) -> None:
        valid_from = yaml.safe_load((REGIONS / f"{region}.yaml").read_text(encoding="utf-8"))
        row = f"| {region} | {valid_from['valid_from']} |"
        assert row in LAW, f"docs/law.md has no row that begins with {row}"

    @pytest.mark.parametrize("region", CHAINS)
    def test_a_region_is_called_by_its_name_in_every_language_of_the_notice(
        self, region: str
    ) -> None:
        for language in LANGUAGES.keys() - {"en"}:  # the floor itself gives the English name
            place = f"app/web/employee/decide_words.py, {language}: {region}"
            assert region in decide_words(language).regions, place

    def test_the_law_page_explains_every_item_of_a_notice(
        self, floors: Mapping[str, Floor]
    ) -> None:
        for floor in floors.values():
            for item in compile_layers([floor.layer])[knobs.NOTICE_CONTENT]:
                row = next(line for line in LAW.splitlines() if line.startswith(f"| `{item}` |"))
                assert floor.region in re.split(r"[ ,|]+", row.rsplit("|", 2)[1]), (item, row)


class TestNotices:
    def test_the_shipped_notice_says_all_that_any_floor_asks_for(
        self, floors: Mapping[str, Floor]
    ) -> None:
        notices = load_notices(ROOT / "policies" / "notices")
        assert {notice.language for notice in notices} >= {"en", "de"}
        for region in CHAINS:
            required = compiled(floors, {}, region)[knobs.NOTICE_CONTENT]
            for notice in notices:
                assert set(required) - set(notice.content) == set(), (region, notice.language)


class TestWhatTheLawAllows:
    """docs/law.md as sentences, on the floors alone."""

    def test_norway_prohibits_and_cites_the_rule(self, floors: Mapping[str, Floor]) -> None:
        point = compiled(floors, {}, "NO")
        assert point.blocked
        assert not point.bases
        assert [why.cite for why in point.why["bases"]] == ["Forskrift 2018-07-02-1108 §2(2)"]
        assert all(rule.mode is Mode.DENY for rule in point.signals.values())

    @pytest.mark.parametrize("region", ["EU", "DE", "FR", "GB", "IN"])
    def test_only_consent_suffices(self, floors: Mapping[str, Floor], region: str) -> None:
        assert compiled(floors, {}, region).bases == {Basis.CONSENT}

    @pytest.mark.parametrize("region", ["US", "US-NY", "US-CA"])
    def test_an_acknowledgement_suffices(self, floors: Mapping[str, Floor], region: str) -> None:
        assert compiled(floors, {}, region).bases == {Basis.ACKNOWLEDGEMENT, Basis.CONSENT}

    @pytest.mark.parametrize(
        ("region", "needed"),
        [
            ("EU", {"dpia"}),
            ("DE", {"works_agreement", "dpia"}),
            ("FR", {"consultation", "dpia"}),
            ("GB", {"dpia"}),
            ("US", set()),
            ("US-NY", set()),
            ("US-CA", {"risk_assessment"}),
            ("IN", set()),
        ],
    )
    def test_preconditions(
        self, floors: Mapping[str, Floor], region: str, needed: set[str]
    ) -> None:
        assert compiled(floors, {}, region)[knobs.PRECONDITIONS_ASKED] == needed

    @pytest.mark.parametrize("region", ["EU", "DE", "FR"])
    def test_no_typed_text_and_no_screenshots_in_the_union(
        self, floors: Mapping[str, Floor], region: str
    ) -> None:
        signals = compiled(floors, {}, region).signals
        assert signals[Signal.KEY_CONTENT].mode is Mode.DENY
        assert signals[Signal.SCREENSHOT].mode is Mode.DENY
        assert signals[Signal.POINTER].mode is Mode.REDACT
        assert signals[Signal.KEY_TIMING].mode is Mode.REDACT

    def test_the_works_council_approves_in_germany_only(self, floors: Mapping[str, Floor]) -> None:
        asked = {region: compiled(floors, {}, region)[knobs.APPROVER_ROLES] for region in CHAINS}
        assert asked.pop("DE") == {"works_council"}
        assert not any(asked.values())

    def test_new_york_asks_for_the_sentence_of_its_statute(
        self, floors: Mapping[str, Floor]
    ) -> None:
        point = compiled(floors, {}, "US-NY")
        assert "ny_monitoring_sentence" in point[knobs.NOTICE_CONTENT]
        assert point.why["notice_content.ny_monitoring_sentence"][0].confidence == "C"

    def test_typed_text_is_never_kept_unmasked(self, floors: Mapping[str, Floor]) -> None:
        for region in CHAINS:
            signals = compiled(floors, {}, region).signals
            assert signals[Signal.KEY_CONTENT].mode < Mode.ALLOW
            assert signals[Signal.SCREENSHOT].mode < Mode.ALLOW

    def test_the_other_side_of_a_conversation_is_masked(self, floors: Mapping[str, Floor]) -> None:
        assert all(
            compiled(floors, {}, region)[knobs.COUNTERPARTY] < Mode.ALLOW for region in CHAINS
        )


class TestCatalogue:
    def test_the_apps_that_a_company_would_expect_in_every_group(
        self, catalogue: Catalogue
    ) -> None:
        assert 60 <= len(catalogue.apps) <= 80
        assert {app.group for app in catalogue.apps.values()} == set(GROUPS)
        assert {app.others for app in catalogue.apps.values()} == {"", *OTHERS}

    def test_every_entry_can_be_recognised(self, catalogue: Catalogue) -> None:
        for entry in entries(catalogue):
            assert entry.match != Matchers(), entry.id

    def test_every_exclusion_says_why_in_a_sentence(self, catalogue: Catalogue) -> None:
        assert all(item.why.endswith(".") for item in catalogue.exclusions.values())

    def test_no_program_is_both_an_app_and_an_exclusion(self, catalogue: Catalogue) -> None:
        """Names are compared as the guard does: in any case, and an exclusion without a signer."""
        excluded: Counter[str] = Counter()
        for item in catalogue.exclusions.values():
            excluded.update(programs(item.match))
        listed = {
            read_signed(text).name for app in catalogue.apps.values() for text in app.match.programs
        }
        assert listed & excluded.keys() == set()

    def test_no_way_is_given_twice(self, catalogue: Catalogue) -> None:
        ways: Counter[str] = Counter()
        for entry in entries(catalogue):
            match = entry.match
            ways.update({name.casefold() for name in (*match.bundle_ids, *match.executables)})
            ways.update({*match.programs, *match.urls, *match.pages, *match.titles})
        assert [way for way, count in ways.items() if count > 1] == []

    def test_no_address_of_an_app_is_excluded_as_a_whole(self, catalogue: Catalogue) -> None:
        """Only places within it are: else the app would be listed in vain."""
        excluded = [url for item in catalogue.exclusions.values() for url in item.match.urls]
        for app in catalogue.apps.values():
            assert [url for url in app.match.urls if lies_within(url, excluded)] == [], app.id

    def test_url_patterns_are_lower_case_hosts_with_a_path_and_nothing_else(
        self, catalogue: Catalogue
    ) -> None:
        pattern = re.compile(r"(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+(/[A-Za-z0-9_/-]*[A-Za-z0-9])?")
        for entry in entries(catalogue):
            for url in entry.match.urls:
                assert pattern.fullmatch(url), url

    def test_fields_are_words_of_the_event_or_of_older_agents(self, catalogue: Catalogue) -> None:
        words = {str(kind) for kind in FieldKind} - {"none", "text", "unknown"}
        for item in catalogue.exclusions.values():
            assert set(item.match.fields) <= words | {"card_number"}, item.id


class TestHowSureWeAre:
    """docs/app-catalogue.md, held against the files."""

    def test_every_entry_says_how_its_names_were_checked(self, catalogue: Catalogue) -> None:
        for entry in entries(catalogue):
            assert entry.source, entry.id

    def test_a_program_is_named_only_where_a_list_or_the_vendor_names_it(
        self, catalogue: Catalogue
    ) -> None:
        for app in catalogue.apps.values():
            sure = {name for name, word in sources(app) if word in {"listed", "vendor"}}
            assert {system_of(text) for text in app.match.programs} <= sure, app.id

    def test_an_app_claims_nothing_about_a_system_on_which_it_names_no_program(
        self, catalogue: Catalogue
    ) -> None:
        for app in catalogue.apps.values():
            named = {system_of(text) for text in app.match.programs}
            sites = {"Sites"} if app.match.urls else set()
            assert {name for name, _ in sources(app)} == named | sites, app.id

    def test_every_word_is_explained(self, catalogue: Catalogue) -> None:
        page = (ROOT / "docs" / "app-catalogue.md").read_text(encoding="utf-8")
        words = {word for app in catalogue.apps.values() for _, word in sources(app)}
        assert all(f"| {word} | " in page for word in words)


class TestTreatedAlike:
    def test_whatever_is_written_to_others_says_that_it_shows_their_words(
        self, catalogue: Catalogue
    ) -> None:
        for app in catalogue.apps.values():
            if app.group in {"communication", "support", "crm", "documents", "project"}:
                assert app.others, app.id

    def test_every_program_of_mail_and_chat_opens_private_accounts_too(
        self, catalogue: Catalogue
    ) -> None:
        for app in catalogue.apps.values():
            if app.group == "communication":
                assert app.private_accounts, app.id

    def test_a_browser_is_recognised_by_its_program_alone(self, catalogue: Catalogue) -> None:
        for app in catalogue.apps.values():
            if app.browser:
                assert app.match == Matchers(programs=app.match.programs), app.id
                assert not app.others
                assert not app.private_accounts

    def test_nothing_that_release_0_1_excluded_is_recorded(
        self, catalogue: Catalogue, tmp_path: Path
    ) -> None:
        """A release takes no exclusion away, nor a way to recognise one."""
        shutil.copy(GOLDEN / "apps" / "exclusions.yaml", tmp_path)
        before = load_catalogue(tmp_path)
        assert len(before.exclusions) == 13
        assert loosenings(before, catalogue, ()) == ()


def sources(app: App) -> list[tuple[str, str]]:
    """What an app says of how it was checked: each system or ``Sites`` with its word."""
    return re.findall(r"(\w+): (\w+)\.", app.source)


def system_of(program: str) -> str:
    """The system on which a program bears this name."""
    name, _, signer = program.partition("@")
    if name.lower().endswith((".exe", ".bin")) and signer not in LINUX:
        return "Windows"
    return "macOS" if re.fullmatch(r"[A-Z0-9]{10}|Software Signing", signer) else "Linux"


class TestSamplePolicies:
    def test_seven_regions_have_one(self, policies: Mapping[str, CompanyPolicy]) -> None:
        assert tuple(sorted(policies)) == WITH_POLICY

    @pytest.mark.parametrize("region", WITH_POLICY)
    def test_it_asks_for_no_more_than_the_floor_gives(
        self, floors: Mapping[str, Floor], policies: Mapping[str, CompanyPolicy], region: str
    ) -> None:
        """Nothing in a sample reads as a promise that the floor breaks."""
        law = compiled(floors, {}, region)
        own = compile_layers([policies[region].layer])
        named = {key for key in policies[region].layer.knobs if key.endswith(".mode")}
        for signal, rule in own.signals.items():
            if f"signals.{signal}.mode" in named:
                assert rule.mode <= law.signals[signal].mode, signal
        assert own.purposes <= law.purposes

    @pytest.mark.parametrize("region", WITH_POLICY)
    def test_whatever_it_lists_can_be_captured(
        self, policies: Mapping[str, CompanyPolicy], catalogue: Catalogue, region: str
    ) -> None:
        """Pages need a listed browser, apps with private accounts the company's own account."""
        point = compile_layers([policies[region].layer])
        assert point.apps <= catalogue.apps.keys()
        apps = [catalogue.apps[name] for name in point.apps]
        assert any(app.browser for app in apps) or not any(app.match.urls for app in apps)
        accounts = {read_tenant(text).app for text in point[knobs.TENANTS]}
        assert {app.id for app in apps if app.private_accounts} <= accounts <= point.apps

    @pytest.mark.parametrize(
        ("region", "missing"),
        [("DE", set()), ("GB", set()), ("US-CA", set()), ("FR", {"consultation"})],
    )
    def test_only_france_lacks_evidence(
        self,
        floors: Mapping[str, Floor],
        policies: Mapping[str, CompanyPolicy],
        region: str,
        missing: set[str],
    ) -> None:
        needed = compiled(floors, policies, region)[knobs.PRECONDITIONS_ASKED]
        assert needed - policies[region].evidenced(NOW) == missing

    def test_evidence_is_named_by_the_digest_of_its_text(
        self, policies: Mapping[str, CompanyPolicy]
    ) -> None:
        for policy in policies.values():
            for item in policy.evidence:
                text = (DATA / "evidence" / f"{item.reference}.md").read_bytes()
                assert item.sha256 == hashlib.sha256(text).hexdigest()

    def test_german_staff_can_opt_in_to_something(
        self, floors: Mapping[str, Floor], policies: Mapping[str, CompanyPolicy]
    ) -> None:
        point = compiled(floors, policies, "DE")
        assert not point.blocked
        assert all(point.signals[signal].mode is Mode.ALLOW for signal in ORDINARY)
        assert point.signals[Signal.POINTER].mode is Mode.REDACT
        assert len(point.apps) == 22
        assert {rule.retention_days for rule in point.signals.values()} == {0, 14}
        assert "ai_training.computer_use" in point.purposes

    def test_working_from_germany_takes_the_german_rule_along(
        self, floors: Mapping[str, Floor], policies: Mapping[str, CompanyPolicy]
    ) -> None:
        home = compiled(floors, policies, "US-CA")
        point = compiled(floors, policies, "US-CA", "DE")
        assert home.signals[Signal.SCREENSHOT].mode is Mode.REDACT
        assert point.signals[Signal.SCREENSHOT].mode is Mode.DENY
        assert point.bases == {Basis.CONSENT}
        assert point[knobs.PRECONDITIONS_ASKED] == {"risk_assessment", "works_agreement", "dpia"}
        assert "slack" in home.apps - point.apps

    def test_working_from_norway_ends_capture(
        self, floors: Mapping[str, Floor], policies: Mapping[str, CompanyPolicy]
    ) -> None:
        assert compiled(floors, policies, "US-NY", "NO").blocked
