"""The services that a verb works with, closed when it ends."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from app.settings import Settings
from app.wiring import Services, build, look


@contextmanager
def opened() -> Iterator[Services]:
    """The services of the settings, for a verb next to a service that may be running."""
    with closing(build(Settings(), serving=False)) as services:
        yield services


@contextmanager
def looked_at(*, lacking: bool = False) -> Iterator[Services]:
    """The services of the settings, for a verb that looks at a database as it is.

    Args:
        lacking: also without a key that signs.
    """
    with closing(look(Settings(), lacking=lacking)) as services:
        yield services
