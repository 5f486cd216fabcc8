"""The documents that the demo tells an engineer in California, and the published file with them.

``python -m tests.vectors.california`` writes the two documents into
``tests/vectors/guard/california-engineer.json`` anew and leaves its events alone: what their
verdicts have to be is for people to say.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.access.floor.terms import ALLOWED
from app.kernel.canonical import Json
from app.kernel.forms import AGENT_FORM
from app.policy.agreement import Limits
from app.policy.catalogue.model import Catalogue
from app.policy.catalogue.packs import load_catalogue
from app.policy.counterparties import counterparty_document
from app.policy.document import document
from app.policy.law.packs import PolicyTexts, load_floors
from app.policy.memory import PolicyMemory
from app.policy.timeline import CompanyRow, FloorRow, History

ROOT = Path(__file__).parents[2]
POLICIES = ROOT / "policies"
COMPANY = ROOT / "app" / "demo" / "data" / "company"
FILE = Path(__file__).parent / "guard" / "california-engineer.json"
HOME = "US-CA"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def documents() -> tuple[dict[str, Json], dict[str, Json]]:
    """Policy document and counterparty document, from the files of law, catalogue and company."""
    catalogue = load_catalogue(POLICIES / "apps")
    memory = PolicyMemory.of("now", _history(catalogue))
    limits = Limits(memory.in_force((HOME,), NOW).compiled, catalogue)
    return document(limits, AGENT_FORM), counterparty_document(memory.counterparties(NOW))


def _history(catalogue: Catalogue) -> History:
    floors = load_floors(POLICIES / "regions", catalogue, ALLOWED)
    rows = tuple(FloorRow(number, floor, NOW) for number, floor in enumerate(floors))
    return History(rows, tuple(_company(catalogue)), (), seq=1)


def _company(catalogue: Catalogue) -> Iterator[CompanyRow]:
    texts = PolicyTexts(catalogue, ALLOWED)
    for number, file in enumerate(sorted(COMPANY.glob("*.yaml"))):
        policy = texts.read_company_policy(file.read_bytes(), file.stem)
        yield CompanyRow(number, file.stem, policy, f"c{number}", "narrows", NOW, NOW)


def written(published: dict[str, Any]) -> str:
    """A file of vectors with one line for each app, exclusion, row and member of a case."""
    told, others = documents()
    whole = {**published, "document": told, "counterparties": others}
    return "{" + ",".join(_member(name, value, 1) for name, value in whole.items()) + "\n}\n"


def _member(name: str, value: object, depth: int) -> str:
    return f"\n{' ' * depth}{_line(name)}: {_value(value, depth)}"


def _value(value: object, depth: int) -> str:
    inner = "\n" + " " * (depth + 1)
    if isinstance(value, list) and value and isinstance(value[0], dict):
        items = (_case(item) if "verdict" in item else _line(item) for item in value)
        return "[" + ",".join(inner + item for item in items) + "\n" + " " * depth + "]"
    if isinstance(value, dict) and any(isinstance(item, list | dict) for item in value.values()):
        members = (_member(name, item, depth + 1) for name, item in value.items())
        return "{" + ",".join(members) + "\n" + " " * depth + "}"
    return _line(value)


def _case(case: dict[str, Any]) -> str:
    members = (f"{_line(name)}: {_line(value)}" for name, value in case.items())
    return "{" + ",\n   ".join(members) + "}"


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


if __name__ == "__main__":
    FILE.write_text(written(json.loads(FILE.read_bytes())), encoding="utf-8")
