"""How ``habeas`` starts: it imports what the verb needs that is typed, and knows every verb."""

import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from app import cli
from app.demo.cli import VERBS

ELSEWHERE = ("verify", "custodian", "agent")
"""Verbs for machines that have neither the service nor its libraries."""

SERVICE = (
    "fastapi", "starlette", "uvicorn", "sqlalchemy", "alembic", "psycopg", "pydantic", "casbin",
    "authlib", "joserfc", "yaml", "jinja2", "app.main", "app.wiring", "app.settings", "app.db",
)  # fmt: skip


def test_a_verb_for_another_machine_starts_without_the_service_and_its_libraries() -> None:
    program = (
        "import sys; from app.cli import understood; from app.demo.cli import VERBS\n"
        "for word in sys.argv[2].split(): understood([word], VERBS)\n"
        "sys.exit(' '.join({name for name in sys.argv[1].split() if name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, " ".join(SERVICE), " ".join(ELSEWHERE)],
        cwd=Path(cli.__file__).parents[2],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stderr.split() == []


@pytest.mark.parametrize("word", VERBS)
def test_the_module_of_a_verb_answers_to_it(word: str) -> None:
    done = CliRunner().invoke(cli.understood([word], VERBS), [word, "--help"], prog_name="habeas")
    assert done.exit_code == 0
    assert f"Usage: habeas {word} " in done.output


def test_help_names_every_verb() -> None:
    done = CliRunner().invoke(cli.understood(["--help"], VERBS), ["--help"])
    assert [word for word in VERBS if f" {word} " not in done.output] == []


def test_a_verb_that_is_misspelt_is_guessed_among_all() -> None:
    done = CliRunner().invoke(cli.understood(["verfy"], VERBS), ["verfy"])
    assert done.exit_code == 2
    assert "Did you mean 'verify'?" in done.output


def test_every_module_with_verbs_is_reached() -> None:
    folder = Path(cli.__file__).parent
    used = ("files", "opened", "progress", "restore", "spans")  # by other verbs
    modules = {f"app.cli.{file.stem}" for file in folder.glob("*.py")} - {"app.cli.__init__"}
    assert modules - {f"app.cli.{name}" for name in used} == set(cli.VERBS.values())


def test_a_fault_of_the_program_is_not_taken_for_settings() -> None:
    with pytest.raises(ValueError, match="a fault"):
        cli._say_settings(Console(stderr=True), ValueError("a fault"))
