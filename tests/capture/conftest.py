"""The furnished office that those who ask for data have, too."""

from tests.access.conftest import database_url, office

__all__ = ["database_url", "office"]
