"""A whole service for tests that act as people do: the sample world in a database of its own, the real server, the real browser."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from sqlalchemy.orm import Session

from app.sample import load
from core.clock import business_date
from core.db import make_engine
from tests.conftest import ROOT, copied

expect.set_options(timeout=20_000)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIZES = {"desk": {"width": 1280, "height": 800}, "phone": {"width": 360, "height": 640}}


def today() -> date:
    """Return the business date, as the service sees it."""
    return business_date(datetime.now(UTC))


@contextmanager
def laid(server_url: str, template_url: str) -> Iterator[str]:
    """Yield a database with the sample world `small`, laid around today."""
    with copied(server_url, template_url) as url:
        engine = make_engine(url, role=None)
        with Session(engine, expire_on_commit=False) as session:
            load(session, "small", today())
            session.commit()
        engine.dispose()
        yield url


@contextmanager
def serving(url: str, folder: Path) -> Iterator[str]:
    """Yield the address of the service on that database, run as an operator runs it, on a free port of the loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = (folder / "log").open("w+")
    environ = {**os.environ, "DATABASE_URL": url, "PORT": str(port), "WORKERS": "1", "SAMPLE": "small"}
    server = subprocess.Popen([sys.executable, "-m", "app.cli.serve"], cwd=ROOT, env=environ, stdout=log, stderr=log)
    try:
        _await(f"http://127.0.0.1:{port}/readyz", server, Path(log.name))
        yield f"http://127.0.0.1:{port}"
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(20)
        log.close()


@pytest.fixture(scope="session")
def world_url(server_url: str, template_url: str) -> Iterator[str]:
    """Yield a sample world that the walks of one run share; a file that spends its vouchers takes one of its own."""
    with laid(server_url, template_url) as url:
        yield url


@pytest.fixture(scope="session")
def site(world_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of the service on that world."""
    with serving(world_url, tmp_path_factory.mktemp("site")) as address:
        yield address


def _await(url: str, server: subprocess.Popen, log: Path) -> None:
    for _ in range(240):
        try:
            if urllib.request.urlopen(url, timeout=5).status == 200:
                return
        except OSError:
            time.sleep(0.25)
        assert server.poll() is None, log.read_text()[-2000:]
    pytest.fail(f"the service did not get ready: {log.read_text()[-2000:]}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Yield the system's Chromium."""
    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield opened
        opened.close()


@dataclass
class Person:
    """Somebody at a browser: what was asked of other hosts and what the console complained of is kept, and must be nothing."""

    site: str
    context: BrowserContext
    page: Page
    outside: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def goes(self, path: str) -> Page:
        """Open a page of the site."""
        self.page.goto(self.site + path, wait_until="load")
        return self.page

    def logs_in(self, login: str) -> Person:
        """Log in as a demo person."""
        self.goes("/login")
        self.page.locator("input[name=login]").fill(login)
        self.page.locator("input[name=password]").fill("sample-world")
        self.page.locator("main button").last.click()
        self.page.wait_for_load_state("load")
        assert "/login" not in self.page.url, self.page.locator("main").inner_text()
        return self

    def is_content(self) -> None:
        """Check that nothing left the machine and the console stayed quiet."""
        assert self.outside == []
        assert self.complaints == []


@pytest.fixture
def person(site: str, browser: Browser) -> Iterator:
    """Give a maker of persons at a browser; all are checked at the end."""
    made: list[Person] = []

    def sit_down(size: str = "desk", *, language: str = "zh-CN") -> Person:
        context = browser.new_context(viewport=SIZES[size], locale=language, is_mobile=size == "phone", has_touch=size == "phone")
        found = Person(site, context, context.new_page())
        found.page.on("request", lambda r: found.outside.append(r.url) if not r.url.startswith((site, "data:", "blob:")) else None)
        found.page.on(
            "console", lambda m: found.complaints.append(m.text) if m.type == "error" and "409" not in m.text and "422" not in m.text else None
        )
        found.page.on("pageerror", lambda e: found.complaints.append(str(e)))
        made.append(found)
        return found

    yield sit_down
    for one in made:
        one.context.close()
    for one in made:
        one.is_content()
