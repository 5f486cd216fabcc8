"""How the fields of a class add up to the facts of an entry (pure).

The rules are those of app/kernel/facts.py; the shapes of single values are in
app/kernel/fact_shapes.py.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from enum import StrEnum
from functools import cache, cached_property
from itertools import chain
from types import MappingProxyType, NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from app.kernel import fact_shapes
from app.kernel.canonical import Json
from app.kernel.fact_shapes import PLAIN, Shape, Table, Tables, require_object

_Error = TypeVar("_Error", TypeError, ValueError)


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


@dataclass(frozen=True)
class FactMember:
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
    inlined: "FactForm | None" = None

    @property
    def described(self) -> str:
        """Its name, and the tag of its shape."""
        marks = f"{', sparse' * self.sparse}{', appended' * self.may_lack}"
        return f"{self.name}: {self.shape.tag}{marks}"

    def leaves_out(self, value: Any) -> bool:
        """Whether a value of its own is told by not writing it."""
        return self.sparse and bool(value == self.default)

    def refuse_default(self, value: Any, tables: Tables) -> Any:
        """Read the value of a sparse field, which is not written where it is the default."""
        own = self.shape.read(value, tables)
        if self.leaves_out(own):
            msg = "is written, though it is what holds without it"
            raise ValueError(msg)
        return own


@dataclass(frozen=True)
class Column:
    """A table that several values share: the type of its rows, and how it is read."""

    hint: Any
    shape: Shape

    def read(self, name: str, facts: Mapping[str, Any]) -> Table:
        """Read its rows."""
        try:
            if name not in facts:
                _refuse_missing()
            return Table(self.shape.read(facts[name], {}))
        except ValueError as error:
            raise _named(name, error) from error


@dataclass(frozen=True)
class FactForm:
    """How a class is written: its members, and the tables that they share."""

    members: tuple[FactMember, ...]
    tables: Mapping[str, Column]

    @cached_property
    def own(self) -> tuple[str, ...]:
        """The names that are in the object of the value itself."""
        inlined = (member.inlined.own if member.inlined else () for member in self.members)
        own = (member.name for member in self.members if not member.inlined)
        return (*own, *chain.from_iterable(inlined))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """All names of an entry that is such a value."""
        return (*self.own, *self.tables)

    @cached_property
    def _readers(self) -> tuple[tuple[str, str, bool, Callable[[Any, Tables], Any]], ...]:
        """What reading needs of each member, looked up once: many entries are read."""
        return tuple(
            (
                member.attribute,
                member.name,
                member.may_lack,
                member.refuse_default if member.sparse else member.shape.read,
            )
            for member in self.members
        )

    def described(self) -> Iterator[str]:
        """Each fact with the tag of its shape."""
        for member in self.members:
            if member.inlined:
                yield from member.inlined.described()
            else:
                yield member.described

    def write(self, value: Any, tables: Tables) -> dict[str, Json]:
        """Write the facts of a value, and what it shares into the tables."""
        facts: dict[str, Json] = {}
        for member in self.members:
            own = getattr(value, member.attribute)
            try:
                written = member.shape.write(own, tables)
            except TypeError as error:
                raise _named(member.name, error) from error
            if not member.leaves_out(own):
                facts |= written if member.inlined else {member.name: written}
        return facts

    def read(self, facts: Mapping[str, Any], tables: Tables) -> dict[str, Any]:
        """Read the fields of a value."""
        values, name = {}, ""
        try:
            for attribute, name, may_lack, read in self._readers:
                if not name:  # inlined
                    values[attribute] = read(facts, tables)
                elif name in facts:
                    values[attribute] = read(facts[name], tables)
                elif not may_lack:
                    _refuse_missing()
        except ValueError as error:
            raise _named(name, error) from error
        return values


def _refuse_missing() -> None:
    msg = "is missing"
    raise ValueError(msg)


def _named(name: str, error: _Error) -> _Error:
    """An error that says in which field it is; an inlined field has no name of its own."""
    return type(error)(f"{name}: {error}") if name else error


_FORMS: dict[type, FactForm] = {}


def form_of(cls: type) -> FactForm:
    """How a class is written, derived when it is first used."""
    form = _FORMS.get(cls)
    if form is None:
        form = _FORMS[cls] = _derived(cls)
    return form


def used_classes() -> tuple[type, ...]:
    """Each class that was written or read in this process, and those that it holds."""
    return tuple(_FORMS)


def _derived(cls: type) -> FactForm:
    if not isinstance(cls, type) or not is_dataclass(cls):
        raise TypeError(f"{cls} is no dataclass")
    hints, members = get_type_hints(cls), []
    tables: dict[str, Column] = {}
    for field in fields(cls):
        how, hint = field.metadata.get("fact", Fact()), hints[field.name]
        if not how.apart:
            _require_readable(f"{cls.__name__}.{field.name}", field, how, hint)
            members.append(_member(field, hint, how))
            _add(tables, _tables(hint, how))
    form = FactForm(tuple(members), MappingProxyType(tables))
    _require_distinct(form.names, cls.__name__)
    return form


def _require_readable(name: str, field: Field[Any], how: Fact, hint: Any) -> None:
    """Refuse a field whose facts, or older ones without it, could not be read back."""
    if how.inline and how != Fact(inline=True):
        raise TypeError(f"{name} is inlined, and nothing else can be said of it")
    if how.shared is not None and how.unordered:
        raise TypeError(f"{name} is written by its place, which has no order")
    if how.shared is not None and _tables(hint, Fact()):
        raise TypeError(f"{name} shares what shares itself")
    if how.sparse and field.default is MISSING:
        raise TypeError(f"{name} is sparse and has no default (rule 2)")
    if how.appended and field.default is MISSING and field.default_factory is MISSING:
        raise TypeError(f"{name} was appended and has no default (rule 2)")
    if (how.appended or how.sparse) and _tables(hint, how):
        raise TypeError(f"{name} has a table, which entries without the field lack (rule 2)")


def _require_distinct(names: tuple[str, ...], owner: str) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise TypeError(f"{owner} writes two facts as {twice[0]}")


def _member(field: Field[Any], hint: Any, how: Fact) -> FactMember:
    attribute, name = field.name, how.name or field.name
    marks = (how.appended or how.sparse, how.sparse, field.default)
    if how.inline:
        return FactMember(attribute, "", _object(hint, strict=False), inlined=form_of(hint))
    if how.shared is None:
        return FactMember(attribute, name, _shape(hint, unordered=how.unordered), *marks)
    inner, or_none = _without_none(hint)
    place = fact_shapes.shared(_shape(inner), how.shared)
    shape = fact_shapes.optional(place) if or_none else place
    return FactMember(attribute, name, shape, *marks)


def _tables(hint: Any, how: Fact) -> dict[str, Column]:
    """The tables that a field needs: its own, and those of the classes it holds."""
    if how.shared is not None:
        inner = _without_none(hint)[0]
        return {how.shared: Column(inner, fact_shapes.table(_shape(inner)))}
    tables: dict[str, Column] = {}
    for held in _held(hint):
        _add(tables, form_of(held).tables)
    return tables


def _held(hint: Any) -> Iterator[type]:
    """The dataclasses in a type, however deep."""
    if isinstance(hint, type) and is_dataclass(hint):
        yield hint
    parts = get_type_hints(hint).values() if hasattr(hint, "_fields") else get_args(hint)
    for part in parts:
        yield from _held(part)


def _add(tables: dict[str, Column], more: Mapping[str, Column]) -> None:
    for name, column in more.items():
        if tables.setdefault(name, column).hint != column.hint:
            raise TypeError(f"the table {name} has rows of two types")


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
    form, own = form_of(cls), frozenset(form_of(cls).own)

    def write(value: Any, tables: Tables) -> dict[str, Json]:
        if type(value) is not cls:  # the fields of another class would be lost
            raise TypeError(f"{type(value).__name__} is no {cls.__name__}")
        return form.write(value, tables)

    def read(facts: Any, tables: Tables) -> Any:
        given = require_object(facts)
        if strict:
            require_known(given, own)
        return cls(**form.read(given, tables))

    return Shape("object", write, read)


def _without_none(hint: Any) -> tuple[Any, bool]:
    """What a type is where it is not None, and whether it can be None."""
    if get_origin(hint) not in {Union, UnionType}:
        return hint, False
    rest = [arg for arg in get_args(hint) if arg is not NoneType]
    if len(rest) != 1:
        raise TypeError(f"{hint} has no written shape: it could be read as several types")
    return rest[0], True


@cache
def names_of(classes: tuple[type, ...]) -> frozenset[str]:
    """The facts of an entry that is written from several classes.

    Raises:
        TypeError: two facts have one name.
    """
    names = tuple(name for cls in classes for name in form_of(cls).names)
    _require_distinct(names, " with ".join(cls.__name__ for cls in classes))
    return frozenset(names)


def require_known(facts: Mapping[str, Any], known: frozenset[str]) -> None:
    """Refuse a fact that is not known.

    Raises:
        ValueError: there is one; the message names it.
    """
    if not known.issuperset(facts):
        unknown = sorted(facts.keys() - known)
        msg = f"{unknown[0]}: is no fact of this kind"
        raise ValueError(msg)
