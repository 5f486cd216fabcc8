"""Things that tests ask for, made the way the program makes them."""

from app.directory.model import Person
from app.kernel.authority import Role


def role(text: str) -> Role:
    """Read ``legal@DE`` or ``auditor``."""
    name, _, region = text.partition("@")
    return Role(name, region or None)


def person(id: str = "E-1000", *roles: str, **changes: object) -> Person:  # noqa: A002
    """A person of the sample kind, an engineer in California unless said otherwise."""
    fields: dict[str, object] = {
        "id": id,
        "name": f"Sample {id}",
        "email": f"{id.lower()}@example.com",
        "region": "US-CA",
        "place": "US-CA",
        "entity": "US/Example Devices Inc",
        "department": "Engineering",
        "manager": None,
        "roles": tuple(role(text) for text in roles),
        "active": True,
    }
    return Person(**{**fields, **changes})  # type: ignore[arg-type]
