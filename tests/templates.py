"""Instances that tests start from: each made once in a process, for each kind of database.

``empty`` has the tables, ``started`` what a first start leaves in database and folder (keys, log,
shipped policies adopted), ``sample`` the sample organisation on top of that. Whoever asks gets a
copy: a copied file on SQLite, a database made from a template on PostgreSQL.
"""

import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from app.db.engine import open_database
from app.db.migrate import migrate
from app.settings import Settings
from tests.fakes import FakeClock
from tests.postgresql import copy_database, drop_database

if TYPE_CHECKING:
    from app.wiring.shipped import Shipped

Name = Literal["empty", "started", "sample"]
FILE = "habeas.sqlite"


class Templates:
    """Makes the instances when they are first asked for.

    Args:
        folder: in which they are kept.
        server: starts the PostgreSQL server, or says where it is.
        shipped: what the shipped policy files say.
    """

    def __init__(self, folder: Path, server: Callable[[], str], shipped: "Shipped") -> None:
        self._folder = folder
        self._server = server
        self._shipped = shipped
        self._made: dict[tuple[str, Name], Path] = {}

    @contextmanager
    def copy(self, kind: str, name: Name, folder: Path) -> Iterator[str]:
        """Copy an instance's files into a folder (``var``) and its database; yield its URL."""
        made = self.folder(kind, name)
        shutil.copytree(made / "var", folder / "var", dirs_exist_ok=True)
        if kind == "sqlite":
            shutil.copyfile(made / FILE, folder / FILE)
            yield f"sqlite:///{folder / FILE}"
            return
        server, database = self._server(), f"t_{uuid.uuid4().hex}"
        copy_database(server, database, self.database(name))
        try:
            yield server.format(db=database)
        finally:
            drop_database(server, database)

    def folder(self, kind: str, name: Name) -> Path:
        """The folder of an instance: ``var`` and, on SQLite, the database."""
        if (kind, name) not in self._made:
            folder = self._folder / f"{kind}-{name}"
            (folder / "var").mkdir(parents=True)
            self._make(kind, name, folder)
            self._made[kind, name] = folder
        return self._made[kind, name]

    def database(self, name: Name) -> str:
        """What an instance's database is called on PostgreSQL; it is made if it is not there."""
        self.folder("postgresql", name)
        return _called(name)

    def _make(self, kind: str, name: Name, folder: Path) -> None:
        base = None if name == "empty" else self.folder(kind, "empty")
        if kind == "sqlite":
            url = f"sqlite:///{folder / FILE}"
            if base is not None:
                shutil.copyfile(base / FILE, folder / FILE)
        else:
            server = self._server()
            url = server.format(db=_called(name))
            copy_database(server, _called(name), _called("empty") if base else None)
        if base is None:
            database = open_database(url)
            migrate(database)
            database.engine.dispose()
        else:
            self._start(Settings(var=folder / "var", database_url=url, demo=True), name)

    def _start(self, settings: Settings, name: Name) -> None:
        from app.demo.seed import seed
        from app.demo.server import SECRETS
        from app.wiring import build

        services = build(settings, clock=FakeClock(), shipped=self._shipped)
        if name == "sample":
            seed(services, settings.var / SECRETS)
        services.close()


def _called(name: Name) -> str:
    return f"habeas_{name}"
