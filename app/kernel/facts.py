"""How a value is written as the facts of an entry, and read back: derived from its fields (pure).

An entry is for ever, so what a dataclass writes only grows.

Rules:
1. A field is written under its own name, or under the name that ``fact`` gives it.
2. Fields are only appended, marked as ``appended`` and with a default: an entry from before is read
   as the default. To rename, drop or retype a field is to make another dataclass. A field that
   is ``sparse`` is appended, too, and written only where it is not the default.
3. Each type has one written shape, and each shape a tag (``shapes_of``). A type without a shape is
   a mistake of the program (``TypeError``), found when its class is first used.
4. Reading is strict: an unknown field, a missing field, a value of another shape is a
   ``ValueError`` that names the field.
5. Different values have different facts.
"""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from enum import StrEnum
from functools import cache, cached_property
from types import MappingProxyType, NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from app.kernel import fact_shapes
from app.kernel.canonical import Json
from app.kernel.fact_shapes import PLAIN, Shape, Tables, require_object

T = TypeVar("T")


@dataclass(frozen=True)
class Fact:
    """How one field is written, where it is not simply by its name.

    Attributes:
        name: the name in the entry, where it differs.
        inline: the facts of a nested dataclass are in the same object as the field's neighbours.
        shared: the value is written once, in a table of this name, and its place here.
        unordered: order and repetition mean nothing in a tuple; it is written sorted, each once.
        appended: entries from before the field was added lack it.
        sparse: entries lack it where it is its default.
        apart: not a fact; the entry says it elsewhere, and the reader is given it.
    """

    name: str | None = None
    inline: bool = False
    shared: str | None = None
    unordered: bool = False
    appended: bool = False
    sparse: bool = False
    apart: bool = False


def fact(name: str | None = None, **how: Any) -> Mapping[str, Fact]:
    """The metadata of a field, as in ``field(metadata=fact("standing"))``; see ``Fact``.

    >>> dict(fact("standing"))["fact"].name
    'standing'
    """
    return MappingProxyType({"fact": Fact(name, **how)})


def encode(value: Any) -> dict[str, Json]:
    """Write a dataclass as facts.

    >>> from app.kernel.scope import Scope
    >>> encode(Scope(frozenset({"menu", "click"}), frozenset(), frozenset()))
    {'signals': ['click', 'menu'], 'purposes': [], 'apps': []}
    """
    form = _form(type(value))
    tables: Tables = {name: [] for name in form.tables}
    return {**form.write(value, tables), **tables}


def decode(cls: type[T], facts: object, **apart: Any) -> T:
    """Read what ``encode`` wrote.

    >>> from app.kernel.scope import Scope
    >>> decode(Scope, {"signals": ["click"], "purposes": [], "apps": []}).signals
    frozenset({'click'})

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

    >>> from app.kernel.scope import Scope
    >>> facts = {"person": "p_1", "signals": ["click"], "purposes": [], "apps": []}
    >>> decode_part(Scope, facts).signals
    frozenset({'click'})

    Raises:
        ValueError: as ``decode``; other facts are not looked at.
    """
    form, given = _form(cls), require_object(facts)
    tables = {name: table.read(given, {}) for name, table in form.tables.items()}
    return cls(**form.read(given, tables), **apart)


def require_only(facts: object, *classes: type, also: tuple[str, ...] = ()) -> None:
    """Refuse facts that belong to none of these classes.

    >>> from app.kernel.scope import Scope
    >>> require_only({"signals": [], "colour": "red"}, Scope)
    Traceback (most recent call last):
    ValueError: colour: is no fact of this kind

    Raises:
        ValueError: there is another fact; the message names it.
    """
    _require_known(require_object(facts), _names(classes, also))


def shapes_of(cls: type) -> tuple[str, ...]:
    """Each fact of a class with the tag of its shape; a nested object has its own.

    >>> from app.kernel.scope import Scope
    >>> shapes_of(Scope)[0]
    'signals: sorted list of text'
    """
    return tuple(_form(cls).described())


@dataclass(frozen=True)
class _Member:
    """A field of a class, and how it is written.

    Attributes:
        name: in the entry; empty where it is inlined.
        may_lack: entries can lack it, and are then read as the default.
        sparse: it is left out where it is this default.
        inlined: how the class is written whose facts are among those of its neighbours.
    """

    attribute: str
    name: str
    shape: Shape
    may_lack: bool = False
    sparse: bool = False
    default: Any = None
    inlined: "_Form | None" = None

    @property
    def described(self) -> str:
        marks = f"{', sparse' * self.sparse}{', appended' * self.may_lack}"
        return f"{self.name}: {self.shape.tag}{marks}"

    def leaves_out(self, value: Any) -> bool:
        """Whether a value of its own is told by not writing it."""
        return self.sparse and value == self.default

    def read(self, facts: Mapping[str, Any], tables: Tables) -> Any:
        if self.inlined is not None:
            return self.shape.read(facts, tables)
        try:
            value = self.shape.read(facts[self.name], tables)
        except KeyError as error:
            msg = f"{self.name}: is missing"
            raise ValueError(msg) from error
        except ValueError as error:
            msg = f"{self.name}: {error}"
            raise ValueError(msg) from error
        if self.leaves_out(value):
            msg = f"{self.name}: is written, though it is what holds without it"
            raise ValueError(msg)
        return value


