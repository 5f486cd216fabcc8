"""The log as others read it: tiles, bundles, proofs and checkpoints over HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from httpx2 import Response
from sqlalchemy import event
from starlette.testclient import TestClient

from app.audit.entries import store
from app.audit.entries.service import AuditService
from app.audit.growing.integrator import Integrator
from app.audit.reading import proofs, serving
from app.audit.reading.service import ReadingService
from app.audit.tree.checkpoint import open_checkpoint, parse_vkey, unb64
from app.audit.tree.merkle import (
    CompactRange,
    leaf_hash,
    root_at,
    verify_consistency,
    verify_inclusion,
)
from app.audit.tree.proof_file import parse_tlog_proof
from app.audit.tree.tiles import TILE_WIDTH, cut, nodes, tile_at, tiles_of
from app.db.engine import Database
from app.kernel.errors import NotFound
from app.main import create_app
from app.settings import Settings
from app.wiring import Services, build
from app.wiring.shipped import Shipped
from tests.audit import make
from tests.fakes import FakeClock
from tests.templates import Templates
from tests.web.visiting import visit

pytestmark = pytest.mark.slow

AUDITOR, EMPLOYEE = "E-0119", "E-0043"


def http_of(services: Services) -> TestClient:
    base = services.settings.base_url
    return TestClient(create_app(services), base_url=base, follow_redirects=False)


@pytest.fixture
def http(services: Services) -> TestClient:
    return http_of(services)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def few(
    request: pytest.FixtureRequest,
    templates: Templates,
    tmp_path_factory: pytest.TempPathFactory,
    shipped: Shipped,
) -> Iterator[tuple[TestClient, int]]:
    """A log of fewer entries than a tile has, and how many it has, for tests that only read."""
    folder = tmp_path_factory.mktemp("few")
    with templates.copy(request.param, "started", folder) as url:
        settings = Settings(var=folder / "var", database_url=url, demo=True)
        services = build(settings, clock=FakeClock(), shipped=shipped)
        yield http_of(services), fill(services, 1)
        services.close()


def fill(services: Services, count: int) -> int:
    """Let the log have at least so many entries; return how many it has."""
    with services.database.write() as tx:
        for number in range(count):
            services.log.append(tx, make.withdrawal(number), services.clock.now())
    services.integrator.integrate()
    with services.database.read() as tx:
        return services.log.size(tx)


def signed_size(http: TestClient) -> tuple[int, bytes]:
    key = parse_vkey(http.get("/log/key").text.strip())
    checkpoint = open_checkpoint(http.get("/log/checkpoint").content, key)
    return checkpoint.size, checkpoint.root


def test_the_tiles_of_the_checkpoint_are_all_there_and_lead_to_its_root(
    http: TestClient, services: Services
) -> None:
    fill(services, 600)
    size, root = signed_size(http)
    tiles = {}
    for tile in tiles_of(size):
        answer = http.get(f"/log/{tile.path}")
        assert answer.status_code == 200, tile.path
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert len(cut(answer.content)) == tile.width
        tiles[tile.level, tile.n] = answer.content
    assert root_at(size, nodes(lambda level, n: tiles[level, n])) == root


def test_a_tile_that_grew_is_still_served_as_it_was_published(
    http: TestClient, services: Services
) -> None:
    before = fill(services, 3)
    tile = tile_at(0, 0, before)
    assert tile is not None
    first = http.get(f"/log/{tile.path}")
    after = fill(services, 2)
    assert http.get(f"/log/{tile.path}").content == first.content
    grown = http.get(f"/log/tile/0/000.p/{after}")
    assert grown.content.startswith(first.content)


def test_a_width_that_was_never_published_is_not_served(
    http: TestClient, services: Services
) -> None:
    before = fill(services, 1)
    after = fill(services, 5)
    for width in range(before + 1, after):
        assert http.get(f"/log/tile/0/000.p/{width}").status_code == 404
    assert http.get(f"/log/tile/0/000.p/{after + 1}").status_code == 404
    assert http.get("/log/tile/0/000").status_code == 404
    assert http.get("/log/tile/0/001.p/1").status_code == 404
    assert http.get("/log/tile/1/000.p/1").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "00/000.p/{size}",
        "0/000.p/0{size}",
        "0/0000.p/{size}",
        "0/x000/000.p/{size}",
        "0/00%30.p/{size}",
        "%30/000.p/{size}",
        "0/000.p/{size}/",
        "0//000.p/{size}",
        "0/000.p%2F{size}",
        "0/000.p/{size}%0A",
        "-1/000.p/{size}",
        "64/000.p/{size}",
        "63/" + "x999/" * 30 + "999",
        "0/" + "x999/" * 6 + "999.p/1",
        "entries/000",
        "hashes/000",
        "",
    ],
)
def test_a_path_has_one_spelling_and_no_path_is_an_error(
    few: tuple[TestClient, int], path: str
) -> None:
    http, size = few
    assert size < TILE_WIDTH
    assert http.get(f"/log/tile/0/000.p/{size}").status_code == 200
    answer = http.get(f"/log/tile/{path.format(size=size)}")
    assert answer.status_code in ({303, 401} if "entries" in path else {404, 422})
    assert "immutable" not in answer.headers.get("cache-control", "")


def test_what_is_not_published_yet_is_not_served(
    database: Database, log: AuditService, integrator: Integrator, clock: FakeClock
) -> None:
    """The tree may be ahead of what is signed; nothing shows of that."""
    make.fill(database, log, integrator, clock, 255)
    with database.write() as tx:
        size = log.size(tx)
        for number in range(10):
            log.append(tx, make.withdrawal(number), clock.now())
    with database.write() as tx:
        integrator._integrate_batch(tx)
    with database.read() as tx:
        assert log.size(tx) == size + 10
        for path in ("tile/0/000", "tile/0/001.p/1", "tile/1/000.p/1"):
            with pytest.raises(NotFound):
                serving.hash_tile(tx, path)
        with pytest.raises(NotFound):
            serving.entry_bundle(tx, "tile/entries/000")
        with pytest.raises(NotFound):
            ReadingService(log).proof(tx, size)
        with pytest.raises(NotFound):
            proofs.consistency(tx, 1, size + 10)
        assert ReadingService(log).proof(tx, size - 1).size == size
    integrator.integrate()
    with database.read() as tx:
        assert len(serving.hash_tile(tx, "tile/0/000")) == 8192


# Bundles of entries ----------------------------------------------------------------------------


def entries_of(bundle: bytes) -> list[bytes]:
    found = []
    while bundle:
        end = 2 + int.from_bytes(bundle[:2])
        found.append(bundle[2:end])
        bundle = bundle[end:]
    return found


def test_an_auditor_reads_the_entries_behind_the_tiles_and_that_is_an_entry(
    sample: Services,
) -> None:
    services, http = sample, http_of(sample)
    auditor = visit(http, services, AUDITOR)
    size = fill(services, 290)
    rest = size - TILE_WIDTH
    hashes = []
    for name, width in (("000", TILE_WIDTH), (f"001.p/{rest}", rest)):
        answer = auditor.get(f"/log/tile/entries/{name}")
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["cache-control"] == "no-store"
        found = entries_of(answer.content)
        assert len(found) == width
        tile = http.get(f"/log/tile/0/{name}").content
        assert [leaf_hash(one) for one in found] == cut(tile)
        hashes += [leaf_hash(one) for one in found]
    services.integrator.integrate()
    with services.database.read() as tx:
        assert services.log.size(tx) == size + 2
        read = ReadingService(services.log).entry(tx, size + 1).leaf
    assert CompactRange().extend(hashes).size == size
    assert (read["kind"], read["facts"]["first"], read["facts"]["count"]) == ("log.read", 256, rest)
    for bad in ("002", "000.p/0", "0", "x000/000", "00%30", "001.p/255"):
        assert auditor.get(f"/log/tile/entries/{bad}").status_code == 404


def test_nobody_else_reads_entries(sample: Services) -> None:
    services, http = sample, http_of(sample)
    size = fill(services, 1)
    path = f"/log/tile/entries/000.p/{size}" if size < TILE_WIDTH else "/log/tile/entries/000"
    assert refused(http.get(path))
    assert refused(visit(http, services, EMPLOYEE).get(path))
    assert refused(http.get(path, headers={"Authorization": "Bearer x"}))


def refused(answer: Response) -> bool:
    leads_in = answer.headers.get("location", "").startswith("/sign-in")
    return answer.status_code in {401, 403} or leads_in


# Proofs ----------------------------------------------------------------------------------------


def test_a_proof_for_everybody_holds_and_says_nothing_of_the_entry(
    http: TestClient, services: Services
) -> None:
    size = fill(services, 20)
    key = parse_vkey(http.get("/log/key").text.strip())
    with services.database.read() as tx:
        raws = store.raw_entries(tx, 0, size)
    for index in (0, 7, size - 1):
        answer = http.get(f"/log/proof/inclusion/{index}")
        proof = parse_tlog_proof(answer.text)
        assert proof.extra is None
        signed = open_checkpoint(proof.checkpoint.encode(), key)
        leaf = leaf_hash(raws[index])
        verify_inclusion(proof.index, signed.size, leaf, proof.path, signed.root)
    for bad, status in ((size, 404), (2**53 - 1, 404), (2**53, 422), (-1, 422), ("x", 422)):
        assert http.get(f"/log/proof/inclusion/{bad}").status_code == status


def test_a_proof_against_an_earlier_checkpoint_is_given_while_that_was_published(
    http: TestClient, services: Services
) -> None:
    before = fill(services, 3)
    after = fill(services, 3)
    key = parse_vkey(http.get("/log/key").text.strip())
    proof = parse_tlog_proof(http.get(f"/log/proof/inclusion/1?size={before}").text)
    assert open_checkpoint(proof.checkpoint.encode(), key).size == before
    for size in (before + 1, after + 1):
        assert http.get(f"/log/proof/inclusion/1?size={size}").status_code == 404
    assert http.get(f"/log/proof/inclusion/{before}?size={before}").status_code == 404


def test_that_the_log_only_grew_can_be_asked(http: TestClient, services: Services) -> None:
    old, old_root = signed_size(http)
    fill(services, 40)
    new, new_root = signed_size(http)
    answer = http.get(f"/log/proof/consistency/{old}/{new}")
    body = answer.json()
    assert (body["old"], body["new"]) == (old, new)
    verify_consistency(old, new, old_root, new_root, [unb64(one) for one in body["proof"]])
    assert "immutable" in answer.headers["cache-control"]
    assert http.get(f"/log/proof/consistency/{new}/{new}").json()["proof"] == []
    for path, status in (
        (f"{new}/{old}", 404),
        (f"{old}/{new + 1}", 404),
        (f"0/{new}", 422),
        (f"{old}/{2**53}", 422),
    ):
        assert http.get(f"/log/proof/consistency/{path}").status_code == status


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_c: object, _cur: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


def test_a_proof_needs_as_many_reads_as_the_tree_has_rows_of_tiles(
    database: Database, log: AuditService, integrator: Integrator, clock: FakeClock
) -> None:
    """Two statements for each tile, two tiles for each level of tiles, whatever the size."""
    counts = {}
    for size in (300, 2_000):
        with database.read() as tx:
            have = log.size(tx)
        if have == 0:
            make.fill(database, log, integrator, clock, size)
        else:
            with database.write() as tx:
                for number in range(size - have):
                    log.append(tx, make.withdrawal(number), clock.now())
            integrator.integrate()
        with database.read() as tx:
            total = log.size(tx)
            for index in (0, total // 2, total - 1):
                with statements(database) as seen:
                    proofs.hashes_only(tx, index, None)
                counts[size, index] = len(seen)
            with statements(database) as seen:
                proofs.consistency(tx, total // 3, total)
            counts[size, "consistency"] = len(seen)
    assert max(counts.values()) <= 4 + 2 * 2 * 2, counts


# The policy and the witnesses ------------------------------------------------------------------


def test_without_witnesses_the_newest_checkpoint_is_served(
    http: TestClient, services: Services
) -> None:
    fill(services, 2)
    assert http.get("/log/checkpoint").text == http.get("/log/checkpoint.pending").text
    assert http.get("/log/policy").status_code == 404
    body = http.get("/log/witnesses").json()
    assert body["has_policy"] is False
    assert body["met"] is True
    assert body["witnesses"] == body["alarms"] == []
