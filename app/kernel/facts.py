"""How a value is written as the facts of an entry, and read back: derived from its fields (pure).

An entry is for ever, so what a dataclass writes only grows.

Rules:
1. A field is written under its own name, or under the name that ``fact`` gives it.
2. Fields are only appended, marked as ``appended`` and with a default: an entry from before is read
   as the default. To rename, drop or retype a field is to make another dataclass. A field that
   is ``sparse`` is appended, too, and written only where it is not the default.
3. Each type has one written shape, and each shape a tag (``shapes_of``). A type without a shape is
   a mistake of the program (``TypeError``), found when its class is first used; so are two fields
   or tables with one name, and a field of which older entries could not be read.
4. Reading is strict: an unknown field, a missing field, a value of another shape, a row of a table
   that is not used, or stands twice or out of order, is a ``ValueError`` that names the field.
5. Different values have different facts, and what is written can be read: a value that is not of
   its field's type is not written (``TypeError``).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from app.kernel.canonical import Json
from app.kernel.fact_forms import Fact, form_of, names_of, require_known
from app.kernel.fact_shapes import Table, Tables, require_object, require_used

T = TypeVar("T")


def fact(name: str | None = None, **how: Any) -> Mapping[str, Fact]:
    """The metadata of a field, as in ``field(metadata=fact("standing"))``; see ``Fact``.

    >>> dict(fact("standing"))["fact"].name
    'standing'
    """
    return MappingProxyType({"fact": Fact(name, **how)})


def encode(value: Any) -> dict[str, Json]:
    """Write a dataclass as facts.

    >>> from app.consent.offers import (NoticeName)
    >>> encode(NoticeName("capture", 1, "en", "sha256:0"))
    {'id': 'capture', 'version': 1, 'language': 'en', 'digest': 'sha256:0'}
    """
    form = form_of(type(value))
    tables: Tables = {name: Table([]) for name in form.tables}
    facts = form.write(value, tables)
    return facts | {name: table.rows for name, table in tables.items()}


def decode(cls: type[T], facts: object, **apart: Any) -> T:
    """Read what ``encode`` wrote.

    >>> from app.policy.catalogue.model import CatalogueAdoption
    >>> decode(CatalogueAdoption, {"policy": "sha256:0"}).policy
    'sha256:0'

    Args:
        cls: the dataclass.
        facts: all of them, and nothing else.
        apart: the fields that are not facts.

    Raises:
        ValueError: they are not those of such a value; the message names the field.
    """
    require_only(facts, cls)
    return decode_part(cls, facts, **apart)


def decode_part(cls: type[T], facts: object, **apart: Any) -> T:
    """Read a value whose facts are among others.

    >>> from app.policy.catalogue.model import CatalogueAdoption
    >>> decode_part(CatalogueAdoption, {"person": "p_1", "policy": "sha256:0"}).policy
    'sha256:0'

    Raises:
        ValueError: as ``decode``; other facts are not looked at.
    """
    form, given = form_of(cls), require_object(facts)
    tables = {name: column.read(name, given) for name, column in form.tables.items()}
    values = form.read(given, tables)
    require_used(tables)
    return cls(**values, **apart)


def require_only(facts: object, *classes: type, also: tuple[str, ...] = ()) -> None:
    """Refuse facts that belong to none of these classes.

    >>> from app.policy.catalogue.model import CatalogueAdoption
    >>> require_only({"policy": "sha256:0", "colour": "red"}, CatalogueAdoption)
    Traceback (most recent call last):
    ValueError: colour: is no fact of this kind

    Raises:
        ValueError: there is another fact; the message names it.
    """
    require_known(require_object(facts), names_of(classes).union(also))


def shapes_of(cls: type) -> tuple[str, ...]:
    """Each fact of a class with the tag of its shape; a nested object has its own.

    >>> from app.policy.catalogue.model import Matchers
    >>> shapes_of(Matchers)[0]
    'bundle_ids: sorted list of text'
    """
    return tuple(form_of(cls).described())
