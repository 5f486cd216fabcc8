"""Instances that tests start from: each made once in a process, for each kind of database.

``empty`` has the tables, ``started`` what a first start leaves in database and folder (keys, log,
shipped policies adopted), ``sample`` the sample organisation on top of that. A module of tests adds
instances of its own. Whoever asks gets a copy: a copied file on SQLite, a database made from a
template on PostgreSQL.
"""

import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from app.db.engine import open_database
from app.db.migrate import migrate
from app.kernel.private import private_folder
from app.settings import Settings
from tests.fakes import FakeClock
from tests.postgresql import copy_database, drop_database

if TYPE_CHECKING:
    from app.wiring.shipped import Shipped

Name = Literal["empty", "started", "sample"]
Grow = Callable[[Settings], None]
"""What is done to a copy of another instance; it closes what it opens."""
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
        self._made: dict[tuple[str, str], Path] = {}
        self._grown: dict[str, tuple[str, Grow]] = {
            "started": ("empty", self._start),
            "sample": ("empty", self._seed),
        }

    def add(self, name: str, base: Name, grow: Grow) -> None:
        """Let a name stand for what comes of a copy of ``base``; it is made when it is asked for.

        Args:
            name: lower-case letters and underscores, of this instance alone.
            base: what it starts from.
            grow: what is done to it, once for each kind of database.
        """
        self._grown[name] = base, grow

    @contextmanager
    def copy(self, kind: str, name: str, folder: Path) -> Iterator[str]:
        """Copy an instance's files into a folder (``var``) and its database; yield its URL."""
        made = self.folder(kind, name)
        copy_folders(made, folder)
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

    def folder(self, kind: str, name: str) -> Path:
        """The folder of an instance: ``var`` and, on SQLite, the database."""
        if (kind, name) not in self._made:
            folder = self._folder / f"{kind}-{name}"
            private_folder(folder / "var")
            self._make(kind, name, folder)
            self._made[kind, name] = folder
        return self._made[kind, name]

    def database(self, name: str) -> str:
        """What an instance's database is called on PostgreSQL; it is made if it is not there."""
        self.folder("postgresql", name)
        return _called(name)

    def _make(self, kind: str, name: str, folder: Path) -> None:
        base, grow = self._grown.get(name, (None, None))
        if base is not None:
            copy_folders(self.folder(kind, base), folder)
        if kind == "sqlite":
            url = f"sqlite:///{folder / FILE}"
            if base is not None:
                shutil.copyfile(self.folder(kind, base) / FILE, folder / FILE)
        else:
            server = self._server()
            url = server.format(db=_called(name))
            copy_database(server, _called(name), _called(base) if base else None)
        if grow is None:
            database = open_database(url)
            migrate(database)
            database.engine.dispose()
        else:
            grow(Settings(var=folder / "var", database_url=url, demo=True))

    def _start(self, settings: Settings) -> None:
        from app.wiring import build

        build(settings, clock=FakeClock(), shipped=self._shipped).close()

    def _seed(self, settings: Settings) -> None:
        from app.demo.seed import seed
        from app.demo.server import SECRETS
        from app.wiring import build

        services = build(settings, clock=FakeClock(), shipped=self._shipped)
        seed(services, settings.var / SECRETS)
        services.close()


def _called(name: str) -> str:
    return f"habeas_{name}"


def copy_folders(source: Path, target: Path) -> None:
    """Copy ``var`` and the lock store next to it, as far as they are there."""
    for name in ("var", "var-lock"):
        if (source / name).exists():
            shutil.copytree(source / name, target / name, dirs_exist_ok=True)
