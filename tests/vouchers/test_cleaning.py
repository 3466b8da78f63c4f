"""Whatever bytes come, cleaning a file gives bytes or says that it is broken, and never keeps what tells of a person."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vouchers import papers
from vouchers.cleaning import JPEG, PDF, PNG, Broken, cleaned, kind_of

WHOLE = {JPEG: papers.jpeg(papers.form(1).resize((60, 40))), PNG: papers.png(papers.form(1).resize((60, 40))), PDF: papers.pdf(papers.form(1))}
EDITS = st.lists(st.tuples(st.integers(0, 10_000), st.binary(max_size=4)), max_size=6)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(WHOLE)), EDITS, st.integers(0, 20_000))
def test_a_damaged_file_is_cleaned_or_called_broken(mime, edits, length):
    content = bytearray(WHOLE[mime])
    for at, new in edits:
        content[at % len(content) : at % len(content) + len(new)] = new
    try:
        kept = cleaned(bytes(content[: max(length, 12)]), mime)
    except Broken:
        return
    assert len(kept) <= len(content) + 64


@pytest.mark.parametrize("mime", [JPEG, PNG])
def test_a_clean_picture_stays_as_it_is_and_cleaning_twice_changes_nothing(mime):
    once = cleaned(WHOLE[mime], mime)
    assert cleaned(once, mime) == once
    assert kind_of(once) == mime


def test_progressive_pictures_keep_all_their_scans():
    whole = papers.jpeg(papers.form(2), progressive=True)
    assert cleaned(whole, JPEG) == whole
