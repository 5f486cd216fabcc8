"""``make mutants``: whether the tests notice small faults.

``--check`` only looks whether every row fits the code. Names, or parts of them, choose rows.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.mutants.rows import Mutant, read_mutants, read_survivors, stale
from tests.mutants.run import LANES, Outcome, Result, run

CHECKOUT = Path(__file__).parents[2]
LINES_SHOWN = 12


def main() -> int:
    """Run what was asked for; 0 if everything is as it is listed."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only look whether rows fit the code")
    parser.add_argument("names", nargs="*", help="parts of the names or files of rows to run")
    asked = parser.parse_args()
    rows, survivors = read_mutants(), read_survivors()
    problems = stale(rows, survivors, CHECKOUT)
    for problem in problems:
        _say(f"stale: {problem}")
    if problems or asked.check:
        _say(f"{len(rows)} mutants, {len(problems)} stale")
        return 1 if problems else 0
    return _run([row for row in rows if _is_chosen(row, asked.names)], survivors)


def _is_chosen(row: Mutant, names: Sequence[str]) -> bool:
    return not names or any(name in row.name or name in row.file for name in names)


def _run(rows: Sequence[Mutant], survivors: dict[str, str]) -> int:
    begun, outcomes, faults, computed = time.monotonic(), Counter[Outcome](), 0, 0.0
    for result in run(rows, CHECKOUT):
        computed += result.seconds
        problem = _problem(result, survivors)
        if problem:
            faults += 1
            _say(problem)
        if result.job.mutant is not None:
            outcomes[result.outcome] += 1
    counts = ", ".join(f"{outcomes[outcome]} {outcome}" for outcome in Outcome)
    took = f"{time.monotonic() - begun:.0f} s, {computed:.0f} s of processor time in {LANES} lanes"
    _say(f"{len(rows)} mutants: {counts}; {faults} unexpected ({took})")
    return 1 if faults else 0


def _problem(result: Result, survivors: dict[str, str]) -> str | None:
    """What is not as it should be, in one paragraph."""
    end = "\n    ".join(result.output.splitlines()[-LINES_SHOWN:])
    row = result.job.mutant
    if row is None:
        if result.outcome is Outcome.SURVIVED:
            return None
        return f"without any fault: {' '.join(result.job.tests)}: {result.outcome}\n    {end}"
    if result.outcome is Outcome.BROKEN:
        return f"broken: {row.name} ({row.file})\n    {end}"
    survived = result.outcome is Outcome.SURVIVED
    if survived == (row.name in survivors):
        return None
    said = "survived" if survived else "killed, but listed as a survivor"
    return f"{said}: {row.name} ({row.file}), {result.seconds:.1f} s"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
