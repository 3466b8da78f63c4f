"""Published roots of the audit seal under `/api/v1`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import g
from pydantic import BaseModel, ConfigDict, Field

from app.api import bp
from vouchers import roots


class RootsQuery(BaseModel):
    """Which roots: those behind block `after`."""

    model_config = ConfigDict(extra="forbid")
    after: int = Field(0, ge=0, le=2**53, description="`next` of the page before")
    limit: int = Field(100, ge=1, le=1000)


class RootOut(BaseModel):
    """One published head, signed over the bytes `irm-audit <block> <algorithm> <head>`."""

    block: int
    sealed_at: str
    records: int
    algorithm: str
    tree: str
    head: str
    signature: str = Field(description="ed25519, hex")
    public_key: str


class RootsOut(BaseModel):
    """Published heads, the oldest first."""

    items: list[RootOut]
    next: int | None


@bp.get("/audit/roots", responses={200: RootsOut})
def audit_roots(query: RootsQuery) -> dict[str, Any]:
    """List the published roots of the sealed audit record."""
    found = [asdict(one) for one, _ in zip(roots.published(g.session, after=query.after), range(query.limit + 1), strict=False)]
    items = found[: query.limit]
    return RootsOut(items=items, next=items[-1]["block"] if len(found) > len(items) else None).model_dump(mode="json")
