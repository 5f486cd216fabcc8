"""Every way around the append-only tables, tried on a copy: prevented, or found, and by what.

docs/bypasses.md says what came of each. REGENERATE=1 (in one process) writes it anew: read what
changed.
"""

import os
import shutil
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, make_url, text

import app
from app.audit.entries.model import SYSTEM, Actor, Event, Kind
from app.audit.export.writing import export_log
from app.audit.reading.service import ReadingService
from app.audit.tree.merkle import CompactRange
from app.db.engine import open_database
from app.db.roles import create_roles, open_as_admin
from app.db.selftest import problems
from app.kernel.errors import HabeasError
from app.sdk.verify import Ask, verify_asked
from app.settings import Settings
from app.wiring import build
from app.wiring.shipped import Shipped
from tests.architecture.test_every_change_is_an_entry import Story, start_session
from tests.db.bypasses import BYPASSES, Bypass
from tests.fakes import FakeClock
from tests.postgresql import copy_database, drop_database
from tests.templates import FILE, Templates, copy_folders

PAGE = Path(app.__file__).parents[1] / "docs" / "bypasses.md"
REGENERATE = bool(os.environ.get("REGENERATE"))
ACTORS = ("app", "owner", "superuser", "file owner")
CUT = 10
NOTHING = "nothing finds it"


@dataclass(frozen=True)
class Scene:
    """A filled database, what it was some entries ago, and what an auditor keeps.

    Attributes:
        folder: holds ``var``, ``older`` (an earlier ``var``) and SQLite's two files.
        url: of the filled database, ``{db}`` left to fill in on PostgreSQL.
        checkpoint, receipt, vkey: kept outside.
        words: what statements are completed with.
        shipped: what the policy files say.
    """

    kind: str
    folder: Path
    url: str
    prefix: str
    checkpoint: bytes
    receipt: bytes
    vkey: str
    words: dict[str, str]
    raw: bytes
    shipped: Shipped


def prepare(kind: str, request: pytest.FixtureRequest, folder: Path) -> Scene:
    templates: Templates = request.getfixturevalue("templates")
    template = templates.folder(kind, "sample")
    copy_folders(template, folder)
    prefix = f"b{uuid.uuid4().hex[:8]}"
    if kind == "sqlite":
        shutil.copyfile(template / FILE, folder / "new.sqlite")
        url = f"sqlite:///{folder / 'new.sqlite'}"
    else:
        server = request.getfixturevalue("postgresql_server")
        copy_database(server, "habeas_bypass", templates.database("sample"))
        admin = open_as_admin(server.format(db="habeas_bypass"), None)
        create_roles(admin, prefix)
        admin.engine.dispose()
        url = server
    found = url.format(db="habeas_bypass")
    settings = Settings(var=folder / "var", database_url=found, demo=True)
    shipped: Shipped = request.getfixturevalue("shipped")
    services = build(settings, clock=FakeClock(), shipped=shipped)
    services.database.engine.dispose()
    services.lock.database.engine.dispose()
    shutil.copytree(folder / "var-lock", folder / "older-lock")
    if kind == "sqlite":
        shutil.copyfile(folder / "new.sqlite", folder / "old.sqlite")
    else:
        copy_database(url, "habeas_bypass_old", "habeas_bypass")
    with services.database.write() as tx:
        day = Story(services, tx)
        day.given()
        for _ in range(20):
            start_session(day)
    services.integrator.integrate()
    with services.database.write() as tx:  # stays pending: nobody integrates it here
        event = Event(Kind.SESSION_STARTED, Actor("person", "E-0042"))
        event_id = services.log.append(tx, event, services.clock.now())
    with services.database.read() as tx:
        checkpoint = services.log.checkpoint(tx)
        assert checkpoint is not None
        receipt = services.log.submission_receipts(tx, (event_id,))[event_id]
        leaves = [ReadingService(services.log).entry(tx, idx) for idx in range(CUT)]
    tree = CompactRange().extend(leaf.leaf_hash for leaf in leaves)
    vkey = services.integrator.vkey
    services.database.engine.dispose()
    services.lock.database.engine.dispose()
    words = _words(kind, prefix, tree)
    return Scene(
        kind, folder, url, prefix, checkpoint.encode(), receipt.encode(), vkey, words,
        leaves[3].raw, shipped,
    )  # fmt: skip


def _words(kind: str, prefix: str, tree: CompactRange) -> dict[str, str]:
    form = "X'{}'" if kind == "sqlite" else "'\\x{}'::bytea"
    return {
        "prefix": prefix,
        "cut": str(CUT),
        "root": form.format(tree.root.hex()),
        "frontier": form.format(b"".join(tree.frontier).hex()),
    }


