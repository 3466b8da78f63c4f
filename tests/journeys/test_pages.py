"""Pages that everybody may see, in a real browser at both sizes."""

import pytest

NEED = "/?need=%E6%96%AD%E5%8F%A3%E5%BD%A2%E8%B2%8C"
pytestmark = pytest.mark.browser


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_a_stranger_sees_ranked_carriers_with_reasons_on_list_and_map(person, size):
    page = person(size).goes(NEED)
    rows = page.locator(".res")
    assert rows.count() == 20
    assert page.locator(".res .why li").count() >= 20
    page.wait_for_selector(".pin, .clus")
