"""What states, reasons and choices of posted needs are called on a page. Message ids only."""

from __future__ import annotations

from typing import Final

from core.errors import N_

STATES: Final = {
    "open": N_("等答复"),
    "answered": N_("有答复，待选"),
    "picked": N_("已选定，已下单"),
    "withdrawn": N_("已撤回"),
    "expired": N_("已到期"),
    "closed": N_("科技局已办结"),
}
ANSWER_STATES: Final = {
    "sent": N_("已答复"),
    "declined": N_("回了做不了"),
    "withdrawn": N_("答复撤回了"),
    "outdated": N_("需求改了，要重新答复"),
    "picked": N_("选了你们"),
    "passed": N_("选了别家"),
    "lapsed": N_("需求结束了"),
}
VISIBILITY: Final = {
    "public": (N_("人人可看"), N_("人人看得到内容，看不到你们是谁；合适的载体会答复。")),
    "chosen": (N_("只给选定的载体"), N_("下面勾的载体看得到，本地科技局也看得到。")),
    "private": (N_("只给科技局"), N_("由本地科技局的店小二替你们找载体。")),
}
DECLINES: Final = {
    "no_capacity": N_("排不出时段"),
    "not_able": N_("做不了这一项"),
    "too_far": N_("太远"),
    "too_soon": N_("时间太紧"),
    "too_cheap": N_("预算不够"),
    "other": N_("别的原因"),
}
CLOSING: Final = {
    "solved_elsewhere": N_("已在别处解决"),
    "no_carrier": N_("没有载体能做"),
    "not_a_service": N_("不是检测、试验或加工"),
    "firm_gave_up": N_("企业不做了"),
}
STUCK: Final = {
    "private": N_("只给了科技局，还没请载体"),
    "no_type": N_("看不懂要用哪种仪器"),
    "no_carrier": N_("附近没有载体"),
    "all_declined": N_("载体都回了做不了"),
    "no_answer": N_("过了时限没人答复"),
    "near_end": N_("快到期了"),
}
TROUBLE: Final = {"taken": N_("这个时段刚被约走"), "past": N_("这个时段已经过去"), "closed": N_("这台仪器或这家载体现在没有开放")}
EVENTS: Final = {
    "post": N_("发需求"),
    "answer": N_("载体答复"),
    "unanswer": N_("答复撤回，重新等答复"),
    "edit": N_("改需求"),
    "withdraw": N_("撤回"),
    "pick": N_("选定载体"),
    "expire": N_("到期"),
    "invite": N_("科技局请载体答复"),
    "note": N_("科技局写给企业"),
    "close": N_("科技局办结"),
}
