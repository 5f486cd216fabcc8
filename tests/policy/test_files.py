"""What files mean once they can be read: layers, floors, the catalogue."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from app.access.floor.terms import ALLOWED
from app.kernel.canonical import canonical, parse_canonical
from app.kernel.errors import Fault, Unreadable
from app.kernel.vocabulary import Mode
from app.policy.catalogue.model import Catalogue
from app.policy.catalogue.packs import load_catalogue
from app.policy.knob_shapes import APPROVED
from app.policy.law.layer import CompanyPolicy, Floor
from app.policy.law.packs import PolicyTexts, load_floors
from tests.policy.house import GERMAN, evidence, policy_text

FLOOR = """\
region: DE
name: Germany
parent: GLOBAL
status: approved
valid_from: 2026-01-01
valid_to: null
reviewed_by: nobody yet
summary: A floor for tests.
knobs:
  bases: {value: [consent], cite: "Art. 6", confidence: C}
  signals:
    key_content: {mode: deny, retention_days: 0, cite: "Art. 5", confidence: C2}
  hours: {value: {mon: "08-18", fri: "08-12"}, cite: "ours", confidence: G}
"""
TOP = FLOOR.replace("region: DE", "region: GLOBAL").replace("parent: GLOBAL", "parent: null")


def floor_faults(texts: PolicyTexts, text: str) -> tuple[Fault, ...]:
    with pytest.raises(Unreadable) as caught:
        texts.read_floor(text.encode(), "DE.yaml")
    return caught.value.faults


class TestReading:
    def test_a_company_policy_becomes_a_layer(self, texts: PolicyTexts) -> None:
        policy = texts.read_company_policy(GERMAN, "DE")
        assert policy.layer.id == "company/DE"
        assert policy.layer.knobs["apps"].value == frozenset({"github", "vscode"})
        assert policy.layer.knobs["signals.pointer.mode"].value is Mode.REDACT
        assert policy.layer.knobs["status"].value == APPROVED
        assert [item.kind for item in policy.evidence] == ["dpia", "works_agreement"]
        assert policy.digest.startswith("sha256:")

    def test_the_same_rules_have_the_same_digest_however_they_are_typed(
        self, texts: PolicyTexts
    ) -> None:
        one = texts.read_company_policy(
            "region: DE\nknobs:\n  apps: {value: [vscode, github]}\n", "DE"
        )
        two = texts.read_company_policy(
            '# the same\n{"knobs": {"apps": {"value": ["github", "vscode"]}}, "region": "DE"}', "DE"
        )
        assert one.digest == two.digest

    def test_what_was_stored_reads_back_the_same(self, texts: PolicyTexts) -> None:
        policy = texts.read_company_policy(GERMAN, "DE")
        assert CompanyPolicy.read(policy.body) == policy
        with pytest.raises(ValueError, match="no floor"):
            Floor.read(policy.body)

    @pytest.mark.parametrize(
        ("knobs", "named"),
        [
            ({"invented": {"value": 1, "cite": "", "confidence": ""}}, "invented"),
            ({"signals": {"gaze": {"mode": "deny", "cite": "", "confidence": ""}}}, "signals.gaze"),
        ],
    )
    def test_a_knob_of_a_later_release_is_named_and_never_passed_over(
        self, texts: PolicyTexts, knobs: dict[str, Any], named: str
    ) -> None:
        """It might be the one that narrows."""
        document = parse_canonical(texts.read_company_policy(GERMAN, "DE").body)
        body = canonical({**document, "knobs": {**document["knobs"], **knobs}})
        with pytest.raises(ValueError, match=rf"the knob {named}\S*, which this release"):
            CompanyPolicy.read(body)

    def test_windows_line_ends_are_no_problem(self, texts: PolicyTexts) -> None:
        assert (
            texts.read_company_policy(GERMAN.replace("\n", "\r\n"), "DE").digest
            == texts.read_company_policy(GERMAN, "DE").digest
        )

    def test_norway_is_a_region_and_not_a_falsehood(self, texts: PolicyTexts) -> None:
        assert texts.read_company_policy("region: NO\nknobs: {}", "NO").region == "NO"

    def test_hours_become_hours_of_the_week(self, texts: PolicyTexts) -> None:
        floor = texts.read_floor(FLOOR.encode(), "DE.yaml")
        hours = floor.layer.knobs["hours"].value
        assert hours == frozenset([*range(8, 18), *range(104, 108)])

    def test_the_last_day_is_included(self, texts: PolicyTexts) -> None:
        text = policy_text("DE", valid_from="2026-01-01", valid_to="2026-01-31")
        policy = texts.read_company_policy(text, "DE")
        assert policy.valid_to is not None
        assert policy.valid_to.isoformat() == "2026-02-01T00:00:00+00:00"

    def test_a_citation_is_kept_with_its_mark(self, texts: PolicyTexts) -> None:
        floor = texts.read_floor(FLOOR.encode(), "DE.yaml")
        why = floor.layer.knobs["signals.key_content.mode"].why
        assert (why.layer, why.cite, why.confidence) == ("floor/DE", "Art. 5", "C2")

    def test_evidence_may_end(self, texts: PolicyTexts) -> None:
        text = policy_text("DE", evidence=evidence("dpia", valid_to="2026-06-30"))
        assert texts.read_company_policy(text, "DE").evidence[0].valid_to == "2026-06-30"


class TestFloors:
    @pytest.mark.parametrize("missing", ["cite", "confidence"])
    def test_a_floor_cites_every_knob(self, texts: PolicyTexts, missing: str) -> None:
        document = yaml.safe_load(FLOOR)
        del document["knobs"]["bases"][missing]
        del document["knobs"]["signals"]["key_content"][missing]
        found = floor_faults(texts, yaml.safe_dump(document, sort_keys=False))
        assert [fault.field for fault in found] == [
            f"DE.yaml: knobs.bases.{missing}",
            f"DE.yaml: knobs.signals.key_content.{missing}",
        ]

    def test_a_floor_shows_no_evidence(self, texts: PolicyTexts) -> None:
        found = floor_faults(texts, FLOOR + "evidence: []\n")
        assert found[0].field == "DE.yaml: evidence"

    @pytest.mark.parametrize("empty", ["valid_from", "parent", "reviewed_by", "status"])
    def test_nothing_of_a_floor_is_left_empty(self, texts: PolicyTexts, empty: str) -> None:
        lines = [f"{empty}:" if line.startswith(empty) else line for line in FLOOR.splitlines()]
        assert f"DE.yaml: {empty}" in [
            fault.field for fault in floor_faults(texts, "\n".join(lines))
        ]

    def test_a_file_is_named_after_its_region(self, texts: PolicyTexts) -> None:
        found = floor_faults(texts, FLOOR.replace("region: DE", "region: FR"))
        assert "Name the file" in found[0].cure

    def test_faults_of_all_files_are_reported_together(
        self, tmp_path: Path, catalogue: Catalogue
    ) -> None:
        (tmp_path / "GLOBAL.yaml").write_text(TOP.replace("deny", "dney"))
        (tmp_path / "DE.yaml").write_text(FLOOR.replace("consent", "whim"))
        with pytest.raises(Unreadable) as caught:
            load_floors(tmp_path, catalogue, ALLOWED)
        assert [fault.field.split(":")[0] for fault in caught.value.faults] == [
            "DE.yaml",
            "GLOBAL.yaml",
        ]

    def test_a_folder_without_floors_is_a_fault(self, tmp_path: Path, catalogue: Catalogue) -> None:
        with pytest.raises(Unreadable, match="no YAML"):
            load_floors(tmp_path, catalogue, ALLOWED)

    @pytest.mark.parametrize("parent", ["EU", "DE"])
    def test_every_floor_leads_to_global(
        self, tmp_path: Path, catalogue: Catalogue, parent: str
    ) -> None:
        (tmp_path / "GLOBAL.yaml").write_text(TOP)
        (tmp_path / "DE.yaml").write_text(FLOOR.replace("parent: GLOBAL", f"parent: {parent}"))
        with pytest.raises(Unreadable, match="does not lead to GLOBAL"):
            load_floors(tmp_path, catalogue, ALLOWED)

    def test_good_floors_are_loaded(self, tmp_path: Path, catalogue: Catalogue) -> None:
        (tmp_path / "GLOBAL.yaml").write_text(TOP)
        (tmp_path / "DE.yaml").write_text(FLOOR)
        assert [floor.region for floor in load_floors(tmp_path, catalogue, ALLOWED)] == [
            "DE",
            "GLOBAL",
        ]


class TestCatalogue:
    GOOD = """\
