"""Files of evidence under `/api/v1`: hand one in, and what is known of it. The answer's `id` goes into a document's `file_id`.

The same content gives the same id however often it is sent, so a repeated request needs no other key than the one all writes carry.
"""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

from flask import g, url_for
from flask_openapi3.models.file import FileStorage
from pydantic import BaseModel, ConfigDict, Field

from app import evidence
from app.api import SIGNED, bp
from app.api.orders import RequestKey
from vouchers import files
from vouchers.files import EvidenceFile


class FilePath(BaseModel):
    """Which file."""

    file_id: Annotated[int, Field(ge=1, lt=2**63)]


class FileForm(BaseModel):
    """The file, as multipart/form-data."""

    model_config = ConfigDict(arbitrary_types_allowed=True)
    file: FileStorage


class FileOut(BaseModel):
    """A file of evidence as it is kept: without places and names in a photograph, so its hash may differ from that of what was sent."""

    id: int
    sha256: str
    mime: str
    size: int = Field(description="bytes")
    pages: int = Field(description="pages that can be seen as pictures; 0 for a container")
    scanned: str | None = Field(description="clean, infected, or none: no scanner has looked at it")
    invoice: str | None = Field(description="number of the invoice in its QR code")
    download: str


@bp.post("/files", security=SIGNED, responses={201: FileOut})
def hand_in_file(header: RequestKey, form: FileForm) -> tuple[dict[str, object], int]:  # noqa: ARG001 (asked for like every write's; the content itself says whether it came before)
    """Hand in a file of evidence; it waits seven days for the document that names it. Refused with 422 and the reason when it is not taken."""
    with closing(form.file):
        content = form.file.stream.read()
    found = files.keep(g.session, g.actor, content=content, field="file", store=evidence.store())
    return _told(found), 201


@bp.get("/files/<int:file_id>", security=SIGNED, responses={200: FileOut})
def file(path: FilePath) -> dict[str, object]:
    """Return what is known of a file in a case of yours."""
    return _told(evidence.visible(path.file_id))


def _told(found: EvidenceFile) -> dict[str, object]:
    facts = {name: getattr(found, name) for name in ("id", "sha256", "mime", "size", "pages", "scanned")}
    return FileOut(**facts, invoice=found.read.get("invoice"), download=url_for("files.download", file_id=found.id)).model_dump()
