"""Messages belong to one organisation: nobody else reads, counts or opens them, and nothing is said twice before it was read."""

from __future__ import annotations

from core.actor import PUBLIC
from parties import messages
from parties.messages import About, Message
from tests import factories as make

NEWS = About("need_answered", "need_post", 7, "/needs/7")
SAID = "需求 %(code)s 有了新的答复。"


def test_reading_ones_own_leaves_those_of_others_unread(session):
    one, other = (make.enterprise_actor(make.enterprise(session)) for _ in range(2))
    for who in (other, one, other):
        messages.tell(session, who.organisation_id, NEWS, SAID, code=f"XQ-{who.organisation_id}")
        messages.tell(session, who.organisation_id, About("need_ended", "need_post", 7, "/needs/7"), SAID, code="XQ-7")
    last = session.query(Message.id).order_by(Message.id.desc()).limit(1).scalar()
    assert [messages.unread(session, who) for who in (one, other, PUBLIC)] == [2, 2, 0]
    assert (messages.mark_read(session, PUBLIC, upto=last), messages.mark_read(session, make.officer("reviewer"), upto=last)) == (0, 0)
    assert (messages.mark_read(session, one, upto=last), messages.mark_read(session, one, upto=last)) == (2, 0)
    assert [messages.unread(session, who) for who in (one, other)] == [0, 2]
    first = min(row.id for row in messages.inbox(session, other))
    assert (messages.mark_read(session, other, upto=first), messages.unread(session, other)) == (1, 1)


def test_the_same_is_not_said_twice_until_it_was_read(session):
    firm, neighbour = (make.enterprise(session) for _ in range(2))
    who = make.enterprise_actor(firm)
    for _ in range(3):
        messages.tell(session, firm.id, NEWS, SAID, code="XQ-7")
    assert messages.unread(session, who) == 1
    others = [
        (firm.id, NEWS, SAID, "XQ-8"),
        (firm.id, NEWS, "需求 %(code)s 的一份答复改了。", "XQ-7"),
        (firm.id, About("need_answered", "need_post", 8, "/needs/8"), SAID, "XQ-7"),
        (firm.id, About("need_changed", "need_post", 7, "/needs/7"), SAID, "XQ-7"),
        (neighbour.id, NEWS, SAID, "XQ-7"),
    ]
    for organisation, about, said, code in others:
        messages.tell(session, organisation, about, said, code=code)
    assert (messages.unread(session, who), messages.unread(session, make.enterprise_actor(neighbour))) == (5, 1)
    messages.mark_read(session, who, upto=2**62)
    messages.tell(session, firm.id, NEWS, SAID, code="XQ-7")
    assert (messages.unread(session, who), len(messages.inbox(session, who))) == (1, 6), "what was read may be said again"