@pytest.fixture(scope="module")
def scene(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Scene]]:
    made: dict[str, Scene] = {}

    def make(kind: str) -> Scene:
        if kind not in made:
            made[kind] = prepare(kind, request, tmp_path_factory.mktemp(f"bypass-{kind}"))
        return made[kind]

    yield make
    if "postgresql" in made:
        for name in ("habeas_bypass", "habeas_bypass_old"):
            drop_database(made["postgresql"].url, name)
        admin = create_engine(made["postgresql"].url.format(db="postgres"))
        with admin.begin() as connection:
            for role in ("app", "integrator", "auditor", "eraser", "owner"):
                connection.execute(text(f"DROP ROLE {made['postgresql'].prefix}_{role}"))
        admin.dispose()


@dataclass(frozen=True)
class Trial:
    """A copy of the scene, on which one way is tried."""

    scene: Scene
    folder: Path
    url: str

    def end(self) -> None:
        """Take the copy away again."""
        if self.scene.kind == "postgresql":
            drop_database(self.scene.url, str(make_url(self.url).database))

    def attempt(self, bypass: Bypass, actor: str) -> str | None:
        """Try it; say what prevented it, or None if nothing did."""
        statements = bypass.sqlite if self.scene.kind == "sqlite" else bypass.postgresql
        done = [statement.format(**self.scene.words) for statement in statements]
        if self.scene.kind == "sqlite":
            return self._on_sqlite(done)
        return self._on_postgresql(done, actor)

    def _on_sqlite(self, statements: list[str]) -> str | None:
        file = Path(str(make_url(self.url).database))
        if statements == ["bytes"]:
            data = file.read_bytes()
            at = data.index(self.scene.raw[:40])
            file.write_bytes(data[: at + 16] + b"x" + data[at + 17 :])
            return None
        connection = sqlite3.connect(file, isolation_level=None)
        try:
            for statement in statements:
                connection.execute(statement)
        except sqlite3.IntegrityError:
            return "a trigger"
        finally:
            connection.close()
        return None

    def _on_postgresql(self, statements: list[str], actor: str) -> str | None:
        if statements[0] in {"copy", "both"}:
            return None if actor == "superuser" else "permission"
        url = make_url(self.url)
        if actor == "app":
            url = url.set(username=f"{self.scene.prefix}_app")
        engine = create_engine(url)
        try:
            with engine.begin() as connection:
                if actor == "owner":
                    connection.execute(text(f"SET ROLE {self.scene.prefix}_owner"))
                raw = connection.connection.driver_connection
                assert isinstance(raw, psycopg.Connection)
                warned: list[str | None] = []
                raw.add_notice_handler(lambda notice: warned.append(notice.sqlstate))
                for statement in statements:
                    raw.execute(statement)
                if "01007" in warned:  # privilege not granted: a warning, and no effect
                    return "permission"
        except psycopg.errors.InsufficientPrivilege:
            return "permission"
        except psycopg.errors.IntegrityConstraintViolation:
            return "a trigger"
        finally:
            engine.dispose()
        return None

    def finding(self) -> str:
        """Say what finds it: the self-test, the start, or a verification of what is exported."""
        strict = self.scene.kind == "postgresql"
        url = make_url(self.url)
        own = url.set(username=f"{self.scene.prefix}_app") if strict else url
        served = open_database(own.render_as_string(hide_password=False))
        found = problems(served, strict=strict)
        served.engine.dispose()
        if found:
            return "self-test at start"
        settings = Settings(var=self.folder / "var", database_url=self.url, demo=True)
        database = open_database(self.url)
        clock = FakeClock()
        clock.advance(timedelta(hours=1))  # what was promised is due
        export = self.folder / "log.tar"
        try:
            services = build(settings, clock=clock, database=database, shipped=self.scene.shipped)
            export_log(
                database, services.log, services.integrator, export,
                actor=SYSTEM, now=clock.now(), documents=services.exports.documents,
            )  # fmt: skip
        except HabeasError as error:
            return f"start refused: `{error.kind}`"
        except Exception:  # noqa: BLE001 - whatever stops the start, the operator sees it
            return "the start fails"
        finally:
            database.engine.dispose()
        return self._by_verifying(export)

    def _by_verifying(self, export: Path) -> str:
        since, receipts = (("kept", self.scene.checkpoint),), (("kept", self.scene.receipt),)
        for ask, name in (
            (Ask(vkey=self.scene.vkey), "`habeas verify`"),
            (Ask(vkey=self.scene.vkey, since=since), "`habeas verify` with a kept checkpoint"),
            (
                Ask(vkey=self.scene.vkey, receipts=receipts),
                "`habeas verify` with a submission receipt",
            ),
        ):
            if verify_asked(export, ask).exit_code:
                return name
        return NOTHING


