"""Where the browser tests go: every page by who may see it, and ways to a page that has no fixed address."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import quote

NEED = "轴承套圈断了，想看断口形貌，预算3000元以内"


def search(need: str) -> str:
    """Return the address of the list for a need."""
    return f"/?need={quote(need)}"


def instrument(one) -> str:
    """Return the address of an instrument with free slots, reached from the list."""
    return one.goes(search(NEED)).locator(".res:not(:has-text('三周内没有空档')):not(:has-text('No free slot')) h3 a").nth(1).get_attribute("href")


def compared(one) -> str:
    """Return the address of the first two of a list side by side."""
    boxes = one.goes(search(NEED)).locator(".cmp input")
    return f"/compare?need={quote(NEED)}&i={boxes.nth(0).get_attribute('value')}&i={boxes.nth(1).get_attribute('value')}"


def checkout(one) -> str:
    """Return the address of the check-out of that instrument's first free slot."""
    page = one.goes(instrument(one))
    page.locator("[data-slot-needed]:visible").first.click()
    page.wait_for_url("**/checkout?**")
    return page.url.removeprefix(one.site)


def order(one) -> str:
    """Return the address of one's newest order."""
    return one.goes("/orders").locator("a[href^='/orders/']").first.get_attribute("href")


def handled(one) -> str:
    """Return the address of an order as its carrier sees it."""
    return one.goes("/carrier").locator("a[href^='/orders/']").first.get_attribute("href")


def paper(kind: str):
    """Return a way to the first paper of a kind in the queue."""
    return lambda one: one.goes("/desk").locator(f"a.qi[href*='kind={kind}']").first.get_attribute("href")


def linked(page: str, link: str):
    """Return a way from a page to the first of its links that begin with `link`; without such a link the page itself."""

    def way(one):
        found = one.goes(page).locator(f"main a[href^='{link}']")
        return found.first.get_attribute("href") if found.count() else page

    return way


MONTH = f"/finance/months/{datetime.now(UTC):%Y-%m}"

PAGES = {
    None: (
        "/",
        search(NEED),
        search("帮我看看"),
        search("量子引力波望远镜，只要宁波"),
        instrument,
        compared,
        "/carriers/1",
        "/about",
        "/policies",
        "/policies/yuhuan-2023",
        "/notices",
        linked("/notices", "/notices/"),
        "/needs",
        linked("/needs", "/needs/"),
        "/join",
        "/audit",
        "/login",
        "/api/v1/docs",
        "/nowhere",
    ),
    "enterprise": (
        search(NEED),
        instrument,
        checkout,
        "/checkout",
        "/vouchers",
        "/vouchers/apply",
        "/orders",
        order,
        f"/needs/new?need={quote(NEED)}",
        linked("/needs", "/needs/"),
        "/messages",
        "/organisation",
        "/account",
        "/me",
        "/desk",
    ),
    "carrier": ("/carrier", "/needs", "/carrier/listings/new", "/carrier/imports", "/carrier/income", handled),
    "reviewer": (
        paper("claim"),
        paper("application"),
        "/desk/joining",
        "/bureau/policies",
        "/cases/disputes",
        "/needs/desk",
        linked("/needs/desk", "/needs/"),
    ),
    "finance": ("/desk", "/finance", linked("/finance", "/finance/batches/"), "/budgets", linked("/budgets", "/budgets/"), MONTH),
    "auditor": ("/cases/vouchers", linked("/cases/vouchers", "/cases/vouchers/"), "/jobs"),
    "planner": ("/planner", "/planner?class=010100&method=gaussian&minutes=45&demand=enterprises&breaks=natural&speed=60"),
}
"""Log-in (None: nobody) → addresses, or ways to them. Errors and refusals are pages too."""


def addresses(one, who):
    """Yield the addresses of the pages of `who`, found on the way."""
    for way in PAGES[who]:
        yield way if isinstance(way, str) else way(one)


def expects(one, *numbers: int) -> None:
    """Forget the browser's own lines about answers with these statuses, which the test asked for on purpose."""
    one.complaints[:] = [line for line in one.complaints if not any(f"status of {number}" in line for number in numbers)]
