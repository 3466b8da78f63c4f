"""Files of evidence: the file itself as a download, its pages as pictures that we drew, and two of them side by side.

A strange file never runs in a browser under our name: it leaves as an attachment with a policy that forbids everything. What a page shows are
PNG drawn by our own process, so a PDF viewer's mistakes, scripts and forms stay outside.
"""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response, current_app, g, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app import evidence
from core.errors import MapError, NotFound
from vouchers.cleaning import OFD, XLSX
from vouchers.files import EvidenceFile
from vouchers.twins import alike, twins

bp = Blueprint("files", __name__)

SUFFIXES: Final = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png", OFD: "ofd", XLSX: "xlsx"}
MOST_SHOWN: Final = 20
"""Pages shown on one page; the rest is in the download."""

_LOCKED: Final = {"Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'", "X-Content-Type-Options": "nosniff"}


@bp.app_context_processor
def _words() -> dict[str, Any]:
    settings = current_app.config["SETTINGS"]
    words = {"evidence_kept": evidence.kept, "evidence_mb": settings.evidence_mb, "evidence_proofs": evidence.proofs}
    return {**words, "evidence_twins": case_twins, "file_suffix": lambda file: SUFFIXES[file.mime].upper()}


@bp.get("/files/<int:file_id>")
def view(file_id: int) -> ResponseReturnValue:
    """Show a file's pages; with `?beside=<id>` another file's next to them."""
    shown = [evidence.visible(file_id)]
    asked = request.args.get("beside", "")
    if asked.isascii() and asked.isdigit() and len(asked) < 19:
        shown.append(evidence.visible(int(asked)))
    numbers = {file.id: list(range(1, min(file.pages, MOST_SHOWN) + 1)) for file in shown}
    return render_template("files/view.html", shown=shown, numbers=numbers, twins=_twins(shown[0]), most=MOST_SHOWN)


@bp.get("/files/<int:file_id>/download")
def download(file_id: int) -> ResponseReturnValue:
    """Answer the file as it was kept, as an attachment that no browser opens by itself."""
    found = evidence.visible(file_id)
    name = f"evidence-{found.id}.{SUFFIXES[found.mime]}"
    headers = {**_LOCKED, "Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    return Response(evidence.store().read(found.sha256), mimetype=found.mime, headers=headers)


@bp.get("/files/<int:file_id>/pages/<int:number>.png")
def page(file_id: int, number: int) -> ResponseReturnValue:
    """Answer one page as a picture."""
    found = evidence.visible(file_id)
    drawn = evidence.store().page(found.sha256, found.mime, number) if 0 < number <= min(found.pages, MOST_SHOWN) else None
    if drawn is None:
        raise NotFound
    return Response(drawn, mimetype="image/png", headers={**_LOCKED, "Cache-Control": "private, max-age=600", "Content-Disposition": "inline"})


def case_twins(reference: str) -> list[dict[str, Any]]:
    """Return the files of a paper that look like files of others: kind, how much alike, which paper, and the address of both side by side."""
    return [
        {"kind": twin.kind, "percent": _percent(twin.distance), "paper": twin.other_reference, "url": _beside(twin.file_id, twin.other_id)}
        for twin in twins(g.session, reference)
    ]


def _percent(distance: int) -> int:
    return round(100 - distance * 100 / 256)


def _twins(file: EvidenceFile) -> list[dict[str, Any]]:
    """Return the files that look alike: those that the actor may see with their address, of the others only that they are there.

    Of others' files a party does not learn anything; officers learn that there is one.
    """
    found = []
    for other_id, distance in alike(g.session, file.id) if g.actor.role in evidence.OFFICERS else ():
        papers = evidence.references(other_id)
        if not papers or set(papers) & set(evidence.references(file.id)):
            continue
        found.append({"id": other_id, "percent": _percent(distance), "papers": papers, "url": _beside(file.id, other_id)})
    return found


def _beside(file_id: int, other_id: int) -> str:
    try:
        evidence.visible(other_id)
    except MapError:
        return ""
    return url_for("files.view", file_id=file_id, beside=other_id)
