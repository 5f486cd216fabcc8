"""Whether this process may go on with the log, and how far it has seen the log come.

One object for the service, which must refuse, and the integrator, which finds out. What it holds is
what the last look showed: once the right database is back, the process goes on by itself.
"""

import threading
from collections.abc import Callable

from app.kernel.errors import Unavailable

ROLLED_BACK = "rolled_back"
"""The named state: the database holds an earlier or another log than was signed."""
HEAD_UNSEALED = "head-unsealed"
"""The named state: somebody else moved, broke or removed the log's head."""


class Halt:
    """Holds why nothing may be recorded or decided, if so."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._why: Unavailable | None = None
        self._size = 0

    @property
    def state(self) -> str | None:
        """The named state, such as ``rolled_back``; None while all is well."""
        why = self._why
        return None if why is None else why.kind

    def stop(self, why: Unavailable) -> bool:
        """Refuse from now on; say whether this is news."""
        with self._lock:
            news = self._why is None
            self._why = why
        return news

    def reached(self, size: int) -> None:
        """All is well, and a checkpoint of this size is published."""
        with self._lock:
            self._why = None
            self._size = max(self._size, size)

    def require(self, read_size: Callable[[], int] | None = None) -> None:
        """Let nothing through while the log is not the log that was signed.

        Args:
            read_size: reads how many entries the database has. It is called after this process has
                looked up how far it has seen the log come: the integrator may grow it in between.

        Raises:
            Unavailable: the named state is its kind.
        """
        why, reached = self._why, self._size
        if why is None and read_size is not None and (size := read_size()) < reached:
            why = rolled_back(f"this log had {reached} entries, the database has {size}")
            self.stop(why)
        if why is not None:
            raise Unavailable(why.problem, cure=why.cure, kind=why.kind)


def head_unsealed(problem: str) -> Unavailable:
    """The error of a head that is not as the integrator left it."""
    return Unavailable(
        f"the log's head {problem} by somebody else",
        cure="Restore the newest copy of the database; see docs/operate.md, Restore.",
        kind=HEAD_UNSEALED,
    )


def leaf_unreadable(idx: int) -> Unavailable:
    """The error of an entry in whose row somebody wrote what is no entry."""
    return Unavailable(
        f"entry {idx} of the log was made unreadable by somebody else",
        cure="habeas doctor names what was changed. Restore the newest copy of the database; see "
        "docs/operate.md, Restore.",
        kind="leaf-unreadable",
    )


def rolled_back(problem: str) -> Unavailable:
    """The error of a log that is behind what was signed, or differs from it."""
    return Unavailable(
        f"the database was rolled back: {problem}",
        cure="Restore the newest copy of the database; see docs/operate.md, Restore.",
        kind=ROLLED_BACK,
    )


def log_disputed(why: str) -> Unavailable:
    """The log in the database is not what was signed; nothing that opens is done meanwhile."""
    return Unavailable(
        f"the log cannot be believed: {why}",
        cure="Whoever runs Habeas restores the newest sound copy of the database; see "
        "docs/operate.md, When tables and log disagree.",
        kind="log-disputed",
    )
