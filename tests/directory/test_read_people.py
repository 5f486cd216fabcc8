"""What a CSV file of people may say, and how it is told what is wrong with it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.directory import packs
from app.directory.model import Person
from app.directory.packs import COLUMNS, MAX_BYTES
from app.kernel.authority import Role
from app.kernel.errors import TooLarge, Unreadable

HEADER = ",".join(COLUMNS)
ADA = "ada,Ada Sample,Ada@Example.com,DE,DE-BY,DE/Sample Devices GmbH,Design,,"
FLOORS = frozenset({"GLOBAL", "EU", "DE", "US", "US-CA", "US-NY"})
BEN = "ben,Ben Sample,ben@example.com,US-NY,US-NY,US/Sample Devices Inc,Sales,ada,legal@DE;auditor"


def read_people(data: bytes) -> tuple[Person, ...]:
    return packs.read_people(data, FLOORS)


def file(*lines: str) -> bytes:
    return "\n".join((HEADER, *lines, "")).encode()


def faults(data: bytes) -> list[tuple[str, str]]:
    with pytest.raises(Unreadable) as caught:
        read_people(data)
    assert all(fault.cure for fault in caught.value.faults), "every fault tells its cure"
    return [(fault.field, fault.problem) for fault in caught.value.faults]


def test_people_are_read_in_the_order_of_the_file() -> None:
    ada, ben = read_people(file(ADA, BEN))
    assert (ada.id, ada.email, ada.manager, ada.roles) == ("ada", "ada@example.com", None, ())
    assert ada.regions == ("DE", "DE-BY")
    assert (ben.manager, ben.entity_region, ben.entity_name) == ("ada", "US", "Sample Devices Inc")
    assert set(ben.roles) == {Role("legal", "DE"), Role("auditor")}
    assert ben.functions == ("auditor", "legal")


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + file(ADA),
        file(ADA).replace(b"\n", b"\r\n"),
        file(ADA) + b"\n\n",
        file(ADA.replace("Ada Sample", '"Ada Sample"')),
        file(ADA.replace(",DE,", ", DE ,")),
    ],
    ids=["byte order mark", "CRLF", "empty lines at the end", "quoted field", "spaces around"],
)
def test_what_spreadsheets_write_is_read(data: bytes) -> None:
    assert read_people(data) == read_people(file(ADA))


WRONG_FIELDS = {
    "an empty name": (ADA.replace("Ada Sample", " "), "name", "empty"),
    "an empty id": (ADA.replace("ada,", ",", 1), "id", "empty"),
    "an empty region": (ADA.replace(",DE,", ",,"), "region", "empty"),
    "a region in lower case": (
        ADA.replace(",DE,", ",de,"),
        "region",
        "'de' is not written as ISO 3166",
    ),
    "a region by name": (
        ADA.replace(",DE,", ",Germany,"),
        "region",
        "'Germany' is no code of ISO 3166",
    ),
    "a place that is no region": (ADA.replace("DE-BY", "BY!"), "place_of_work", "no code of ISO"),
    "an id with a space": (ADA.replace("ada,", "a da,", 1), "id", "'a da' is not an id"),
    "an id that climbs folders": (ADA.replace("ada,", "../a,", 1), "id", "'../a' is not an id"),
    "an address without @": (ADA.replace("@", " at "), "email", "is no address"),
    "an entity without its region": (ADA.replace("DE/", ""), "entity", "does not name region"),
    "an entity without its name": (ADA.replace("/Sample Devices GmbH", "/ "), "entity", "name"),
    "an unknown role": (ADA + "boss", "roles", "'boss' is not a role"),
    "legal without a region": (ADA + "legal", "roles", "needs a region"),
    "a role in a bad region": (ADA + "legal@Bavaria", "roles", "'Bavaria' is not a region"),
    "a role twice": (ADA + "auditor;auditor", "roles", "auditor is given twice"),
    "a name over the limit": (ADA.replace("Ada Sample", "A" * 201), "name", "too long"),
    "a name with a bell": (ADA.replace("Ada Sample", "Ada\x07"), "name", "control character"),
    "a name read backwards": (ADA.replace("Ada Sample", "\u202eadA"), "name", "control character"),
    "a line break in a name": (ADA.replace("Ada Sample", '"A\nS"'), "name", "control character"),
    "one's own manager": (ADA[:-1] + "ada,", "manager", "report to themselves"),
}


@pytest.mark.parametrize(
    ("line", "column", "problem"), WRONG_FIELDS.values(), ids=WRONG_FIELDS.keys()
)
def test_a_wrong_field_is_named_by_line_and_column(line: str, column: str, problem: str) -> None:
    found = faults(file(line))
    assert [field for field, _ in found] == [f"line 2, column {column}"]
    assert problem in found[0][1]


WIDE = {
    "everywhere": ("GLOBAL", "wider than a country", "such as DE or US-CA"),
    "a union": ("EU", "wider than a country", "such as DE or US-CA"),
    "an area": ("EEA", "wider than a country", "such as DE or US-CA"),
    "a country whose parts differ": ("US", "whose law holds", "US-CA (California), US-NY (New"),
    "a code that is usual": ("UK", "not written as", "Write GB."),
    "a part that is not there": ("US-ZZ", "no part of United States", "such as DE or US-CA"),
    "lower case": ("us-ny", "not written as", "Write US-NY."),
}


@pytest.mark.parametrize("column", ["region", "place_of_work"])
@pytest.mark.parametrize(("code", "problem", "cure"), WIDE.values(), ids=WIDE)
def test_nobody_lives_or_works_where_nobody_can(
    column: str, code: str, problem: str, cure: str
) -> None:
    fields = BEN.split(",")
    fields[COLUMNS.index(column)] = code
    with pytest.raises(Unreadable) as caught:
        read_people(file(ADA, ",".join(fields)))
    (fault,) = caught.value.faults
    assert fault.field == f"line 3, column {column}"
    assert problem in fault.problem
    assert cure in str(fault.cure)


@pytest.mark.parametrize("code", ["GLOBAL", "EU", "EEA", "UK", "US-ZZ"])
def test_no_company_is_established_where_no_country_is(code: str) -> None:
    assert [field for field, _ in faults(file(BEN.replace("US/", f"{code}/")))] == [
        "line 2, column entity"
    ]


def test_what_is_a_home_follows_from_the_floors() -> None:
    home = ADA.replace(",DE,", ",ES,")
    assert packs.read_people(file(home), frozenset({"ES"}))[0].region == "ES"
    with pytest.raises(Unreadable) as caught:
        packs.read_people(file(home), frozenset({"ES", "ES-CT"}))
    assert "ES-CT (" in str(caught.value.faults[0].cure)


@pytest.mark.parametrize(("code", "part"), [("US", "US-A"), ("CA", "CA-A"), ("AU", "AU-A")])
def test_a_country_of_states_is_no_home_also_where_no_floor_describes_one(
    code: str, part: str
) -> None:
    home = ADA.replace(",DE,", f",{code},")
    for floors in (frozenset({code}), frozenset()):
        with pytest.raises(Unreadable) as caught:
            packs.read_people(file(home), floors)
        assert part in str(caught.value.faults[0].cure)


def test_all_faults_of_the_file_are_told_at_once_in_its_order() -> None:
    data = file(ADA.replace(",DE,", ",Germany,") + "boss", BEN, "too,few", BEN)
    assert [field for field, _ in faults(data)] == [
        "line 2, column region",
        "line 2, column roles",
        "line 4",
        "line 5, column id",
        "line 5, column email",
    ]


def test_a_repeated_id_or_address_names_the_first_line() -> None:
    other = BEN.replace("ben,", "cem,", 1).replace("ben@example.com", "BEN@example.com")
    assert faults(file(ADA, BEN, other)) == [
        ("line 4, column email", "'ben@example.com' stands already in line 3")
    ]


def test_a_circle_of_managers_is_refused_in_each_of_its_lines_and_no_other() -> None:
    lines = [
        ADA.replace("ada", name).replace("Ada@", f"{name}@").replace("Design,", f"Design,{above}")
        for name, above in (("ada", "cem"), ("ben", "ada"), ("cem", "ben"), ("dan", "ada"))
    ]
    assert [field for field, _ in faults(file(*lines))] == [
        f"line {number}, column manager" for number in (2, 3, 4)
    ]


def test_a_record_over_several_lines_does_not_shift_the_numbers() -> None:
    two_lines = ADA.replace("Design", '"De\nsign"')
    found = faults(file(two_lines, BEN + ";boss"))
    assert [field for field, _ in found] == ["line 2, column department", "line 4, column roles"]


def test_an_unknown_missing_or_doubled_column_is_named() -> None:
    header = HEADER.replace("manager", "boss").replace("department", "name").encode()
    assert faults(header + b"\n") == [
        ("line 1, column boss", "unknown"),
        ("line 1, column department", "missing"),
        ("line 1, column manager", "missing"),
        ("line 1, column name", "given twice"),
    ]


def test_columns_in_another_order_are_refused() -> None:
    header = ",".join(reversed(COLUMNS)).encode()
    assert faults(header + b"\n") == [("line 1", "the columns stand in another order")]


@pytest.mark.parametrize(
    ("data", "field", "problem"),
    [
        (b"", "line 1, column id", "missing"),
        (HEADER.encode(), "line 2", "the file names nobody"),
        (file(ADA) + b"\x00", "line 3", "a NUL byte"),
        (file(ADA).decode().encode("utf-16"), "line 1", "a NUL byte"),
        (file(ADA).replace(b"Ada S", b"\xc4d S"), "line 2", "not UTF-8"),
        (file(ADA, 'ben,"Ben'), "line 3", "not CSV"),
        (file(ADA, 'ben,"Ben" x,'), "line 3", "not CSV"),
    ],
    ids=["empty", "header only", "NUL", "UTF-16", "Latin-1", "open quote", "text after a quote"],
)
def test_bytes_that_are_no_csv_are_refused(data: bytes, field: str, problem: str) -> None:
    found = faults(data)
    assert found[0][0] == field
    assert problem in found[0][1]


def test_a_hundred_faults_are_listed_and_the_rest_counted() -> None:
    with pytest.raises(Unreadable, match=r"has 250 faults, .* first 100 are listed and 150 more"):
        read_people(file(*(["x"] * 250)))


def test_more_than_ten_megabytes_are_not_read() -> None:
    with pytest.raises(TooLarge):
        read_people(b"x" * (MAX_BYTES + 1))


@given(st.binary(max_size=300))
def test_any_bytes_are_people_or_a_told_fault(noise: bytes) -> None:
    for data in (noise, file(ADA) + noise):
        try:
            people = read_people(data)
        except Unreadable as refused:
            people = ()
            told = refused.faults
        else:
            told = ()
        assert bool(people) != bool(told)


def test_who_has_left_is_said_in_a_last_column() -> None:
    ada, ben = read_people(file(f"{ADA},", f"{BEN},yes").replace(b",roles\n", b",roles,left\n", 1))
    assert (ada.active, ben.active) == (True, False)
    assert all(one.active for one in read_people(file(ADA, BEN)))


def test_what_is_neither_yes_nor_nothing_in_the_last_column_is_named() -> None:
    with pytest.raises(Unreadable) as caught:
        read_people(file(f"{ADA},no").replace(b",roles\n", b",roles,left\n", 1))
    assert caught.value.faults[0].field == "line 2, column left"
