"""The tries stay ready: each of their edits fits the files of today. ``make tries`` runs them."""

import pytest

from tests.architecture.tries.every import TRIES
from tests.architecture.tries.tried import ROOT, Try


@pytest.mark.parametrize("each", TRIES, ids=lambda each: each.name)
def test_a_try_fits_the_code_and_touches_no_more_files_than_it_may(each: Try) -> None:
    assert [problem for edit in each.edits if (problem := edit.problem(ROOT))] == []
    assert len(each.files) <= each.most
    assert len(each.edits) > 1
