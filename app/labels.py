"""What states, events, documents and ledger moves are called on a page: one word for one thing, everywhere. Message ids only."""

from __future__ import annotations

from typing import Final

from core.errors import N_

ORDER_STATES: Final = {
    "offered": N_("待接单"),
    "contracted": N_("已接单"),
    "delivered": N_("报告已出，待确认"),
    "confirmed": N_("已确认，待付款"),
    "settled": N_("已付清"),
    "cancelled": N_("已取消"),
}
ORDER_EVENTS: Final = {
    "offer": N_("下单"),
    "book": N_("下单"),
    "accept": N_("接单"),
    "cancel": N_("取消"),
    "timeout": N_("到时没有接单，自动取消"),
    "deliver": N_("出报告"),
    "confirm": N_("确认报告"),
    "pay_own_part": N_("付款"),
    "claim": N_("申请兑现"),
}
APPLICATION_STATES: Final = {
    "county_review": N_("待审核"),
    "draft": N_("已退回补正"),
    "approved": N_("已同意"),
    "issued": N_("已发券"),
    "refused": N_("不予发放"),
    "withdrawn": N_("已撤回"),
}
CLAIM_STATES: Final = {
    "submitted": N_("待初审"),
    "verified": N_("已初审，待批准"),
    "approved": N_("已批准，待拨付"),
    "paid": N_("已拨付"),
    "draft": N_("已退回补正"),
    "refused": N_("不予兑现"),
}
LISTING_STATES: Final = {"draft": N_("草稿"), "open": N_("开放中"), "suspended": N_("暂停"), "withdrawn": N_("已撤下")}
BUREAU_EVENTS: Final = {
    "submit": N_("提交"),
    "return": N_("退回补正"),
    "refuse": N_("不同意"),
    "pass": N_("同意"),
    "issue": N_("发券"),
    "check_ok": N_("初审通过"),
    "approve": N_("批准"),
    "pay": N_("拨付"),
    "withdraw": N_("撤回"),
}
LEDGER_KINDS: Final = {
    "issue": N_("发放"),
    "hold": N_("冻结"),
    "release": N_("解冻"),
    "use": N_("用掉"),
    "redeem": N_("兑现"),
    "expire": N_("到期退回"),
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
    "deliver": N_("报告已交，等企业确认。"),
    "confirm": N_("报告已确认，券用掉 ¥%(amount)s。下一步付钱给载体。"),
    "pay_own_part": N_("付款已记下。"),
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
