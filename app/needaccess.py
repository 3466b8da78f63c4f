"""Lines of the access table for posted needs, what carriers answer, and messages: endpoint, roles, whose rows, why. `app.access` reads them."""

from __future__ import annotations

from typing import Final

from app.audiences import EVERYONE, OPEN, OWN, PARTIES, PERSONS, Scope
from core.actor import Role
from core.errors import N_

_Line = tuple[str, tuple[Role, ...], Scope, str]

_POSTS: Final = N_("需求由企业和创客团队自己发。")
_ANSWERS: Final = N_("答复由载体自己办。")
_PICKS: Final = N_("选哪一家由发需求的企业定。")
_BROKERS: Final = N_("撮合由本地科技局的审核员办。")
_STEPS: Final = N_("需求由发它的企业、答复的载体和本地科技局的审核员办。")

LINES: Final[tuple[_Line, ...]] = (
    ("posted.list", EVERYONE, "all", OPEN),
    ("posted.one", EVERYONE, "party", OPEN),
    ("posted.new", ("enterprise",), "own", _POSTS),
    ("posted.edit", ("enterprise",), "own", _POSTS),
    ("posted.withdraw", ("enterprise",), "own", _POSTS),
    ("posted.answer", ("carrier",), "party", _ANSWERS),
    ("posted.decline", ("carrier",), "party", _ANSWERS),
    ("posted.retract", ("carrier",), "party", _ANSWERS),
    ("posted.compare", ("enterprise",), "own", _PICKS),
    ("posted.pick", ("enterprise",), "own", _PICKS),
    ("posted.desk", ("reviewer",), "region", _BROKERS),
    ("posted.invite", ("reviewer",), "region", _BROKERS),
    ("posted.note", ("reviewer",), "region", _BROKERS),
    ("posted.close", ("reviewer",), "region", _BROKERS),
    ("posted.messages", PERSONS, "own", OWN),
    ("api.needs", EVERYONE, "all", OPEN),
    ("api.need", EVERYONE, "party", OPEN),
    ("api.post_need", ("enterprise",), "own", _POSTS),
    ("api.need_answers", PARTIES, "party", _ANSWERS),
    ("api.answer_need", ("carrier",), "party", _ANSWERS),
    ("api.pick_answer", ("enterprise",), "own", _PICKS),
    ("api.need_event", (*PARTIES, "reviewer"), "party", _STEPS),
    ("api.stuck_needs", ("reviewer",), "region", _BROKERS),
    ("api.message_list", PERSONS, "own", OWN),
)
