"""What the instruments of the sample world are like: how common a type is, what it costs, how long a report takes, hours, specifications.

Everything is an invented example of a plausible size; no maker or model of the market is named.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

LEAST: Final = 8
"""Instruments of even the rarest type in the smallest world; the first `ALWAYS_OPEN` of a type are open."""

ALWAYS_OPEN: Final = 6


@dataclass(frozen=True)
class Profile:
    """Median value in ten thousand yuan, unit of the price, median price in yuan per unit, days until the report."""

    value: int
    unit: str
    price: int
    days: int


def profile(name: str, class_code: str) -> Profile:
    """Return what is usual for a type: its own profile, else that of its subclass, else of its class."""
    return _OWN.get(name) or _CLASSES.get(class_code[:4]) or _CLASSES[class_code[:2]]


def shares(names: list[str], total: int) -> NDArray[np.int64]:
    """Return how many instruments each type gets: `LEAST` each (less in a tiny world), the rest falls off as 1/(rank + 2)."""
    order = {name: rank for rank, name in enumerate(dict.fromkeys([*COMMON, *names]))}
    weights = 1.0 / (np.array([order[name] for name in names]) + 3.0)
    least = min(LEAST, total // len(names))
    extra = total - least * len(names)
    counts: NDArray[np.int64] = least + np.floor(extra * weights / weights.sum()).astype(np.int64)
    counts[np.argsort(-weights, kind="stable")[: total - counts.sum()]] += 1
    return counts


def specs(name: str, grade: int) -> dict[str, str]:
    """Return the specifications of a type at a grade of 0 (plain) to 2 (best), as a maker would write them; empty for the rarer types."""
    return {key: values[grade] for key, values in SPECS.get(name, {}).items()}


def opening(pattern: int) -> dict[str, Any]:
    """Return one of the `PATTERNS` of opening hours as `Instrument.hours` keeps it."""
    days, sessions = PATTERNS[pattern]
    return {day: [list(span) for span in sessions] for day in days}


PATTERNS: Final = (
    ("12345", (("09:00", "12:00"), ("13:30", "17:00"))),
    ("12345", (("08:30", "11:30"), ("13:00", "17:00"))),
    ("123456", (("09:00", "12:00"), ("14:00", "18:00"))),
    ("1234567", (("08:00", "12:00"), ("12:30", "16:30"), ("17:00", "21:00"))),
    ("24", (("09:00", "12:00"), ("13:30", "16:30"))),
)
"""Weekdays and sessions, local time."""

PATTERN_SHARES: Final = (0.45, 0.25, 0.15, 0.08, 0.07)

DESCRIPTORS: Final = ("常规型", "检测级", "科研级", "高配型", "对外服务", "教学科研共用")

COMMON: Final = (
    "扫描电子显微镜", "万能材料试验机", "液相色谱仪", "气相色谱-质谱联用仪", "X射线衍射仪", "高低温湿热试验箱", "电感耦合等离子体质谱仪",
    "液相色谱-质谱联用仪", "傅里叶变换红外光谱仪", "三坐标测量机", "硬度计", "差示扫描量热仪", "盐雾试验箱", "气相色谱仪", "紫外-可见分光光度计",
    "原子吸收光谱仪", "热重分析仪", "金相显微镜", "直读光谱仪", "能谱仪", "影像测量仪", "激光粒度分析仪", "电化学工作站", "透射电子显微镜",
    "核磁共振波谱仪", "电感耦合等离子体发射光谱仪", "振动试验台", "电磁兼容测试系统", "电池充放电测试系统", "实时荧光定量PCR仪", "X射线荧光光谱仪",
    "疲劳试验机", "拉曼光谱仪", "离子色谱仪", "冲击试验机", "工业CT", "激光共聚焦显微镜", "纺织品强力/起球测试仪", "粗糙度轮廓仪", "原子力显微镜",
)  # fmt: skip
"""The commonest types, the commonest first."""

_CLASSES: Final = {
    "0101": Profile(250, "hour", 600, 4), "0102": Profile(260, "sample", 400, 6), "0103": Profile(160, "sample", 220, 5),
    "0104": Profile(60, "sample", 120, 4), "0105": Profile(45, "sample", 200, 5), "0106": Profile(380, "sample", 350, 5),
    "0107": Profile(30, "sample", 180, 5), "0108": Profile(120, "hour", 280, 3), "0109": Profile(60, "sample", 200, 4),
    "0110": Profile(90, "sample", 180, 6), "0111": Profile(60, "sample", 150, 5), "0112": Profile(40, "hour", 120, 3),
    "0113": Profile(50, "sample", 150, 4), "0201": Profile(70, "sample", 160, 4), "0203": Profile(90, "hour", 240, 5),
    "0204": Profile(160, "hour", 500, 7), "0205": Profile(60, "sample", 160, 4), "0207": Profile(50, "hour", 80, 10),
    "0301": Profile(120, "job", 400, 3), "0302": Profile(60, "job", 500, 5), "0303": Profile(120, "job", 800, 5),
    "0304": Profile(110, "sample", 300, 5), "04": Profile(200, "job", 3000, 10), "05": Profile(180, "job", 4000, 12),
    "06": Profile(100, "job", 1600, 10), "07": Profile(220, "job", 3600, 10), "0801": Profile(40, "hour", 200, 3),
    "0802": Profile(300, "hour", 900, 7), "0804": Profile(80, "hour", 320, 4), "0805": Profile(260, "hour", 600, 6),
    "0806": Profile(40, "sample", 260, 5), "0901": Profile(50, "sample", 160, 4), "0902": Profile(800, "job", 1200, 5),
    "10": Profile(60, "sample", 320, 10), "11": Profile(80, "job", 600, 4), "12": Profile(180, "hour", 450, 6),
}  # fmt: skip

_OWN: Final = {
    "冷冻透射电子显微镜": Profile(3500, "hour", 2500, 10), "透射电子显微镜": Profile(600, "hour", 900, 6),
    "风洞": Profile(2500, "hour", 3000, 15),
    "能谱仪": Profile(60, "sample", 150, 3), "燃烧性能试验仪": Profile(60, "sample", 800, 7), "电机测功机试验台": Profile(180, "hour", 450, 6),
    "新能源汽车电驱动试验台": Profile(900, "hour", 1500, 10), "电池安全(针刺挤压热失控)试验设备": Profile(150, "job", 1800, 8),
    "工业CT": Profile(500, "hour", 800, 5),
    "电池充放电测试系统": Profile(60, "sample", 300, 12),
    "GPU服务器": Profile(120, "hour", 60, 0), "高性能计算集群": Profile(900, "hour", 80, 0),
    "深海压力模拟试验舱": Profile(800, "job", 5000, 15), "IP防护等级试验设备": Profile(40, "job", 900, 5),
    "核磁共振波谱仪": Profile(420, "sample", 320, 5),
}  # fmt: skip

SPECS: Final[dict[str, dict[str, tuple[str, str, str]]]] = {
    "扫描电子显微镜": {"分辨率": ("3.0 nm@30 kV", "1.2 nm@15 kV", "0.8 nm@15 kV"), "加速电压": ("0.5–30 kV", "0.2–30 kV", "0.02–30 kV")},
    "透射电子显微镜": {"加速电压": ("120 kV", "200 kV", "300 kV"), "点分辨率": ("0.34 nm", "0.24 nm", "0.19 nm")},
    "冷冻透射电子显微镜": {"加速电压": ("200 kV", "200 kV", "300 kV"), "分辨率": ("0.35 nm", "0.3 nm", "0.2 nm")},
    "万能材料试验机": {"最大力": ("10 kN", "100 kN", "600 kN"), "精度等级": ("1 级", "0.5 级", "0.5 级")},
    "液相色谱仪": {"最大压力": ("40 MPa", "60 MPa", "130 MPa"), "波长": ("190–700 nm", "190–900 nm", "190–950 nm")},
    "气相色谱-质谱联用仪": {"质荷比": ("m/z 10–650", "m/z 1.6–1050", "m/z 1.2–1090"), "检出限": ("≤100 fg", "≤20 fg", "≤2 fg")},
    "X射线衍射仪": {"2θ范围": ("5–100°", "0–140°", "-10–168°"), "温度": ("室温", "室温～1200℃", "-180～1600℃")},
    "高低温湿热试验箱": {"温度范围": ("-40～150℃", "-60～150℃", "-70～180℃"), "容积": ("0.2 m³", "1 m³", "8 m³"), "湿度": ("20–98%RH",) * 3},
    "电感耦合等离子体质谱仪": {"检出限": ("Be<5 ppt", "Be<1 ppt", "Be<0.5 ppt"), "质荷比": ("m/z 4–260",) * 3},
    "液相色谱-质谱联用仪": {"质荷比": ("m/z 10–1500", "m/z 5–2000", "m/z 5–3000"), "检出限": ("≤1 pg", "≤100 fg", "≤10 fg")},
    "傅里叶变换红外光谱仪": {"波数": ("7800–350 cm⁻¹",) * 3, "分辨率": ("1 cm⁻¹", "0.4 cm⁻¹", "0.09 cm⁻¹")},
    "三坐标测量机": {"测量误差": ("2.5 μm", "1.7 μm", "0.9 μm"), "行程": ("500×700×500 mm", "700×1000×700 mm", "1200×2000×1000 mm")},
    "硬度计": {"试验力": ("10–1000 gf", "1–50 kgf", "60–150 kgf"), "标尺": ("HV", "HV、HB", "HRC、HB、HV")},
    "差示扫描量热仪": {"温度范围": ("室温～600℃", "-90～550℃", "-180～725℃"), "灵敏度": ("1 μW", "0.2 μW", "0.1 μW")},
    "盐雾试验箱": {"容积": ("0.1 m³", "0.4 m³", "2 m³"), "温度": ("35℃", "35–50℃", "35–60℃")},
    "气相色谱仪": {"柱温": ("室温+5～400℃", "室温+4～450℃", "-80～450℃"), "检测器": ("FID", "FID、TCD", "FID、ECD、FPD")},
    "紫外-可见分光光度计": {"波长": ("190–1100 nm", "190–1100 nm", "185–3300 nm"), "吸光度范围": ("-3–3 Abs", "-4–4 Abs", "-6–6 Abs")},
    "原子吸收光谱仪": {"波长": ("190–900 nm", "185–900 nm", "185–900 nm"), "检出限": ("Cu≤8 ppb", "Cd≤0.1 ppb", "Cd≤0.02 ppb")},
    "热重分析仪": {"温度范围": ("室温～1000℃", "室温～1100℃", "室温～1600℃"), "天平灵敏度": ("1 μg", "0.1 μg", "0.01 μg")},
    "金相显微镜": {"放大倍数": ("50–500×", "50–1000×", "25–1500×")},
    "直读光谱仪": {"波长": ("165–460 nm", "140–680 nm", "120–800 nm"), "基体": ("Fe", "Fe、Al、Cu", "Fe、Al、Cu、Ni、Ti")},
    "能谱仪": {"能量分辨率": ("133 eV", "129 eV", "123 eV"), "元素范围": ("B–U", "Be–U", "Be–Cf")},
    "影像测量仪": {"测量误差": ("4 μm", "2.5 μm", "1.5 μm"), "行程": ("200×100×150 mm", "300×200×200 mm", "500×400×200 mm")},
    "激光粒度分析仪": {"粒径范围": ("0.1–1000 μm", "0.02–2000 μm", "0.01–3500 μm")},
    "电化学工作站": {"电流": ("±250 mA", "±2 A", "±10 A"), "频率": ("10 μHz–100 kHz", "10 μHz–1 MHz", "10 μHz–7 MHz")},
    "核磁共振波谱仪": {"频率": ("400 MHz", "500 MHz", "600 MHz")},
    "电感耦合等离子体发射光谱仪": {"检出限": ("≤10 ppb", "≤1 ppb", "≤0.5 ppb"), "波长": ("175–785 nm", "167–785 nm", "130–770 nm")},
    "振动试验台": {
        "最大推力": ("10 kN", "50 kN", "160 kN"),
        "频率": ("5–2000 Hz", "2–3000 Hz", "2–3000 Hz"),
        "最大加速度": ("490 m/s²", "980 m/s²", "980 m/s²"),
    },
    "电磁兼容测试系统": {"频率": ("9 kHz–1 GHz", "9 kHz–6 GHz", "9 kHz–18 GHz"), "暗室": ("3 m 法", "3 m 法", "10 m 法")},
    "电池充放电测试系统": {"单通道": ("5V/6A", "5V/100A", "100V/300A"), "精度": ("±0.1%FS", "±0.05%FS", "±0.02%FS")},
    "实时荧光定量PCR仪": {"通道": ("2 色", "5 色", "6 色"), "样品孔": ("48 孔", "96 孔", "384 孔")},
    "疲劳试验机": {"最大力": ("25 kN", "100 kN", "500 kN"), "频率": ("0–50 Hz", "0–100 Hz", "0–200 Hz")},
    "工业CT": {"分辨率": ("50 μm", "5 μm", "0.5 μm"), "管电压": ("160 kV", "225 kV", "450 kV"), "工件直径": ("≤100 mm", "≤300 mm", "≤600 mm")},
    "温度冲击试验箱": {"温度范围": ("-40～125℃", "-55～150℃", "-65～200℃"), "转换时间": ("≤15 s", "≤10 s", "≤5 s")},
    "动态热机械分析仪": {"温度范围": ("室温～300℃", "-150～500℃", "-170～600℃"), "频率": ("0.01–100 Hz", "0.01–200 Hz", "0.001–1000 Hz")},
    "振动样品磁强计": {"温度": ("室温", "77–1000 K", "2–1000 K"), "磁场": ("2 T", "3 T", "9 T")},
    "喷雾干燥机": {"进风温度": ("40–180℃", "40–220℃", "30–300℃"), "水分蒸发量": ("1 L/h", "1.5 L/h", "5 L/h")},
    "总有机碳分析仪": {"检出限": ("50 ppb", "4 ppb", "0.5 ppb")},
}
"""Specifications of the commonest types, and of some that people ask for by a number: plain, better, best."""
