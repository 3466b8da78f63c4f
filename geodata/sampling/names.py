"""What the invented organisations of the sample world are called, what they do, and their credit codes.

Every name begins with 示例, so that nobody takes one for a real body. The trades of a place are those that it is known for.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from stdnum.cn import uscc

MARK: Final = "示例·"
_STEMS: Final = "甲乙丙丁戊己庚辛壬癸"
_BRANCHES: Final = "子丑寅卯辰巳午未申酉戌亥"
CYCLE: Final = tuple(_STEMS[n % 10] + _BRANCHES[n % 12] for n in range(60))
"""The sixty words of the sexagenary cycle: neutral brand words that nobody owns."""


@dataclass(frozen=True)
class Trade:
    """A trade by its word in names, and the instrument types that its laboratories live on (canonical names)."""

    word: str
    types: tuple[str, ...]


def plain(place: str) -> str:
    """Return the short name of a region: 长兴 for 长兴县, but two characters stay as they are."""
    ending = next((word for word in ("自治县", "自治旗", "市", "县", "区", "旗") if place.endswith(word)), "")
    return place.removesuffix(ending) if len(place) - len(ending) >= 2 else place


def trades_of(adcode: str) -> tuple[Trade, ...]:
    """Return the trades of a county: its own, those of its city, or those of its province."""
    words = TRADES.get(adcode) or TRADES.get(f"{adcode[:4]}00") or PROVINCE_TRADES[adcode[:2]]
    return tuple(KNOWN[word] for word in words)


def trade_in(name: str) -> Trade | None:
    """Return the trade that the name of an invented organisation speaks of."""
    return next((KNOWN[word] for word in _LONGEST_FIRST if word in name), None)


def credit_code(serial: int) -> str:
    """Return an invented unified social credit code with a right check digit (GB 32100-2015): region 000000 does not exist."""
    body = f"91000000XX{serial:07d}"
    return body + uscc.calc_check_digit(body)


class Namer:
    """Gives each name once: the brand words go round, and a number follows when all of them are taken."""

    def __init__(self) -> None:
        self._given: dict[tuple[str, str], int] = defaultdict(int)

    def name(self, before: str, after: str) -> str:
        """Return `before` + brand word + `after`; where the words begin follows from the two."""
        step = self._given[before, after]
        self._given[before, after] += 1
        start = sum(map(ord, before + after))
        again = step // len(CYCLE)
        return f"{MARK}{before}{CYCLE[(start + step) % len(CYCLE)]}{again + 1 if again else ''}{after}"


CARRIERS: Final = (
    ("enterprise_lab", "企业研究院", 0.34),
    ("testing_center", "检测中心", 0.26),
    ("platform", "公共服务平台", 0.18),
    ("key_lab", "重点实验室", 0.12),
    ("institute", "产业技术研究院", 0.10),
)
"""Kinds of invented carriers: code, word in the name, share."""

KNOWN: Final = {
    trade.word: trade
    for trade in (
        Trade("蓄电池", ("电池充放电测试系统", "电池安全(针刺挤压热失控)试验设备", "电化学工作站", "加速量热仪", "X射线衍射仪", "阻抗分析仪")),
        Trade("新能源", ("太阳能模拟器IV测试系统", "电池充放电测试系统", "功率分析仪", "高低温湿热试验箱")),
        Trade("绿色建材", ("燃烧性能试验仪", "低本底γ谱仪", "万能材料试验机", "激光导热仪")),
        Trade("电梯", ("疲劳试验机", "振动试验台", "激光干涉仪", "超声波探伤仪")),
        Trade("家具", ("环境空气VOCs采样预浓缩系统", "万能材料试验机", "氙灯老化试验箱", "跌落/包装运输试验设备")),
        Trade("阀门", ("万能材料试验机", "冲击试验机", "直读光谱仪", "三坐标测量机", "超声波探伤仪", "金相显微镜")),
        Trade("泵业", ("电机测功机试验台", "三坐标测量机", "声学消声室", "直读光谱仪")),
        Trade("水暖", ("盐雾试验箱", "直读光谱仪", "电感耦合等离子体质谱仪", "粗糙度轮廓仪")),
        Trade("汽车零部件", ("疲劳试验机", "振动试验台", "工业CT", "新能源汽车电驱动试验台", "温度冲击试验箱")),
        Trade("电动车", ("电机测功机试验台", "IP防护等级试验设备", "振动试验台", "电磁兼容测试系统")),
        Trade("医药化工", ("液相色谱-质谱联用仪", "液相色谱仪", "顶空-气相色谱仪", "核磁共振波谱仪", "冷冻干燥机", "生物反应器")),
        Trade("生物医药", ("流式细胞仪", "实时荧光定量PCR仪", "蛋白纯化系统", "高分辨质谱仪", "基因测序仪", "小动物活体成像系统")),
        Trade("模具", ("三坐标测量机", "影像测量仪", "注塑/挤出成型试验机", "金属3D打印机", "硬度计")),
        Trade("缝制设备", ("声学消声室", "圆度仪", "影像测量仪", "摩擦磨损试验机")),
        Trade("印染", ("纺织品强力/起球测试仪", "透气/透湿测试仪", "氙灯老化试验箱", "水质自动分析仪", "紫外-可见分光光度计")),
        Trade("化纤", ("纺织品强力/起球测试仪", "差示扫描量热仪", "凝胶渗透色谱仪", "旋转流变仪")),
        Trade("轴承", ("圆度仪", "粗糙度轮廓仪", "疲劳试验机", "金相显微镜", "硬度计")),
        Trade("磁性材料", ("振动样品磁强计", "扫描电子显微镜", "氧氮氢分析仪", "电感耦合等离子体发射光谱仪")),
        Trade("石化新材料", ("凝胶渗透色谱仪", "差示扫描量热仪", "气相色谱-质谱联用仪", "傅里叶变换红外光谱仪", "旋转流变仪")),
        Trade("低压电器", ("电磁兼容测试系统", "介电强度击穿测试仪", "功率分析仪", "高低温湿热试验箱", "燃烧性能试验仪")),
        Trade("鞋革", ("万能材料试验机", "透气/透湿测试仪", "气相色谱-质谱联用仪", "摩擦磨损试验机")),
        Trade("五金", ("直读光谱仪", "盐雾试验箱", "硬度计", "万能材料试验机", "影像测量仪")),
        Trade("电动工具", ("电磁兼容测试系统", "声学消声室", "跌落/包装运输试验设备", "电机测功机试验台")),
        Trade("光伏", ("太阳能模拟器IV测试系统", "氙灯老化试验箱", "椭圆偏振仪", "红外热像仪")),
        Trade("集成电路", ("集成电路测试系统", "半导体参数分析仪", "聚焦离子束双束系统", "光刻机", "磁控溅射镀膜机", "原子层沉积系统")),
        Trade("数字安防", ("矢量网络分析仪", "天线测量暗室", "GPU服务器", "积分球光色电测试系统", "高速摄像机")),
        Trade("氟硅新材料", ("热重分析仪", "凝胶渗透色谱仪", "接触角测量仪", "核磁共振波谱仪")),
        Trade("特种纸", ("接触角测量仪", "透气/透湿测试仪", "激光粒度分析仪", "扫描电子显微镜")),
        Trade("海工装备", ("深海压力模拟试验舱", "多波束测深系统", "温盐深仪", "盐雾试验箱", "疲劳试验机")),
        Trade("水产加工", ("质构仪", "全自动微生物鉴定系统", "电感耦合等离子体质谱仪", "喷雾干燥机", "凯氏定氮仪")),
        Trade("食品", ("凯氏定氮仪", "氨基酸分析仪", "质构仪", "电子鼻", "全自动微生物鉴定系统")),
        Trade("地理信息", ("激光雷达", "探地雷达", "GPU服务器", "激光跟踪仪")),
        Trade("不锈钢", ("直读光谱仪", "碳硫分析仪", "高温持久蠕变试验机", "冲击试验机")),
    )
}

TRADES: Final = {
    "330100": ("生物医药", "数字安防", "集成电路", "新能源"),
    "330200": ("磁性材料", "石化新材料", "汽车零部件", "模具"),
    "330300": ("阀门", "低压电器", "鞋革", "泵业"),
    "330400": ("光伏", "化纤", "集成电路", "新能源"),
    "330500": ("蓄电池", "电梯", "绿色建材", "生物医药"),
    "330521": ("地理信息", "绿色建材", "电动工具"),
    "330522": ("蓄电池", "新能源", "绿色建材"),
    "330523": ("家具", "食品", "新能源"),
    "330600": ("印染", "化纤", "轴承", "食品"),
    "330624": ("轴承", "医药化工", "汽车零部件"),
    "330700": ("五金", "电动工具", "磁性材料", "食品"),
    "330784": ("五金", "电动工具", "电动车"),
    "330800": ("氟硅新材料", "特种纸", "轴承"),
    "330900": ("海工装备", "水产加工", "石化新材料"),
    "331000": ("医药化工", "模具", "缝制设备", "泵业"),
    "331083": ("阀门", "汽车零部件", "水暖", "家具"),
    "331100": ("不锈钢", "鞋革", "汽车零部件", "食品"),
}
"""Trades by county, else by city (adcode)."""

PROVINCE_TRADES: Final = {
    "11": ("生物医药", "集成电路", "数字安防", "新能源"), "12": ("石化新材料", "汽车零部件", "生物医药", "海工装备"),
    "13": ("不锈钢", "绿色建材", "医药化工", "汽车零部件"), "14": ("不锈钢", "新能源", "绿色建材"), "15": ("磁性材料", "新能源", "食品"),
    "21": ("不锈钢", "石化新材料", "轴承", "海工装备"), "22": ("汽车零部件", "生物医药", "食品"), "23": ("食品", "石化新材料", "轴承"),
    "31": ("集成电路", "生物医药", "汽车零部件", "石化新材料"), "32": ("光伏", "集成电路", "化纤", "生物医药"),
    "33": ("五金", "食品"), "34": ("蓄电池", "集成电路", "汽车零部件", "光伏"), "35": ("鞋革", "蓄电池", "食品", "水暖"),
    "36": ("磁性材料", "绿色建材", "光伏", "医药化工"), "37": ("石化新材料", "水产加工", "轴承", "食品"),
    "41": ("食品", "汽车零部件", "轴承", "磁性材料"), "42": ("汽车零部件", "数字安防", "生物医药", "集成电路"),
    "43": ("汽车零部件", "石化新材料", "蓄电池"), "44": ("数字安防", "低压电器", "集成电路", "家具", "模具"),
    "45": ("汽车零部件", "食品", "绿色建材"), "46": ("水产加工", "食品", "生物医药"), "50": ("汽车零部件", "集成电路", "电动车"),
    "51": ("集成电路", "新能源", "食品", "鞋革"), "52": ("食品", "石化新材料", "蓄电池"), "53": ("生物医药", "食品", "特种纸"),
    "54": ("食品", "地理信息"), "61": ("光伏", "集成电路", "地理信息", "汽车零部件"), "62": ("石化新材料", "新能源", "食品"),
    "63": ("蓄电池", "光伏", "食品"), "64": ("新能源", "食品", "光伏"), "65": ("石化新材料", "光伏", "食品"),
    "71": ("集成电路", "数字安防", "模具"), "81": ("数字安防", "生物医药"), "82": ("食品", "生物医药"),
}  # fmt: skip
"""Trades by the two digits of a province, where the county and the city have none of their own: an assumption of the sample."""

_LONGEST_FIRST: Final = sorted(KNOWN, key=len, reverse=True)
