"""An application that joins the transaction of the test, browsers for it, and persons in every role."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask import request
from flask.testing import FlaskClient
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from app import create_app
from app.access import ACCESS, Rule
from app.accounts import Membership, User, add_membership, add_user, issue_token
from app.config import Settings
from app.wiring import Application
from tests import factories

PASSWORD = "correct horse battery"
REGION = "331083"


def make_settings(**changes: str) -> Settings:
    """Return settings for a test; nothing is read from the environment, and no private cluster is asked for."""
    return Settings.from_env({"DATABASE_URL": "postgresql://nobody@/nowhere", "SECRET_KEY": "k" * 40, **changes})


@pytest.fixture
def app(connection: Connection) -> Application:
    return create_app(make_settings(), engine=connection)


@pytest.fixture
def web(app: Application) -> FlaskClient:
    return app.test_client()


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.at = datetime.fromisoformat("2026-11-24T10:12+08:00")

    def __call__(self) -> datetime:
        return self.at

    def passes(self, **time: float) -> None:
        self.at += timedelta(**time)


@pytest.fixture
def clock(app: Application) -> Clock:
    app.extensions["clock"] = Clock()
    return app.extensions["clock"]


@pytest.fixture
def person(session: Session) -> Callable[..., tuple[User, Membership]]:
    """Make a person with a password in a role of a new organisation."""

    def make(role: str, login: str | None = None, **columns: object) -> tuple[User, Membership]:
        kind = {"enterprise": {}, "carrier": {"kind": "carrier", "carrier_kind": "platform"}}.get(role, {"kind": "authority"})
        organisation = factories.organisation(session, **kind, **columns)
        user = add_user(session, login or f"{role}-{organisation.id}", name=f"示例{role}", password=PASSWORD, is_sample=True)
        region = None if role in {"enterprise", "carrier"} else REGION
        membership = add_membership(session, user, organisation_id=organisation.id, role=role, region=region)
        session.commit()
        return user, membership

    return make


@pytest.fixture
def bearer(session: Session, person: Callable) -> Callable[[str], dict[str, str]]:
    """Give the headers of a new person in a role."""

    def headers(role: str) -> dict[str, str]:
        token = issue_token(session, person(role)[1])
        session.commit()
        return {"Authorization": f"Bearer {token}"}

    return headers


def csrf(web: FlaskClient, page: str = "/login") -> str:
    """Return the form token that a page shows."""
    return re.search(r'name="csrf_token" value="([^"]+)"', web.get(page).get_data(as_text=True))[1]


def log_in(web: FlaskClient, login: str, password: str = PASSWORD, **more: str):
    """Fill in the log-in form."""
    return web.post("/login", data={"login": login, "password": password, "csrf_token": csrf(web), **more})


@pytest.fixture
def probe_write(app: Application, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Add a call that notes the JSON it got, open to enterprises; return its notes."""
    notes: list[object] = []

    def write() -> dict[str, str]:
        notes.append(request.get_json())
        return {"done": "yes"}

    monkeypatch.setitem(ACCESS, "probe.write", Rule(("enterprise",), "own", "试写。"))
    app.add_url_rule("/api/probe-write", endpoint="probe.write", view_func=write, methods=["POST"])
    return notes
