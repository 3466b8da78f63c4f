"""A hand that wanders over the map, and what the browser then still holds: for a test, and with many more moves for `make soak`."""

from __future__ import annotations

import random
from dataclasses import dataclass

from playwright.sync_api import CDPSession, Page, sync_playwright

KEPT = 1.25
"""Memory after the moves over memory after the first few: above it something is kept that should go."""

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update")


@dataclass(frozen=True)
class Held:
    """What a page holds after everything that can go has gone: bytes of its scripts, and elements."""

    heap: int
    nodes: int


def settles(page: Page) -> None:
    """Wait until the map has rested and its numbers have come."""
    for pause in (350, 150):
        page.wait_for_timeout(pause)
        page.wait_for_function("() => irm.idle()")


def grows(page: Page, moves: int) -> tuple[Held, Held]:
    """Return what an open map holds after a few moves and after `moves` more; both times it shows the same view."""
    session, chance = page.context.new_cdp_session(page), random.Random(7)
    session.send("HeapProfiler.enable")
    wander(page, 12, chance)
    before = held(page, session)
    wander(page, moves, chance)
    return before, held(page, session)


def held(page: Page, session: CDPSession) -> Held:
    """Collect what can go and measure the rest."""
    for _ in range(3):
        session.send("HeapProfiler.collectGarbage")
    return Held(session.send("Runtime.getHeapUsage")["usedSize"], page.evaluate("document.querySelectorAll('*').length"))


def wander(page: Page, moves: int, chance: random.Random) -> None:
    """Move the map about as a hand would, now and then to another zoom, and come back."""
    for turn in range(moves):
        by = [chance.randint(-300, 300), chance.randint(-200, 200)]
        page.evaluate("(by) => { irm.map.fire('irm:hand'); irm.map.panBy(by, { animate: false }); }", by)
        if turn % 12 == 0:
            page.evaluate("(zoom) => { irm.map.setZoom(zoom, { animate: false }); }", chance.choice([8, 9.5, 11, 13]))
        page.wait_for_timeout(250 if turn % 4 == 0 else 20)
    page.evaluate("void irm.map.setView([30.2, 120.2], 9, { animate: false })")
    settles(page)


def wandered(site: str, moves: int = 500) -> tuple[Held, Held]:
    """Open the map of `site` in a browser of its own, wander, and return what it held before and after."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(site, wait_until="load")
        page.wait_for_function("() => irm.clusters?.().length > 0")
        found = grows(page, moves)
        browser.close()
    return found