def trial(scene: Scene, folder: Path, *, older: bool = False, lock: bool = False) -> Trial:
    shutil.copytree(scene.folder / "var", folder / "var")
    shutil.copytree(scene.folder / ("older-lock" if lock else "var-lock"), folder / "var-lock")
    if scene.kind == "sqlite":
        shutil.copyfile(
            scene.folder / ("old.sqlite" if older else "new.sqlite"), folder / "db.sqlite"
        )
        return Trial(scene, folder, f"sqlite:///{folder / 'db.sqlite'}")
    name = f"t_{uuid.uuid4().hex}"
    copy_database(scene.url, name, "habeas_bypass_old" if older else "habeas_bypass")
    return Trial(scene, folder, scene.url.format(db=name))


OUTCOMES: dict[tuple[str, str], str] = {}
"""What was found in this process, to write the page anew."""


def published() -> dict[tuple[str, str], str]:
    """What the page says: the outcome of each way and actor."""
    found = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("| "):
            name, *cells = line.strip("| ").split(" | ")
            found.update(((name, actor), cell) for actor, cell in zip(ACTORS, cells, strict=True))
    return found


@pytest.mark.parametrize("actor", ACTORS)
@pytest.mark.parametrize("bypass", BYPASSES, ids=lambda one: one.name)
def test_each_way_is_prevented_or_found_as_the_page_says(
    scene: Callable[[str], Scene], tmp_path: Path, bypass: Bypass, actor: str
) -> None:
    outcome = OUTCOMES[bypass.name, actor] = tried(scene, tmp_path, bypass, actor)
    assert NOTHING not in outcome
    if actor == "app":
        assert not outcome.startswith("found"), "the service's own role gets nothing through"
    if not REGENERATE:
        assert published()[bypass.name, actor] == outcome


def tried(scene: Callable[[str], Scene], folder: Path, bypass: Bypass, actor: str) -> str:
    kind = "sqlite" if actor == "file owner" else "postgresql"
    statements = bypass.sqlite if kind == "sqlite" else bypass.postgresql
    if not statements:
        return "does not exist"
    older, lock = statements[0] in {"copy", "both"}, statements[0] == "both"
    copy = trial(scene(kind), folder, older=older, lock=lock)
    try:
        prevented = None if older and kind == "sqlite" else copy.attempt(bypass, actor)
        return f"prevented: {prevented}" if prevented else f"found: {copy.finding()}"
    finally:
        copy.end()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_where_nothing_was_tried_nothing_is_found(
    scene: Callable[[str], Scene], tmp_path: Path, kind: str
) -> None:
    copy = trial(scene(kind), tmp_path)
    assert copy.finding() == NOTHING
    copy.end()


def test_the_page_has_each_way_and_no_other() -> None:
    if REGENERATE:
        PAGE.write_text(page(OUTCOMES), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page(published())


def page(outcomes: dict[tuple[str, str], str]) -> str:
    head = "| way | PostgreSQL: app | owner | superuser | SQLite: owner of the file |"
    rows = [
        "| " + " | ".join([bypass.name, *(outcomes[bypass.name, actor] for actor in ACTORS)]) + " |"
        for bypass in BYPASSES
    ]
    return "\n".join([INTRODUCTION, head, "|---|---|---|---|---|", *rows, LIMITS])


INTRODUCTION = """# Ways around the append-only tables

Made by `tests/db/test_bypasses.py`, which tries each way on a copy of a filled database, as \
each of four actors, and compares the outcome with this page. `REGENERATE=1` writes it anew; do \
not edit.

Prevented by *permission*: the role has no right to. By *a trigger*: it has, and a trigger \
refuses. Found by the *self-test at start*: the service does not serve on such a database. \
*Start refused*: the log does not go on from what the lock store knows. *The start fails*: it does \
not get as far as serving. `habeas verify`: anybody who has an export \
finds it; *with a kept checkpoint* or *a submission receipt*: whoever kept one does.
"""
LIMITS = """
Nothing in a database stops its owner; what an owner does is found, not prevented. Somebody who \
holds the log's key, both databases and every kept checkpoint finds nothing in the way: keep \
checkpoints elsewhere, and let a witness cosign them. The self-test shows what a role can do when \
the service starts, not what was done in between. Tables next to the log, such as who consents \
now, are not signed: whoever changes them shows in the decisions made from then on, because \
`habeas verify` makes them again from the log.
"""
