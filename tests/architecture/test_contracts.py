"""Every package is ordered by a contract, every pure module is held to be pure."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import app

ROOT = Path(app.__file__).parent
PROJECT = tomllib.loads((ROOT.parent / "pyproject.toml").read_text(encoding="utf-8"))
CONTRACTS: list[dict[str, Any]] = PROJECT["tool"]["importlinter"]["contracts"]

WITHOUT_ORDER = {
    "app.demo.tour": "steps of one walk, in the order in which they are told",
    "app.event.fields": "a module for each platform",
    "app.sdk.agent": "a library for laptops; its contract is what it may not import",
    "app.sdk.store": "two modules: the check, and the keys that it goes by",
    "app.sdk.verify.evidence": "three modules that read lines",
    "app.sdk.verify.folded": "three folds over the same lines",
    "app.sdk.verify.order": "a check for each kind of order",
    "app.sdk.verify.replay": "a replay for each kind of decision",
    "app.sdk.verify.tree": "a check for each kind of proof",
    "app.web.auditor": "modules of one reader's pages; that they stand on rows is a contract",
    "app.web.auditor.rows": "modules of rows, each for its page",
    "app.web.employee": "modules of one reader's pages",
    "app.web.employee.past": "what was done so far of one person, and its pages",
    "app.web.employee.state": "what is so now of one person, part by part",
    "app.web.legal": "modules of one reader's pages",
    "app.web.legal.catalogue": "one page and its words",
    "app.web.shell": "what every page stands on, by purpose",
    "app.web.words": "texts, by what they are about",
}
"""Packages in which modules may stand in any order that has no circle, and why."""


def packages() -> Iterator[tuple[str, Path]]:
    for init in ROOT.rglob("__init__.py"):
        yield ".".join(("app", *init.parent.relative_to(ROOT).parts)), init.parent


def needs_order(folder: Path) -> bool:
    """Whether a package has sub-packages, or a service or a store next to its rules.

    But for pages: a page is added without an edit of a contract (see the tries).
    """
    has_packages = any(folder.glob("*/__init__.py")) and "web" not in folder.parts
    return has_packages or any((folder / name).exists() for name in ("service.py", "store.py"))


def test_every_package_is_ordered_by_a_contract_that_names_all_of_it() -> None:
    ordered = {
        container
        for contract in CONTRACTS
        if contract["type"] == "layers" and contract.get("exhaustive")
        for container in contract["containers"]
    }
    with_modules = {
        name: folder
        for name, folder in packages()
        if any(path.name != "__init__.py" for path in folder.glob("*.py"))
        or any(folder.glob("*/__init__.py"))
    }
    assert with_modules.keys() == ordered | WITHOUT_ORDER.keys()
    assert not ordered & WITHOUT_ORDER.keys()
    assert [name for name in WITHOUT_ORDER if needs_order(with_modules[name])] == []


def test_every_contract_about_layers_names_all_that_there_is_but_for_pages() -> None:
    loose = [
        contract["containers"]
        for contract in CONTRACTS
        if contract["type"] == "layers" and not contract.get("exhaustive")
    ]
    assert loose == [["app.web.auditor"]]


def says_pure(path: Path) -> bool:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return re.search(r"\(pure\b|\bPure\.", docstring) is not None


def test_every_module_that_says_it_is_pure_is_held_to_it() -> None:
    (contract,) = (contract for contract in CONTRACTS if contract["name"] == "Rules are pure")
    held = tuple(contract["source_modules"])
    pure = {
        ".".join(("app", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")
        for path in ROOT.rglob("*.py")
        if says_pure(path)
    }
    assert len(pure) > 40
    loose = {
        module for module in pure if not any(f"{module}.".startswith(f"{name}.") for name in held)
    }
    assert loose == set()


def test_pure_modules_know_no_language_files_and_no_framework() -> None:
    (contract,) = (contract for contract in CONTRACTS if contract["name"] == "Rules are pure")
    assert {"sqlalchemy", "fastapi", "yaml", "babel", "app.db"} <= set(
        contract["forbidden_modules"]
    )
