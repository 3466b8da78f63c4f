"""What states, events, documents and ledger moves are called on a page: one word for one thing, everywhere. Message ids only."""

from __future__ import annotations

from typing import Final

from core.errors import N_

ORDER_STATES: Final = {
    "draft": N_("报价草稿"),
    "offered": N_("待接单"),
    "countered": N_("载体报了价，待企业答复"),
    "contracted": N_("已接单"),
    "delivered": N_("报告已出，待确认"),
    "disputed": N_("有争议，待科技局裁定"),
    "confirmed": N_("已确认，待付款"),
    "settled": N_("已付清"),
    "cancelled": N_("已取消"),
}
ORDER_EVENTS: Final = {
    "offer": N_("下单"),
    "book": N_("下单"),
    "draft": N_("写报价"),
    "pick": N_("选定载体的答复"),
    "propose": N_("发出报价"),
    "accept": N_("接单"),
    "counter": N_("还价"),
    "agree": N_("同意载体的报价"),
    "decline": N_("不同意载体的报价"),
    "withdraw": N_("撤回报价"),
    "cancel": N_("取消"),
    "timeout": N_("过了时限，自动取消"),
    "void": N_("券作废，自动取消"),
    "attach": N_("发券，冻结到这份合同"),
    "deliver": N_("出报告"),
    "confirm": N_("确认报告"),
    "dispute": N_("提出争议"),
    "resolve": N_("科技局裁定"),
    "pay_own_part": N_("付款"),
    "correct_report": N_("更正报告"),
    "correct_invoice": N_("更正发票"),
    "correct_payment": N_("更正付款凭证"),
    "claim": N_("申请兑现"),
}
APPLICATION_STATES: Final = {
    "county_review": N_("待审核"),
    "city_review": N_("待市级审核"),
    "waitlisted": N_("排队等预算"),
    "draft": N_("已退回补正"),
    "approved": N_("已同意，公示中"),
    "issued": N_("已发券"),
    "refused": N_("不予发放"),
    "withdrawn": N_("已撤回"),
}
CLAIM_STATES: Final = {
    "submitted": N_("待初审"),
    "verified": N_("已初审，待批准"),
    "checking": N_("核查中"),
    "approved": N_("已批准，待拨付"),
    "batched": N_("已列入拨付批次"),
    "paid": N_("已拨付"),
    "recovering": N_("追回中"),
    "recovered": N_("已追回"),
    "draft": N_("已退回补正"),
    "refused": N_("不予兑现"),
}
BATCH_STATES: Final = {
    "open": N_("在收"),
    "frozen": N_("已封账"),
    "noticed": N_("公示中"),
    "signed": N_("已一人授权"),
    "authorised": N_("已授权"),
    "sent": N_("已发银行"),
    "confirmed": N_("银行全部付出"),
    "partly_failed": N_("银行部分未付"),
    "closed": N_("已关账"),
    "reconciled": N_("已对账"),
    "cancelled": N_("已撤销"),
}
BATCH_EVENTS: Final = {
    "open": N_("开批次"),
    "add": N_("加入新批准的"),
    "freeze": N_("封账"),
    "notice": N_("公示"),
    "sign": N_("第一人授权"),
    "authorise": N_("第二人授权"),
    "send": N_("发给银行"),
    "confirm": N_("银行全部付出"),
    "confirm_partly": N_("银行部分未付"),
    "close": N_("关账"),
    "reconcile": N_("对账"),
    "cancel": N_("撤销批次"),
    "take_out": N_("移出"),
    "fail": N_("记为没有付出"),
}
LINE_STATES: Final = {"listed": N_("待付"), "paid": N_("已付"), "failed": N_("没有付出"), "taken_out": N_("已移出")}
LISTING_STATES: Final = {"draft": N_("草稿"), "open": N_("开放中"), "suspended": N_("暂停"), "withdrawn": N_("已撤下")}
BUREAU_EVENTS: Final = {
    "submit": N_("提交"),
    "return": N_("退回补正"),
    "refuse": N_("不同意"),
    "pass": N_("同意"),
    "pass_up": N_("同意，报市级"),
    "recall": N_("收回上报"),
    "queue": N_("提交，排队"),
    "serve": N_("排到，留上预算"),
    "move": N_("转到下一年的队"),
    "budget_closed": N_("预算关闭，退回"),
    "objection": N_("异议成立，不发"),
    "issue": N_("发券"),
    "check_ok": N_("初审通过"),
    "approve": N_("批准"),
    "add_to_batch": N_("列入批次"),
    "pay": N_("拨付"),
    "withdraw": N_("撤回"),
}
BUDGET_STATES: Final = {"planned": N_("已编报，未下达"), "adopted": N_("已下达"), "revised": N_("已调整"), "closed": N_("已关闭")}
BUDGET_EVENTS: Final = {
    "plan": N_("编报"),
    "adopt": N_("下达"),
    "revise": N_("调整"),
    "stripe": N_("分户"),
    "sweep": N_("回收"),
    "close": N_("关闭"),
    "drop": N_("不再编报"),
}
LEDGER_KINDS: Final = {
    "issue": N_("发放"),
    "hold": N_("冻结"),
    "release": N_("解冻"),
    "use": N_("用掉"),
    "redeem": N_("兑现"),
    "expire": N_("到期退回"),
    "lapse": N_("过了兑现期，退回"),
    "void": N_("作废退回"),
}
VOUCHER_STATES: Final = {
    "active": N_("能用"),
    "expired": N_("已到期"),
    "closed": N_("已结清"),
    "frozen": N_("冻结核查"),
    "void": N_("已作废"),
}
VOUCHER_EVENTS: Final = {
    "issue": N_("发券"),
    "expire_use": N_("到期"),
    "expire_redeem": N_("过了兑现期，关闭"),
    "close": N_("用完，结清"),
    "freeze": N_("冻结"),
    "unfreeze": N_("解冻"),
    "void": N_("作废"),
}
DOCUMENTS: Final = {
    "application_form": N_("申请表"),
    "contract": N_("合同"),
    "service_result": N_("检测报告"),
    "invoice": N_("发票"),
    "payment_proof": N_("付款凭证"),
}
MODES: Final = {
    "post_subsidy": N_("后补助：你先把全价付给载体，兑现时财政把券付的部分退给你。"),
    "offset": N_("抵扣：你只付自付部分，载体拿券去财政兑现。"),
}
"""How a policy pays, in one sentence to the enterprise."""
EVENTS_DONE: Final = {
    "accept": N_("已接单，合同成立。"),
    "cancel": N_("已取消。券解冻 ¥%(amount)s。"),
    "propose": N_("报价已发给企业，等它答复。"),
    "counter": N_("还价已发给企业，时段给它留着。"),
    "agree": N_("已同意，合同成立。券冻结 ¥%(amount)s。"),
    "decline": N_("已谢绝载体的报价，券解冻。"),
    "withdraw": N_("报价已撤回，时段空出来了。"),
    "dispute": N_("争议已提交，钱先冻结着，等科技局裁定。"),
    "deliver": N_("报告已交，等企业确认。"),
    "confirm": N_("报告已确认，券用掉 ¥%(amount)s。下一步付钱给载体。"),
    "pay_own_part": N_("付款已记下。"),
    "correct_report": N_("新报告已记下，以它为准。"),
    "correct_invoice": N_("新发票已记下，以它为准。"),
    "correct_payment": N_("新付款凭证已记下，以它为准。"),
    "claim": N_("兑现已提交：¥%(amount)s，编号 %(code)s。等科技局初审。"),
}
"""What a page says after an event of an order."""
WEEKDAYS: Final = (N_("周一"), N_("周二"), N_("周三"), N_("周四"), N_("周五"), N_("周六"), N_("周日"))
SPECS: Final = frozenset(
    {
        N_("检出限"),
        N_("分辨率"),
        N_("波长"),
        N_("加速电压"),
        N_("质荷比"),
        N_("温度范围"),
        N_("最大力"),
        N_("频率"),
        N_("温度"),
        N_("精度等级"),
        N_("容积"),
        N_("最大压力"),
        N_("测量误差"),
        N_("行程"),
        N_("2θ范围"),
        N_("湿度"),
        N_("波数"),
        N_("试验力"),
        N_("标尺"),
        N_("灵敏度"),
        N_("检测器"),
        N_("柱温"),
        N_("吸光度范围"),
        N_("天平灵敏度"),
        N_("放大倍数"),
        N_("基体"),
        N_("元素范围"),
        N_("能量分辨率"),
        N_("粒径范围"),
        N_("电流"),
        N_("点分辨率"),
        N_("最大加速度"),
        N_("最大推力"),
        N_("精度"),
        N_("暗室"),
        N_("单通道"),
        N_("样品孔"),
        N_("通道"),
        N_("工件直径"),
        N_("管电压"),
        N_("转换时间"),
        N_("进风温度"),
        N_("水分蒸发量"),
        N_("磁场"),
    }
)
"""Names of technical figures that can be said in both languages; others are shown as the provider wrote them."""
