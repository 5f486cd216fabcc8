"""``habeas people import`` of a file whose import stopped, typed again."""

from pathlib import Path

from app.audit.entries import erasure
from app.audit.entries.model import SYSTEM, Event, Kind
from app.directory.packs import read_people
from app.kernel.canonical import digest
from app.kernel.facts import encode
from app.rights import store
from app.rights.model import ErasureRecord
from app.wiring import Services
from tests import typed
from tests.cli.test_verbs import HEADER

LINES = [
    f"N-{number},New,n-{number}@example.com,DE,DE,DE/Beispiel Geräte GmbH,Law,E-0012,"
    for number in range(4)
]


def stopped(sample: Services, folder: Path) -> tuple[Path, str]:
    """A file of which one piece was imported, and the digest of its plan."""
    file = folder / "people.csv"
    file.write_text("\n".join([HEADER, *LINES]) + "\n", encoding="utf-8")
    data, now = file.read_bytes(), sample.clock.now()
    with sample.database.write() as tx:
        people = read_people(data, sample.policy.floors_at(tx, now))
        plan = sample.directory.plan(tx, people, digest(data), size=1)
        sample.directory.import_piece(tx, plan, plan.pieces[0], SYSTEM, now)
    return file, plan.digest


def erase(sample: Services, person_id: str) -> None:
    with sample.database.write() as tx:
        record = ErasureRecord(None, None, keys=1, bodies=0, again=True)
        event = Event(Kind.SUBJECT_ERASED, SYSTEM, encode(record), subjects=(person_id,))
        now = sample.clock.now()
        event_id = sample.log.append(tx, event, now)
        name = sample.log.pseudonym(tx, person_id)
        erasure.add(tx, erasure.Erasure(name, None, None, event_id, 1, 0, now))
        store.forget(tx, person_id, name)


def here(sample: Services) -> int:
    with sample.database.read() as tx:
        return sum(one.id.startswith("N-") for one in sample.directory.people(tx))


def test_after_an_erasure_the_rest_is_imported_only_by_its_own_digest(
    sample: Services, tmp_path: Path
) -> None:
    file, first = stopped(sample, tmp_path)
    erase(sample, "N-0")
    settings = {
        "HABEAS_DEMO": "1",
        "HABEAS_VAR": str(sample.settings.var),
        "HABEAS_DATABASE_URL": sample.settings.database_url,
    }
    again = typed.habeas("people", "import", file, settings=settings)
    assert again.returncode != 0
    assert "1 were erased, and the rest adds 4 people" in again.stderr
    old = typed.habeas("people", "import", file, "--plan", first, settings=settings)
    assert old.returncode != 0
    assert "the plan is now" in old.stderr
    assert here(sample) == 0

    dry = typed.habeas("people", "import", file, "--dry-run", settings=settings)
    assert f"It began with the plan {first}" in dry.stdout
    rest = dry.stdout.rsplit("Plan ", 1)[1].split(",", 1)[0]
    done = typed.habeas("people", "import", file, "--plan", rest, settings=settings)
    assert done.returncode == 0, done.stderr
    assert here(sample) == len(LINES)
