"""The documents of the published events in California are those that the service gives out."""

from app.wiring import Services
from tests.vectors import california
from tests.vectors.test_guard_vectors import FILES

PUBLISHED = FILES[california.FILE.stem]


def test_the_published_documents_are_compiled_from_the_files_of_today() -> None:
    anew = california.written(PUBLISHED)
    committed = california.FILE.read_text(encoding="utf-8")
    assert committed == anew, "out of date: make openapi, then look at the verdicts that change"


def test_the_service_tells_an_engineer_in_california_the_same(sample: Services) -> None:
    with sample.database.read() as tx:
        told, _ = sample.capture.told_in(tx, california.HOME, None, sample.clock.now())
    assert told.document == PUBLISHED["document"]
    assert told.counterparties == PUBLISHED["counterparties"]
    assert list(told.zones) == PUBLISHED["zones"]
    assert told.off == ()