@dataclass(frozen=True)
class _Form:
    """How a class is written: its members, and the tables that they share."""

    members: tuple[_Member, ...]
    tables: Mapping[str, _Member]

    @cached_property
    def names(self) -> frozenset[str]:
        inlined = (member.inlined.names for member in self.members if member.inlined)
        own = {member.name for member in self.members if not member.inlined}
        return frozenset(own | self.tables.keys()).union(*inlined)

    def described(self) -> Iterator[str]:
        for member in self.members:
            if member.inlined:
                yield from member.inlined.described()
            else:
                yield member.described

    def write(self, value: Any, tables: Tables) -> dict[str, Json]:
        facts: dict[str, Json] = {}
        for member in self.members:
            own = getattr(value, member.attribute)
            if not member.leaves_out(own):
                written = member.shape.write(own, tables)
                facts |= written if member.inlined else {member.name: written}
        return facts

    def read(self, facts: Mapping[str, Any], tables: Tables) -> dict[str, Any]:
        return {
            member.attribute: member.read(facts, tables)
            for member in self.members
            if not member.may_lack or member.name in facts
        }


def _form(cls: type) -> _Form:
    return _derived(cls)


@cache
def _derived(cls: type) -> _Form:
    if not is_dataclass(cls):
        raise TypeError(f"{cls.__name__} is no dataclass")
    hints, members = get_type_hints(cls), []
    tables: dict[str, _Member] = {}
    for field in fields(cls):
        how = field.metadata.get("fact", Fact())
        if not how.apart:
            _require_default(cls, field, how)
            members.append(_member(field, hints[field.name], how))
            tables |= _tables(hints[field.name], how)
    return _Form(tuple(members), MappingProxyType(tables))


def _require_default(cls: type, field: Field[Any], how: Fact) -> None:
    if how.sparse and field.default is MISSING:
        raise TypeError(f"{cls.__name__}.{field.name} is sparse and has no default (rule 2)")
    if how.appended and field.default is MISSING and field.default_factory is MISSING:
        raise TypeError(f"{cls.__name__}.{field.name} was appended and has no default (rule 2)")


def _member(field: Field[Any], hint: Any, how: Fact) -> _Member:
    attribute, name = field.name, how.name or field.name
    marks = (how.appended or how.sparse, how.sparse, field.default)
    if how.inline:
        return _Member(attribute, "", _object(hint, strict=False), inlined=_form(hint))
    if how.shared is None:
        shape = _shape(hint, unordered=how.unordered)
        return _Member(attribute, name, shape, *marks)
    inner, or_none = _without_none(hint)
    place = fact_shapes.shared(_shape(inner), how.shared)
    shape = fact_shapes.optional(place) if or_none else place
    return _Member(attribute, name, shape, *marks)


def _tables(hint: Any, how: Fact) -> dict[str, _Member]:
    """The tables that a field needs: its own, and those of the classes it holds."""
    if how.shared is not None:
        inner = _shape(_without_none(hint)[0])
        return {how.shared: _Member("", how.shared, fact_shapes.listed(inner, list))}
    tables: dict[str, _Member] = {}
    for held in (hint, *get_args(hint)):
        if isinstance(held, type) and is_dataclass(held):
            tables |= _form(held).tables
    return tables


def _shape(hint: Any, *, unordered: bool = False) -> Shape:
    """The shape of a type (rule 3)."""
    inner, or_none = _without_none(hint)
    if hint in PLAIN:
        return PLAIN[hint]
    if or_none:
        return fact_shapes.optional(_shape(inner, unordered=unordered))
    if get_origin(hint) is None and isinstance(hint, type):
        return _shape_of_class(hint)
    return _shape_of_generic(hint, unordered=unordered)


def _shape_of_generic(hint: Any, *, unordered: bool) -> Shape:
    origin, args = get_origin(hint), get_args(hint)
    if origin is Literal:
        return fact_shapes.one_of(args)
    if origin is frozenset:
        return fact_shapes.sorted_list(_shape(args[0]), frozenset)
    if origin is tuple and args[1:] == (...,):
        build = fact_shapes.sorted_list if unordered else fact_shapes.listed
        return build(_shape(args[0]), tuple)
    if isinstance(origin, type) and issubclass(origin, Mapping) and args[0] is str:
        return fact_shapes.mapped(_shape(args[1]))
    raise TypeError(f"{hint} has no written shape")


def _shape_of_class(cls: type) -> Shape:
    if issubclass(cls, StrEnum):
        return fact_shapes.code(cls)
    if is_dataclass(cls):
        return _object(cls, strict=True)
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        return fact_shapes.row(cls, tuple(_shape(hint) for hint in get_type_hints(cls).values()))
    raise TypeError(f"{cls.__name__} has no written shape")


def _object(cls: type, *, strict: bool) -> Shape:
    """A nested dataclass; ``strict``: in an object of its own, where nothing else may be."""
    form = _form(cls)

    def read(facts: Any, tables: Tables) -> Any:
        given = require_object(facts)
        if strict:
            _require_known(given, form.names)
        return cls(**form.read(given, tables))

    return Shape("object", form.write, read)


def _without_none(hint: Any) -> tuple[Any, bool]:
    """What a type is where it is not None, and whether it can be None."""
    if get_origin(hint) not in {Union, UnionType}:
        return hint, False
    rest = [arg for arg in get_args(hint) if arg is not NoneType]
    if len(rest) != 1:
        raise TypeError(f"{hint} has no written shape: it could be read as several types")
    return rest[0], True


@cache
def _names(classes: tuple[type, ...], also: tuple[str, ...]) -> frozenset[str]:
    return frozenset(also).union(*(_form(cls).names for cls in classes))


def _require_known(facts: Mapping[str, Any], known: frozenset[str]) -> None:
    if not known.issuperset(facts):
        unknown = sorted(facts.keys() - known)
        msg = f"{unknown[0]}: is no fact of this kind"
        raise ValueError(msg)
