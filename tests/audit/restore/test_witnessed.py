"""A witness refuses yesterday's copy."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from starlette.testclient import TestClient

from app.audit.entries.halt import Halt
from app.audit.tree.checkpoint import (
    VerifierKey,
)
from app.audit.tree.quorum import parse_policy
from app.audit.witnesses.asking import Witnesses
from app.kernel.errors import Unavailable
from app.wiring import Services
from app.witness.http import witness_app
from app.witness.service import Witness, open_witness
from tests.architecture.test_every_change_is_an_entry import start_session
from tests.audit import make
from tests.audit.cosigning import cosign_now
from tests.audit.restore.instance import Instance, consents, withdraws, write
from tests.fakes import FakeClock

pytestmark = pytest.mark.slow


@pytest.fixture
def witness(tmp_path: Path, clock: FakeClock) -> Iterator[Witness]:
    opened = open_witness(tmp_path / "witness", "council.example", clock)
    yield opened
    opened.database.engine.dispose()


def asking(witness: Witness, services: Services, key: VerifierKey) -> Witnesses:
    """What this log's process would ask, without its memory."""
    text = f"witness council {witness.vkey} http://council.localhost/\nquorum council\n"

    def answer(request: httpx2.Request) -> httpx2.Response:
        http = TestClient(witness_app(witness))
        answer = http.post(request.url.path, content=request.read())
        return httpx2.Response(answer.status_code, headers=answer.headers, content=answer.content)

    client = httpx2.Client(transport=httpx2.MockTransport(answer))
    policy = parse_policy(text.encode())
    return Witnesses(services.database, services.clock, key, policy, client)


def told(asked: Witnesses, services: Services) -> tuple[str | None, list[str]]:
    """What is wrong with the witness now, and every alarm so far."""
    with services.database.read() as tx:
        state = asked.state(tx)
    (seen,) = state.witnesses
    return seen.problem and seen.problem.code, [alarm.what for alarm in state.alarms]


def sign_without_a_lock_store(services: Services, clock: FakeClock, size: int) -> None:
    """What an operator can do who owns every file here: the log grows and signs all the same."""
    integrator = replace(services.integrator, lock=None, halt=Halt())
    log = replace(services.log, halt=integrator.halt)
    with services.database.write() as tx:
        for number in range(size - log.size(tx)):
            log.append(tx, make.decision(number), clock.now())
    integrator.integrate()


def test_a_witness_refuses_yesterdays_copy_that_is_signed_all_the_same(
    instance: Instance, witness: Witness
) -> None:
    """Only a new name, for which two people signed, is cosigned again."""
    services = instance.start()
    old = services.integrator.key
    witness.trust(old.vkey)
    write(services, consents)
    assert cosign_now(asking(witness, services, old))
    instance.back_up()
    services = instance.start()
    write(services, withdraws)
    for _ in range(3):
        write(services, start_session)
    assert cosign_now(asking(witness, services, old))
    (seen,) = witness.watched()
    assert seen.last is not None
    size = seen.last.checkpoint.size

    instance.put_back()
    with pytest.raises(Unavailable) as refused:
        instance.start()
    assert refused.value.kind == "rolled_back"
    # The service's own memory is thrown away, and then the service is not asked either.
    lock = instance.settings.lock_folder / "lock.sqlite"
    kept = lock.rename(instance.folder / "lock.kept")
    with pytest.raises(Unavailable) as refused:
        instance.start()
    assert refused.value.kind == "lock-lost"
    asked = asking(witness, services, old)
    sign_without_a_lock_store(services, instance.clock, size - 1)
    assert not cosign_now(asked)
    assert told(asked, services) == ("ahead", ["ahead"])
    sign_without_a_lock_store(services, instance.clock, size)
    assert not cosign_now(asked)
    assert not cosign_now(asked)  # told the size, it shows another root
    sign_without_a_lock_store(services, instance.clock, size + 3)
    assert not cosign_now(asked)
    problem, alarms = told(asked, services)
    assert problem == "contradicted"
    assert sorted(alarms) == ["ahead", "contradicted", "contradicted"]
    assert len(witness.evidence()) == 1
    assert witness.watched() == (seen,)

    services.close()
    instance.put_back()
    for file in instance.settings.lock_folder.glob("lock.sqlite*"):
        file.unlink()
    kept.rename(lock)
    services = instance.acknowledge()
    new = services.integrator.key
    asked = asking(witness, services, new)
    assert not cosign_now(asked)
    assert told(asked, services) == ("unknown_log", [])
    witness.trust(new.vkey)
    assert cosign_now(asked)
    assert told(asked, services) == (None, [])
    assert [one.origin for one in witness.watched()] == sorted((old.name, new.name))