apps:
  - {id: wiki, name: Wiki, group: documents, match: {urls: [wiki.example.com]}}
exclusions:
  - {id: secrets, name: Secrets, why: They are., match: {fields: [password], private: true}}
"""

    def write(self, folder: Path, text: str) -> Path:
        (folder / "apps.yaml").write_text(text)
        return folder

    def test_apps_and_exclusions_are_read(self, tmp_path: Path) -> None:
        catalogue = load_catalogue(self.write(tmp_path, self.GOOD))
        assert catalogue.apps["wiki"].match.urls == ("wiki.example.com",)
        assert catalogue.exclusions["secrets"].match.private

    @pytest.mark.parametrize(
        ("good", "bad", "problem"),
        [
            ("wiki.example.com", '"*.com"', "whole top-level domain"),
            ("wiki.example.com", "Wiki.example.com", "lower case"),
            ("{urls: [wiki.example.com]}", "{}", "matches nothing"),
            ("group: documents", "group: games", "no group"),
            ("id: wiki", "id: My Wiki", "no id"),
            ("private: true", "private: maybe", "is a text"),
            ("urls: [wiki", "fields: [wiki", "not known"),
            ("fields: [password]", "fields: [pasword]", "'pasword' is no field word"),
        ],
    )
    def test_what_is_wrong_is_named(
        self, tmp_path: Path, good: str, bad: str, problem: str
    ) -> None:
        with pytest.raises(Unreadable, match=problem):
            load_catalogue(self.write(tmp_path, self.GOOD.replace(good, bad)))

    def test_files_of_examples_are_none_of_it(self, tmp_path: Path) -> None:
        (tmp_path / "wiki.examples.yaml").write_text("captured: []")
        assert load_catalogue(self.write(tmp_path, self.GOOD)).apps.keys() == {"wiki"}

    def test_an_id_is_given_once_in_all_files(self, tmp_path: Path) -> None:
        (tmp_path / "more.yaml").write_text(self.GOOD)
        with pytest.raises(Unreadable, match="twice"):
            load_catalogue(self.write(tmp_path, self.GOOD))

    @pytest.mark.parametrize(
        ("match", "way"),
        [
            ("urls: [wiki.example.com/chat]", "wiki.example.com/chat"),
            ('urls: ["*.example.com"]', "wiki.example.com"),
            ("urls: [wiki.example.com/chat/room]", "wiki.example.com/chat/room"),
            ('programs: ["WIKI.exe@Wiki Ltd"]', "wiki.exe@Wiki Ltd"),
        ],
    )
    @pytest.mark.parametrize("said", ["others: chat", "private_accounts: true"])
    def test_what_two_apps_are_recognised_by_they_say_the_same_of(
        self, tmp_path: Path, match: str, way: str, said: str
    ) -> None:
        """Else taking the chat's address away would let the wiki record the chat in full."""
        wiki = (
            "{urls: [wiki.example.com]}",
            '{urls: [wiki.example.com], programs: ["wiki.exe@Wiki Ltd"]}',
        )
        chat = f"  - {{id: chat, name: Chat, group: documents, {said}, match: {{{match}}}}}\n"
        text = self.GOOD.replace(*wiki).replace("exclusions:", f"{chat}exclusions:")
        with pytest.raises(Unreadable, match=f"chat: is recognised by {way} as wiki is") as refused:
            load_catalogue(self.write(tmp_path, text))
        assert "the same others and private_accounts" in refused.value.faults[0].cure
        both = text.replace("group: documents, match", f"group: documents, {said}, match")
        assert load_catalogue(self.write(tmp_path, both)).apps.keys() == {"wiki", "chat"}

    @pytest.mark.parametrize("app", ["wikki", "web"])
    def test_a_title_is_of_an_app_in_the_files_that_is_no_browser(
        self, tmp_path: Path, app: str
    ) -> None:
        """Else it would exclude nothing, and nobody would notice."""
        web = "  - {id: web, name: Web, group: browser, match: {programs: [web.exe@Web]}}\n"
        named = f'private: true, titles: ["*: pay*", "wiki: pay*", "{app}: pay*"]'
        text = self.GOOD.replace("exclusions:", f"{web}exclusions:")
        with pytest.raises(Unreadable, match=f"secrets: has a title of '{app}'") as refused:
            load_catalogue(self.write(tmp_path, text.replace("private: true", named)))
        assert "Name the app in its window" in refused.value.faults[0].cure
        good = text.replace("private: true", named.replace(app, "wiki"))
        assert load_catalogue(self.write(tmp_path, good)).exclusions.keys() == {"secrets"}

    def test_no_page_belongs_to_a_browser(self, tmp_path: Path) -> None:
        web = "  - {id: web, name: Web, group: browser, match: {urls: [web.example]}}\n"
        text = self.GOOD.replace("exclusions:", f"{web}exclusions:")
        with pytest.raises(Unreadable, match="urls"):
            load_catalogue(self.write(tmp_path, text))

    @pytest.mark.parametrize("name", ["bundle_ids", "executables"])
    def test_an_app_is_not_recognised_by_the_name_of_a_program_alone(
        self, tmp_path: Path, name: str
    ) -> None:
        text = self.GOOD.replace("{urls: [wiki.example.com]}", f"{{{name}: [wiki]}}")
        with pytest.raises(Unreadable, match=f"{name}: .*is a name that any program") as refused:
            load_catalogue(self.write(tmp_path, text))
        assert "NAME@SIGNER" in refused.value.faults[0].cure

    def test_a_browser_shares_no_program_with_an_app_that_runs_in_it(self, tmp_path: Path) -> None:
        """Pages are recognised by their addresses, whatever the browser is called."""
        apps = (
            "  - {id: web, name: Web, group: browser, match: {programs: [web.exe@Web]}}\n"
            "  - {id: chat, name: Chat, group: communication, others: chat, "
            "match: {programs: [web.exe@Web]}}\n"
        )
        text = self.GOOD.replace("exclusions:", f"{apps}exclusions:")
        assert {"web", "chat"} <= load_catalogue(self.write(tmp_path, text)).apps.keys()
