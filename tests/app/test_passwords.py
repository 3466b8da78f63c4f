"""Passwords: long enough, not common, any characters, never composed by rule."""

import pytest

from app.accounts import hash_password
from core.errors import Invalid


@pytest.mark.parametrize("good", ["a sentence of my own", "正确的马电池订书钉", "x" * 64, "        ", "ünïcödé!"])
def test_any_eight_characters_or_more_will_do(good):
    assert hash_password(good, "wang").startswith("$argon2id$")


@pytest.mark.parametrize("bad", ["short7!", "", "12345678", "PASSWORD", "wang.liming", "x" * 129])
def test_a_short_common_overlong_or_telling_password_is_refused(bad):
    with pytest.raises(Invalid) as refused:
        hash_password(bad, "wang.liming")
    assert refused.value.field == "password"
