"""A copy of the database from before an erasure is put back: the person is erased again."""

import shutil
from pathlib import Path

import pytest
from sqlalchemy import make_url

from app.audit.reading.service import ReadingService
from app.demo.custodians import sample_custodians
from app.kernel.errors import Unavailable
from app.wiring import Services, build, restore
from app.wiring.shipped import Shipped
from tests.architecture.test_every_change_is_an_entry import EMPLOYEE, Story
from tests.fakes import FakeClock
from tests.rights.test_erasure import NAMES, erase, read_private_key, sign_statement, traces


@pytest.mark.parametrize("sample", ["sqlite"], indirect=True)
def test_a_restored_copy_is_erased_again_once_two_agreed_to_go_on(
    sample: Services, clock: FakeClock, tmp_path: Path, shipped: Shipped
) -> None:
    folder = sample.settings.var / "custodians"
    settings = sample.settings.model_copy(update={"custodians": sample_custodians(folder)})
    sample.close()
    services = build(settings, clock=clock, shipped=shipped)
    with services.database.write() as tx:
        Story(services, tx).given()
    services.integrator.integrate()
    with services.database.read() as tx:
        person = services.directory.person(tx, EMPLOYEE)
    words = (person.id, person.name, person.email)
    services.close()
    file = Path(str(make_url(settings.database).database))
    shutil.copyfile(file, tmp_path / "yesterday")
    services = build(settings, clock=clock, shipped=shipped)
    erase(services, EMPLOYEE)
    services.close()
    shutil.copyfile(tmp_path / "yesterday", file)
    with pytest.raises(Unavailable) as caught:
        build(settings, clock=clock, shipped=shipped)
    assert caught.value.kind == "rolled_back"
    agree(*restore(settings, clock=clock, shipped=shipped), folder)
    services = build(settings, clock=clock, shipped=shipped)
    assert traces(services, *words) == []
    with services.database.read() as tx:
        assert ReadingService(services.log).counts_by_kind(tx)["subject.erased"] == 1
    services.close()
    raw = file.read_bytes()
    assert not any(word.encode() in raw for word in words)


def agree(services: Services, restored: object, folder: Path) -> None:
    note = restored.statement().encode()  # type: ignore[attr-defined]
    for name in NAMES:
        note = sign_statement(
            note, *read_private_key((folder / f"{name}.key").read_bytes())
        ).encode()
    restored.acknowledge(  # type: ignore[attr-defined]
        note, services.consent.end_all, services.clock.now()
    )
    services.close()
