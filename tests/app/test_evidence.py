"""Files in the pages and the API: handed in with a form, kept when another field is wrong, seen by those of the case and nobody else."""

from __future__ import annotations

import io
import re

import pytest
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from app import create_app
from tests import factories as make
from tests.app.conftest import make_settings
from tests.app.desks import TODAY, Desks, error_at, notes, said
from tests.vouchers import papers
from vouchers.files import EvidenceFile

SCAN = papers.png(papers.form(1))
PDF = papers.pdf(papers.form(2), papers.form(3))


@pytest.fixture
def desks(session, connection, tmp_path):
    return scene(session, connection, tmp_path)


@pytest.fixture
def real(committed_db, tmp_path):
    """The same with real commits: what was kept outlives the refusal of the form that it came with."""
    with committed_db.session() as session:
        yield scene(session, committed_db.engine, tmp_path)


def scene(session, engine, folder):
    app = create_app(make_settings(DATA_DIR=str(folder / "data"), EVIDENCE_MB="1"), engine=engine)
    app.extensions["clock"] = lambda: make.at(session, "2026-11-24T10:12+08:00")
    found = Desks(session, app)
    found.enrol("other", "enterprise", make.enterprise(session))
    make.region(session, "330522")
    make.region(session, "331000")
    found.enrol("elsewhere", "reviewer", found.bureau, region="330522")
    found.enrol("auditor", "auditor", found.bureau, region="331000")
    return found


def hand_in(desks, path, data, by, **files):
    fields = {"request_id": f"request-{make.key()}", **data}
    fields |= {name: FileStorage(io.BytesIO(content), "x.exe", content_type="text/html") for name, content in files.items()}
    boundary, body = encode_multipart(fields)
    return desks.webs[by].post(path, data=body, headers=desks.headers[by], content_type=f"multipart/form-data; boundary={boundary}")


def contracted(desks, nth=0):
    number = desks.order(nth)
    desks.step(number, "accept", "carrier")
    return number


def report(number):
    return {"report_number": f"示例-报告-{number}", "report_date": TODAY}


def file_of(desks, number):
    return desks.one("SELECT file_id FROM evidence WHERE reference = :of AND file_id IS NOT NULL", of=f"order:{number}")


def test_a_report_comes_with_its_file_and_both_parties_and_the_bureau_see_it(desks):
    number = contracted(desks)
    assert hand_in(desks, f"/orders/{number}/deliver", report(number), "carrier", service_result_file=PDF).status_code == 303
    found = file_of(desks, number)
    for who in ("carrier", "enterprise", "reviewer", "finance", "auditor"):
        page = desks.get(f"/files/{found}", by=who)
        assert page.status_code == 200
        assert "未扫描" in said(page)
        assert page.get_data(as_text=True).count('class="paper"') == 2
    for who in ("other", "elsewhere"):
        for path in (f"/files/{found}", f"/files/{found}/download", f"/files/{found}/pages/1.png", f"/api/v1/files/{found}"):
            assert desks.get(path, by=who).status_code == 404
    assert "看文件" in said(desks.get(f"/orders/{number}"))


def test_the_file_itself_leaves_as_an_attachment_that_may_do_nothing(desks):
    number = contracted(desks)
    hand_in(desks, f"/orders/{number}/deliver", report(number), "carrier", service_result_file=PDF)
    found = file_of(desks, number)
    answer = desks.get(f"/files/{found}/download")
    assert answer.data == PDF
    assert answer.headers["Content-Disposition"] == f'attachment; filename="evidence-{found}.pdf"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox; frame-ancestors 'none'"
    drawn = desks.get(f"/files/{found}/pages/2.png")
    assert (drawn.mimetype, drawn.data[:4]) == ("image/png", b"\x89PNG")
    assert [desks.get(f"/files/{found}/pages/{number}.png").status_code for number in (0, 3)] == [404, 404]


def test_a_file_is_kept_when_another_field_is_wrong_and_need_not_be_chosen_again(real):
    desks = real
    number = contracted(desks)
    again = hand_in(desks, f"/orders/{number}/deliver", {"report_number": "", "report_date": TODAY}, "carrier", service_result_file=SCAN)
    assert again.status_code == 422
    assert "已经收到" in said(again)
    token = re.search(r'name="service_result_kept" value="([^"]+)"', again.get_data(as_text=True))[1]
    done = hand_in(desks, f"/orders/{number}/deliver", {**report(number), "service_result_kept": token}, "carrier")
    assert done.status_code == 303
    assert file_of(desks, number) is not None


