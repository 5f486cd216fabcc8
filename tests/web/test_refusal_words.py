"""Why an event was not captured, in the words that its person reads."""

from app.kernel.refusals import REPORTABLE
from app.web.words.refusal_words import REFUSED


def test_every_reason_of_a_report_has_words_and_no_words_are_left_over():
    assert set(REFUSED) == REPORTABLE


def test_no_two_reasons_of_a_report_read_the_same():
    assert len(set(REFUSED.values())) == len(REFUSED)


def test_the_words_for_a_reason_begin_a_row_and_show_no_code():
    for code, words in REFUSED.items():
        assert words[0].isupper(), code
        assert not words.endswith("."), code
        assert "_" not in words, code
