"""An officer's decision of joining by name: which verb it is. The page and the API both come here; every rule is checked by the verb itself."""

from __future__ import annotations

from flask import g

from core.errors import NotFound
from parties import carriers, enrolment, notices


def decide(subject: str, paper_id: int, event: str, *, reason: str) -> None:
    """Take `event` on a paper; raise `NotFound` for a pair that does not exist, and what the verb raises."""
    if paper_id >= 2**63:
        raise NotFound
    if subject == "objection" and event in ("uphold", "dismiss"):
        notices.answer(g.session, g.actor, objection_id=paper_id, upheld=event == "uphold", reason=reason)
    elif subject == "accreditation" and event in ("check", "refuse"):
        carriers.check_certificate(g.session, g.actor, certificate_id=paper_id, fits=event == "check", reason=reason)
    elif subject == "carrier_entry" and event == "suspend":
        carriers.suspend(g.session, g.actor, paper_id=paper_id, reason=reason)
    elif subject == "carrier_entry" and event == "resume":
        carriers.resume(g.session, g.actor, paper_id=paper_id, reason=reason)
    elif subject == "carrier_entry":
        carriers.decide(g.session, g.actor, paper_id=paper_id, event=event, reason=reason)
    elif subject == "enrolment":
        enrolment.decide(g.session, g.actor, subject=subject, paper_id=paper_id, event=event, reason=reason)
    else:
        raise NotFound
