"""The fields of the auditor's forms, read from a query or a form into a search."""

from typing import Annotated

from fastapi import Depends, Form, Query

from app.audit.reading.search import Search

Asked = Annotated[str, Query(max_length=200)]
Typed = Annotated[str, Form(max_length=200)]
Reason = Annotated[str, Form(max_length=2_000)]


def _search(
    kind: Asked = "",
    person: Asked = "",
    side: Asked = "about",
    purpose: Asked = "",
    outcome: Asked = "",
    region: Asked = "",
    since: Asked = "",
    until: Asked = "",
    before: Asked = "",
    after: Asked = "",
) -> Search:
    typed = (kind, person, side, purpose, outcome, region, since, until, before, after)
    return Search(*(field.strip() for field in typed))


def _days(since: Asked = "", until: Asked = "") -> Search:
    return Search(since=since.strip(), until=until.strip())


def _chosen(
    kind: Asked = "",
    person: Asked = "",
    side: Asked = "about",
    purpose: Asked = "",
    outcome: Asked = "",
    region: Asked = "",
    since: Asked = "",
    until: Asked = "",
) -> Search:
    return _search(kind, person, side, purpose, outcome, region, since, until)


def _choice(
    kind: Typed = "",
    person: Typed = "",
    purpose: Typed = "",
    region: Typed = "",
    since: Typed = "",
    until: Typed = "",
) -> Search:
    return Search(
        kind=kind.strip(),
        person=person.strip(),
        purpose=purpose.strip(),
        region=region.strip(),
        since=since.strip(),
        until=until.strip(),
    )


AskedSearch = Annotated[Search, Depends(_search)]
"""All fields of a search."""

AskedDays = Annotated[Search, Depends(_days)]
"""A time alone."""

AskedChoice = Annotated[Search, Depends(_chosen)]
"""What an export is to choose by, from the query; what it cannot choose by is answered so."""

TypedChoice = Annotated[Search, Depends(_choice)]
"""The same from a form."""
