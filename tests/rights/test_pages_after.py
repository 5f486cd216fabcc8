"""Pages after an erasure: nobody's name, no dead link, and the erased person's own session over."""

from dataclasses import replace

from starlette.testclient import TestClient

from app.audit.entries.model import Kind
from app.audit.restore.custody import Custodians, sign_statement
from app.audit.tree.checkpoint import VerifierKey
from app.kernel.signing import LocalSigner
from app.rights.model import ErasureBasis
from app.wiring import Services
from tests import make
from tests.web.visiting import employ, text_of, visit

ANN, BEN, ALF = "E-1", "E-2", "E-3"


def erase(services: Services, person_id: str) -> None:
    keys = {name: LocalSigner.generate() for name in ("one", "two")}
    known = Custodians(tuple(VerifierKey(name, key.public) for name, key in keys.items()))
    rights = replace(services.rights, custodians=known)
    adopted, now = Kind.LOG_CUSTODIANS_ADOPTED, services.clock.now()
    with services.database.write() as tx:
        services.log.adopt(tx, adopted, "custodians", known.document, now)
        note = rights.statement(tx, person_id, ErasureBasis.GDPR_17_1_A).encode()
        for name, key in keys.items():
            note = sign_statement(note, name, key).encode()
        rights.erase(tx, person_id, ErasureBasis.GDPR_17_1_A, note, now)
    services.integrator.integrate()


def test_pages_show_nobody_where_somebody_was_erased(
    client: TestClient, services: Services
) -> None:
    employ(
        services,
        [
            make.person(ANN, "legal@GB", name="Ann Example"),
            make.person(BEN, "legal@GB", name="Ben Example"),
            make.person(ALF, "auditor", name="Alf Sample"),
        ],
    )
    ann, ben, alf = (visit(client, services, one) for one in (ANN, BEN, ALF))
    reason = "Ann Example says so"
    assert ann.post("/legal/stop", region="GB", reason=reason, sure="yes").status_code == 303
    assert ann.post("/legal/resume/GB/propose").status_code == 303
    assert reason in text_of(ben.get("/legal/stop"))
    with services.database.read() as tx:
        pseudonym = services.log.pseudonym(tx, ANN)
    erase(services, ANN)
    for path in ("/legal/stop", "/legal/regions/GB", "/legal"):
        shown = ben.get(path)
        assert shown.status_code == 200
        assert "Ann Example" not in text_of(shown)
    assert "somebody erased" in text_of(ben.get("/legal/stop"))
    assert ben.post("/legal/resume/GB/approve").status_code == 303
    assert ann.get("/me").status_code in {302, 303, 401}
    assert "Person erased" in text_of(alf.get("/auditor"))
    for side in ("about", "by"):
        answer = alf.get(f"/auditor?person={pseudonym}&side={side}")
        assert answer.status_code == 200
        assert "/auditor/entries/" in answer.text
    services.integrator.integrate()  # looking is an entry too
    with services.database.read() as tx:
        size = services.log.size(tx)
    for idx in range(max(0, size - 12), size):
        page = alf.get(f"/auditor/entries/{idx}")
        assert page.status_code == 200
        assert "Ann Example" not in page.text
