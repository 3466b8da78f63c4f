"""A firm posts its need from the search, two carriers answer, it compares and picks; and an officer brokers a need that is stuck. In a real browser."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import create_engine, text

from tests.journeys.test_accessibility import AXE, FAULTS, RULES
from tests.journeys.walks import expects

pytestmark = pytest.mark.browser

NEED = "金属断口形貌，判断疲劳还是过载，预算5000元以内"
CARRIERS = """
SELECT DISTINCT ON (u.login) u.login FROM instrument i JOIN instrument_type t ON t.id = i.type_id
JOIN listing l ON l.instrument_id = i.id AND l.state = 'open' JOIN organisation o ON o.id = i.organisation_id
JOIN membership m ON m.organisation_id = o.id AND m.role = 'carrier' JOIN app_user u ON u.id = m.user_id
LEFT JOIN carrier_entry e ON e.organisation_id = o.id
WHERE t.name_zh = '扫描电子显微镜' AND i.is_open AND i.status = 'working' AND i.open_days > 0 AND o.is_sample AND coalesce(e.state, 'open') = 'open'
ORDER BY u.login LIMIT 2
"""


def press(page, name):
    page.get_by_role("button", name=re.compile(name)).locator("visible=true").first.click()
    page.wait_for_load_state("load")


def is_clean(one):
    """Check that axe finds nothing and nothing scrolls sideways at both sizes."""
    for width in (1280, 360):
        one.page.set_viewport_size({"width": width, "height": 800})
        one.page.wait_for_timeout(60)
        assert one.page.evaluate("document.documentElement.scrollWidth") <= width, one.page.url
        one.page.evaluate(AXE.read_text())
        assert one.page.evaluate(FAULTS, RULES) == [], one.page.url


def posted(firm, need, visibility="public"):
    """Post a need as it comes from the search and return its address."""
    page = firm.goes(f"/needs/new?need={need}")
    is_clean(firm)
    page.locator(f"input[name=visibility][value={visibility}]").check()
    press(page, "发出需求|Post the need")
    page.wait_for_url(re.compile(r"/needs/\d+$"))
    return page.url.removeprefix(firm.site)


def answered(carrier, need, price):
    page = carrier.goes(f"{need}/answer")
    is_clean(carrier)
    page.locator("select[name=slot]").select_option(index=3)
    page.locator("input[name=price]").fill(price)
    press(page, "发出答复")
    assert "已答复" in page.locator("main").inner_text()


def test_a_firm_posts_two_carriers_answer_and_it_picks(person, world_url):
    firm, logins = person().logs_in("enterprise"), []
    need = posted(firm, NEED)
    assert "还没有答复" in firm.page.locator("main").inner_text()
    engine = create_engine(world_url)
    with engine.connect() as session:
        logins = list(session.scalars(text(CARRIERS)))
    for login, price in zip(logins, ("1200", "800"), strict=True):
        carrier = person("phone").logs_in(login)
        assert need in carrier.goes("/needs").content()
        answered(carrier, need, price)
    page = firm.goes("/needs")
    assert "2 份答复" in page.locator("main").inner_text()
    page = firm.goes(f"{need}/answers")
    is_clean(firm)
    assert page.get_by_role("link", name=re.compile("^选这家")).count() == 2
    page.get_by_role("link", name=re.compile("^选这家")).first.click()
    page.wait_for_url("**/pick?**")
    is_clean(firm)
    press(page, "^选定")
    page.wait_for_url(re.compile(r"/orders/\d+$"))
    assert "已接单" in page.locator("main").inner_text()
    loser = person("phone", language="en-GB").logs_in(logins[0])
    told = loser.goes("/messages").locator("main").inner_text()
    assert "XQ-" in told
    is_clean(loser)
    with engine.connect() as session:
        assert session.execute(text("SELECT * FROM invariant_need")).all() == []
    engine.dispose()


def test_an_officer_brokers_a_need_that_is_stuck(person):
    firm, officer = person().logs_in("enterprise"), person().logs_in("reviewer")
    need = posted(firm, "轴承断口形貌想找人看看", "private")
    page = officer.goes("/needs/desk")
    is_clean(officer)
    page.locator(f"a[href='{need}']").click()
    page.wait_for_url(f"**{need}")
    is_clean(officer)
    page.locator("input[name=carriers]").first.check()
    press(page, "请勾选的载体答复")
    assert "已经请过" in page.locator("main").inner_text()
    page.locator("textarea[name=words]").fill("请了附近的一家，最迟明天回。")
    press(page, "写给企业")
    assert "请了附近的一家" in firm.goes(need).locator("main").inner_text()
    assert "写了话" in firm.goes("/messages").locator("main").inner_text()
    stranger = person().logs_in("reviewer2")
    stranger.goes(need)
    assert "没有找到" in stranger.page.locator("body").inner_text()
    expects(stranger, 404)
