"""Opting out while everybody asks at once: each figure with its bound, next to a quiet run.

For each kind of database, over loopback and against a company that is prepared first:

1. ``habeas people import`` alone, and with ``--before`` that of another program, each on an
   instance of its own.
2. Nobody else asks: people withdraw and look at their page; then one client asks for decisions, and
   32 do, in turns.
3. Fifty times the normal load asks while the import runs. The normal load is ``NORMAL``, in
   connections, each of which asks again as soon as it is answered.

One machine does all of it: service, crowds, import and PostgreSQL share its cores. Ends with status
1 where a bound does not hold.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from bench.lanes.company import Sizes, prepared, write_people
from bench.lanes.crowd import Company, Errand, Heard
from bench.lanes.figures import Report, counted, load, waits
from bench.lanes.service import HABEAS, Place, import_of, place, server, serving

NORMAL: Mapping[str, int] = {"strangers": 1, "laptops": 2, "consumers": 1}
PEOPLE: Mapping[str, int] = {"readers": 2, "leavers": 1}
TIMES = 50
MANY = 32
IMPORTS_S = 1_200


@dataclass(frozen=True)
class Options:
    """What is measured.

    Attributes:
        sizes: of the company.
        imported: people in the file.
        seconds: of each part without import; the flood lasts that long at least.
        rounds: turns of one client and many.
        before: the ``habeas`` of another program, or None.
    """

    sizes: Sizes
    imported: int
    seconds: float
    rounds: int
    before: Path | None


class Crowd:
    """A process that asks, until it is to end."""

    def __init__(self, company: Company, connections: Mapping[str, int]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.lanes.crowd"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asdict(Errand(company, connections))) + "\n")
        self._process.stdin.flush()

    def end(self) -> dict[str, Heard]:
        """End it; what each kind heard."""
        said, _ = self._process.communicate()
        return {
            kind: Heard(**{**one, "statuses": Counter(one["statuses"])})
            for kind, one in json.loads(said).items()
        }


def heard_by(company: Company, connections: Mapping[str, int], seconds: float) -> dict[str, Heard]:
    """Let some ask for a while."""
    crowd = Crowd(company, connections)
    time.sleep(seconds)
    return crowd.end()


def imported(report: Report, at: Place, file: Path, habeas: Path = HABEAS) -> float:
    """How long an import takes, seconds."""
    began, verb = time.monotonic(), import_of(at, file, habeas)
    _, said = verb.communicate(timeout=IMPORTS_S)
    if verb.returncode:
        report.hold("an import", said.decode()[-500:], "is done", holds=False)
    return time.monotonic() - began


def imported_alone(report: Report, kind: str, url: str, file: Path, habeas: Path) -> float:
    """How long an import takes on an instance without a service, seconds."""
    with (
        tempfile.TemporaryDirectory() as folder,
        place(kind, url, Path(folder), habeas) as alone,
    ):
        return imported(report, alone, file, habeas)


def quiet(report: Report, company: Company, seconds: float) -> None:
    """Nobody but people."""
    first = replace(company, leavers=company.leavers[: len(company.leavers) // 5])
    heard = heard_by(first, PEOPLE, seconds)
    report.opting_out("alone: opting out", heard["leavers"])
    report.below_a_second("alone: /me", heard["readers"])


def decisions(report: Report, company: Company, options: Options) -> None:
    """One client, and many, in turns."""
    each_s = options.seconds / options.rounds
    turns = [
        [heard_by(company, {"consumers": many}, each_s)["consumers"] for many in (1, MANY)]
        for _ in range(options.rounds)
    ]
    one, many = (together(turn[which] for turn in turns) for which in (0, 1))
    ratio = statistics.median(rate(turn[1]) / rate(turn[0]) for turn in turns)
    report.say("decisions, one client", f"{rate(one):.0f} a second  {waits(one)}")
    report.hold(
        f"decisions, {MANY} clients",
        f"{rate(many):.0f} a second, {ratio:.2f} of one client's",
        "at least 0.90",
        ratio >= 0.9,
    )
    report.below_a_second(f"decisions, {MANY} clients, time", many)
    report.well_refused(f"decisions, {MANY} clients", many)


def flood(report: Report, company: Company, place: Place, file: Path, options: Options) -> float:
    """Everybody asks while people are imported; how long the import took, seconds."""
    later = replace(company, leavers=company.leavers[len(company.leavers) // 5 :])
    crowd = Crowd(company, {kind: TIMES * many for kind, many in NORMAL.items()})
    people = Crowd(later, PEOPLE)
    began = time.monotonic()
    took_s = imported(report, place, file) if options.imported else 0.0
    time.sleep(max(0.0, options.seconds - (time.monotonic() - began)))
    heard = people.end() | crowd.end()
    report.opting_out("flood: opting out", heard["leavers"])
    report.below_a_second("flood: /me", heard["readers"])
    for kind in ("readers", *NORMAL):
        report.say(f"flood: {kind}", f"{counted(heard[kind])}; {waits(heard[kind])}")
    return took_s


def imports(report: Report, kind: str, url: str, file: Path, options: Options) -> float:
    """Alone, and that of another program; the first, seconds."""
    alone = imported_alone(report, kind, url, file, HABEAS)
    report.say("import alone", f"{alone:.1f} s for {options.imported} people")
    if options.before is not None:
        before = imported_alone(report, kind, url, file, options.before)
        figure = f"{before:.1f} s; {alone / before:.2f} times that"
        report.hold("import by the program before", figure, "at most 1.30", alone <= 1.3 * before)
    return alone


def rate(heard: Heard) -> float:
    """Answers a second, refusals aside."""
    return heard.statuses["200"] / heard.lasted_s


def together(parts: Iterable[Heard]) -> Heard:
    """What was heard in several turns."""
    whole = Heard()
    for part in parts:
        whole.statuses += part.statuses
        whole.bare += part.bare
        whole.times += part.times
        whole.lasted_s += part.lasted_s
    return whole


def measure(kind: str, report: Report, folder: Path, options: Options) -> None:
    """All parts on one kind of database."""
    file = folder / "people.csv"
    write_people(file, options.imported)
    with server(kind) as url, place(kind, url, folder) as at:
        print(f"{kind}, {len(at.ports)} process(es), {options.sizes}; {load()}", flush=True)
        alone = imports(report, kind, url, file, options) if options.imported else 0.0
        company = prepared(at, options.sizes)
        with serving(at) as computed_s:
            quiet(report, company, options.seconds)
            decisions(report, company, options)
            began, before = time.monotonic(), computed_s()
            took = flood(report, company, at, file, options)
            part = (computed_s() - before) / (time.monotonic() - began)
            report.say("flood: the service computed", f"{part:.2f} seconds a second; {load()}")
        if alone:
            report.say("flood: import", f"{took:.1f} s, {took / alone:.2f} times alone")
    print(f"{kind} ends; {load()}")


def read_options(words: Sequence[str]) -> tuple[list[str], Options]:
    """Kinds of databases, and what is measured."""
    parser = argparse.ArgumentParser(prog="python -m bench.lanes", description=__doc__)
    parser.add_argument("kinds", nargs="*", default=["sqlite", "postgresql"])
    parser.add_argument("--imported", type=int, default=50_000, help="people in the file")
    parser.add_argument("--people", type=int, default=Sizes.people)
    parser.add_argument("--leavers", type=int, default=Sizes.leavers)
    parser.add_argument("--devices", type=int, default=Sizes.devices)
    parser.add_argument("--seconds", type=float, default=15.0, help="of each part")
    parser.add_argument("--rounds", type=int, default=3, help="turns of one client and many")
    parser.add_argument("--before", type=Path, help="another program's habeas, for its import")
    said = parser.parse_args(words)
    sizes = Sizes(said.people, said.leavers, said.devices)
    return said.kinds, Options(sizes, said.imported, said.seconds, said.rounds, said.before)


def main(words: Sequence[str]) -> int:
    """Measure and print; 1 where a bound does not hold."""
    kinds, options = read_options(words)
    normal = ", ".join(f"{many} of {kind}" for kind, many in NORMAL.items())
    print(f"normal load, in connections: {normal}; the flood is {TIMES} times that")
    report = Report()
    for kind in kinds:
        with tempfile.TemporaryDirectory() as folder:
            measure(kind, report, Path(folder), options)
    for missed in report.missed:
        print(f"missed: {missed}")
    return 1 if report.missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
