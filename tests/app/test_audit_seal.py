"""What outsiders see of the seal: the public page, the file of roots, the API, the command line, the worker's two jobs."""

from __future__ import annotations

import json

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from app import create_app, sealing
from app.config import Settings
from core.actor import SYSTEM
from core.audit import record
from tests.app.conftest import make_settings
from vouchers import roots, seal


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("AUDIT_DIR", str(tmp_path))
    return tmp_path


def test_the_page_says_that_nothing_was_published_yet(web: FlaskClient) -> None:
    page = web.get("/audit")
    assert page.status_code == 200
    assert "还没有公布的根" in page.text
    assert web.get("/audit/roots.jsonl").data == b""
    assert web.get("/api/v1/audit/roots").get_json() == {"items": [], "next": None}


def test_what_is_sealed_is_published_everywhere_alike(committed_db, folder) -> None:
    with committed_db.session() as session:
        for number in (1, 2):
            record(session, SYSTEM, "test", number, "note")
            session.commit()
            assert sealing.due(session) == [number]
            assert sealing.seal_and_sign(session) == number
            session.commit()
            assert sealing.unwritten(session) == [number]
            assert sealing.write(session) == 1
        assert sealing.due(session) == sealing.unwritten(session) == []
        lines = sealing.file_of(session).read_text().splitlines()
    site = create_app(make_settings(), engine=committed_db.engine).test_client()
    assert site.get("/audit/roots.jsonl").text.splitlines() == lines
    assert all(one.is_signed() for one in roots.read(lines))
    first = site.get("/api/v1/audit/roots?limit=1").get_json()
    assert first["items"] == [json.loads(lines[0])]
    assert first["next"] == 1
    assert site.get("/api/v1/audit/roots?after=1").get_json() == {"items": [json.loads(lines[1])], "next": None}
    assert json.loads(lines[0])["head"] in site.get("/audit").text


def test_a_line_that_a_power_cut_left_half_written_is_written_again(committed_db, folder) -> None:
    with committed_db.session() as session:
        record(session, SYSTEM, "test", 1, "note")
        session.commit()
        sealing.seal_and_sign(session)
        session.commit()
        sealing.write(session)
        file = sealing.file_of(session)
        whole = file.read_text()
        file.write_text(whole[:40])
        assert sealing.unwritten(session) == [1]
        sealing.write(session)
        assert file.read_text() == whole


def test_the_command_verifies_names_what_is_wrong_and_says_so_by_its_exit_code(committed_db, folder) -> None:
    app = create_app(make_settings(), engine=committed_db.engine)
    with committed_db.session() as session:
        record(session, SYSTEM, "test", 1, "note")
        session.commit()
    run = app.test_cli_runner()
    assert run.invoke(args=["audit", "seal"]).exit_code == 0
    fine = run.invoke(args=["audit", "verify", "--json"])
    assert fine.exit_code == 0, fine.output
    assert json.loads(fine.output)["findings"] == []
    kept = folder / "kept.jsonl"
    line = json.loads(run.invoke(args=["audit", "roots"]).output)
    kept.write_text(json.dumps({**line, "block": 2}))
    cut = run.invoke(args=["audit", "verify", "--json", "--roots", str(kept)])
    assert cut.exit_code == 1
    assert {one["wrong"] for one in json.loads(cut.output)["findings"]} == {"signature"}
    kept.write_text("no root")
    assert run.invoke(args=["audit", "verify", "--roots", str(kept)]).exit_code == 1


def test_a_key_that_is_none_is_named(session: Session, folder, monkeypatch) -> None:
    (folder / "key").write_text("not hex")
    with pytest.raises(Exception, match="审计密钥文件"):
        sealing.signing_key(Settings.from_env({"DATABASE_URL": "postgresql://nobody@/nowhere", "AUDIT_DIR": str(folder)}))
    assert seal.due(session) == []
