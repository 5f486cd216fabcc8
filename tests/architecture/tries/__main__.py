"""``python -m tests.architecture.tries``: apply each try, then forget each of its edits in turn."""

import os
import sys
import tempfile
import time
from pathlib import Path

from tests.architecture.tries.every import TRIES
from tests.architecture.tries.tried import Try, copy_checkout, names, run_tests
from tests.vectors.folder import FOLDER

RELEASE = "tests/vectors/test_release_0_1.py"


def attempt(each: Try) -> list[str]:
    """What did not hold in one try."""
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        copy_checkout(root)
        each.in_copy(root)
        passed, output = run_tests(root, (*each.guards, *each.whole, RELEASE))
        if not passed:
            wrong.append(f"with every edit the tests fail:\n{output[-3_000:]}")
    for edit in each.edits[1:]:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            copy_checkout(root)
            each.in_copy(root, leave_out=edit)
            passed, output = run_tests(root, each.guards)
            if passed:
                wrong.append(f"{edit.place} was forgotten and nothing failed")
            elif not names(output, edit.place):
                wrong.append(
                    f"{edit.place} was forgotten and no failure names it:\n{output[-3_000:]}"
                )
    return wrong


def main() -> int:
    """Run every try, or those named as arguments; 1 where one does not hold."""
    os.environ["HABEAS_VECTORS"] = str(FOLDER)
    chosen = [each for each in TRIES if not sys.argv[1:] or each.name in sys.argv[1:]]
    failed = 0
    for each in chosen:
        start = time.monotonic()
        wrong = attempt(each)
        failed += bool(wrong)
        outcome = "does not hold" if wrong else "holds"
        print(f"{each.name}: {outcome}, {len(each.files)} files of at most {each.most}, "
              f"{time.monotonic() - start:.0f} s")  # fmt: skip
        for file in each.files:
            print(f"    {file}")
        for problem in wrong:
            print(f"  {problem}")
    return 1 if failed or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