def test_a_forged_or_foreign_token_is_told_at_its_field(desks):
    number = contracted(desks)
    answer = hand_in(desks, f"/orders/{number}/deliver", {**report(number), "service_result_kept": "WzEsMV0.x.y"}, "carrier")
    assert (answer.status_code, error_at(answer, "service_result_file")) == (422, "刚才选的文件已经不在了。请再选一次。")


def test_a_page_in_disguise_and_a_file_too_large_are_told_at_their_field(desks, session):
    number = contracted(desks)
    for content, words in ((b"<svg onload=alert(1)>", "不收"), (b"%PDF-" + bytes(1_000_001), "最多 1 MB")):
        answer = hand_in(desks, f"/orders/{number}/deliver", report(number), "carrier", service_result_file=content)
        assert answer.status_code == 422
        assert words in error_at(answer, "service_result_file")
    assert session.query(EvidenceFile).count() == 0
    huge = hand_in(desks, f"/orders/{number}/deliver", report(number), "carrier", service_result_file=bytes(5_000_000))
    assert huge.status_code == 413


def test_one_file_is_refused_for_a_second_order(desks):
    first, second = contracted(desks, 0), contracted(desks, 1)
    assert hand_in(desks, f"/orders/{first}/deliver", report(first), "carrier", service_result_file=SCAN).status_code == 303
    answer = hand_in(desks, f"/orders/{second}/deliver", report(second), "carrier", service_result_file=SCAN)
    assert answer.status_code == 409
    assert "同一份文件只能用一次" in notes(answer)[-1]


def test_the_reviewer_sees_a_photograph_beside_the_paper_that_it_repeats(desks):
    first, second = contracted(desks, 0), contracted(desks, 1)
    paper = papers.form(4)
    hand_in(desks, f"/orders/{first}/deliver", report(first), "carrier", service_result_file=papers.pdf(paper))
    hand_in(desks, f"/orders/{second}/deliver", report(second), "carrier", service_result_file=papers.photo(paper, 4))
    one, other = file_of(desks, first), file_of(desks, second)
    page = desks.get(f"/files/{other}", by="reviewer")
    assert f"beside={one}" in page.get_data(as_text=True)
    assert f"order:{first}" in said(page)
    both = desks.get(f"/files/{other}?beside={one}", by="reviewer").get_data(as_text=True)
    assert both.count('class="paper"') == 2
    assert "很像" not in said(desks.get(f"/files/{other}", by="carrier"))


def test_a_program_hands_in_a_file_and_names_it_in_a_document(desks):
    number = contracted(desks)
    boundary, body = encode_multipart({"file": FileStorage(io.BytesIO(SCAN), "a.png")})
    headers = {**desks.headers["carrier"], "Idempotency-Key": "file-1"}
    web = desks.webs["carrier"]
    answers = [web.post("/api/v1/files", data=body, headers=headers, content_type=f"multipart/form-data; boundary={boundary}") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json == answers[1].json
    assert (answers[0].json["mime"], answers[0].json["scanned"]) == ("image/png", None)
    document = {"kind": "service_result", "number": "R-1", "issued_on": TODAY, "file_id": answers[0].json["id"]}
    path = f"/api/v1/orders/{number}/deliver"
    foreign = web.post(path, json={"documents": [{**document, "file_id": 10**9}]}, headers={**headers, "Idempotency-Key": "d-0"})
    assert foreign.status_code == 404
    assert web.post(path, json={"documents": [document]}, headers={**headers, "Idempotency-Key": "d-1"}).status_code == 200
    assert file_of(desks, number) == document["file_id"]
    bad, body = encode_multipart({"file": FileStorage(io.BytesIO(b"<html>"), "a.png")})
    refused = web.post("/api/v1/files", data=body, headers=headers, content_type=f"multipart/form-data; boundary={bad}")
    assert (refused.status_code, refused.json["errors"][0]["field"]) == (422, "file")


def test_an_application_may_bring_its_contract_and_its_county_sees_it(desks):
    asked = {"policy": "yuhuan-2023", "amount": "1000", "purpose": "示例用途"}
    assert hand_in(desks, "/vouchers/apply", {**asked, "purpose": ""}, "enterprise", contract_file=PDF).status_code == 422
    assert hand_in(desks, "/vouchers/apply", asked, "enterprise", contract_file=PDF).status_code == 303
    number = desks.one("SELECT max(id) FROM application")
    found = desks.one("SELECT file_id FROM evidence WHERE reference = :of", of=f"application:{number}")
    assert desks.get(f"/files/{found}", by="reviewer").status_code == 200
    assert desks.get(f"/files/{found}", by="elsewhere").status_code == 404
    assert "看文件" in said(desks.get(f"/desk?kind=application&id={number}", by="reviewer"))
