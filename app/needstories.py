"""What invented firms need, how many carriers answer, and how it ends: one story for each state that a posted need can be in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bookings.need_terms import Posting


@dataclass(frozen=True)
class Story:
    """A need of the sample world.

    `who`: a log-in, or an adcode for a firm of that county; `days` before the day of the world it is posted, `later` days after that it ends by
    `ends`: pick, withdraw, expire, close, or an officer's note.
    """

    who: str
    said: Posting
    answers: int = 0
    declines: int = 0
    days: int = 0
    later: int = 0
    ends: str = ""
    note: str = ""


def _type(name: str, score: float, why: str) -> tuple[dict[str, object], ...]:
    return ({"type": name, "score": score, "why": [f"“{why}” → {why}"]},)


STORIES: Final[tuple[Story, ...]] = (
    Story(
        "enterprise",
        Posting(
            "轴承套圈装机两个月就断了，共 3 件，想看断口形貌，判断是疲劳还是过载。要图和结论。",
            _type("扫描电子显微镜", 0.9, "断口形貌"),
            budget=300_000,
            answer_hours=240,
        ),
        answers=2,
    ),
    Story(
        "enterprise2",
        Posting("想知道新配方的电池壳胶水放两年还粘不粘得住，不知道该做什么试验。", visibility="private", answer_hours=120),
    ),
    Story(
        "enterprise2",
        Posting(
            "铝合金压铸件内部有没有气孔和缩松，一批 20 件，能上门最好。",
            _type("工业CT", 0.8, "气孔"),
            budget=800_000,
            answer_hours=200,
        ),
        answers=1,
    ),
    Story(
        "330522",
        Posting(
            "软包电芯循环后鼓包，想取气测成分和比例，一批 6 只，报告要盖 CMA 章。",
            _type("气相色谱仪", 0.9, "气体成分"),
            budget=400_000,
            answer_hours=48,
        ),
        answers=2,
        days=5,
        later=1,
        ends="pick",
    ),
    Story(
        "330784",
        Posting("不粘锅内涂层出口德国，要做特定迁移量，先摸底再出报告。", _type("气相色谱-质谱联用仪", 0.8, "迁移量"), answer_hours=168),
        answers=1,
        days=1,
    ),
    Story(
        "330483",
        Posting(
            "羊绒衫洗后起毛起球，四个颜色各一件，想和去年的样品比。", _type("纺织品强力/起球测试仪", 0.9, "起球"), budget=60_000, answer_hours=168
        ),
        days=1,
        later=1,
        ends="note",
        note="已经问过本地两家：都要下周才能排。可以把答复时间放宽两天，或者请邻县的载体看看。",
    ),
    Story(
        "331081",
        Posting("水泵装车后噪声超标，要在消声室里测声功率级，整机约 60 公斤。", _type("声学消声室", 0.9, "声功率"), budget=500_000, answer_hours=200),
        declines=1,
        days=1,
    ),
    Story(
        "330523",
        Posting("办公椅网布透湿量，GB/T 12704，三个颜色，每色 3 块。", _type("透气/透湿测试仪", 0.9, "透湿量"), budget=90_000, answer_hours=168),
        declines=1,
        days=2,
    ),
    Story(
        "330381",
        Posting("刹车片摩擦系数高温衰退，想按 GB 5763 测一组。", _type("摩擦磨损试验机", 0.9, "摩擦系数"), answer_hours=168),
        answers=2,
        days=1,
    ),
    Story(
        "enterprise2",
        Posting("铜排接头发热，想拍温度分布，看是不是接触不良。", _type("红外热像仪", 0.8, "温度分布"), answer_hours=24),
        days=14,
        later=9,
        ends="expire",
    ),
    Story(
        "enterprise",
        Posting("阀体中性盐雾 96 小时，样品还没有备齐。", _type("盐雾试验箱", 0.9, "中性盐雾"), answer_hours=120),
        days=9,
        later=1,
        ends="withdraw",
    ),
    Story(
        "330502",
        Posting("木地板甲醛释放量，出口美国要按 TSCA。", _type("紫外-可见分光光度计", 0.7, "甲醛"), answer_hours=72),
        days=8,
        later=2,
        ends="close",
    ),
)
"""The first three are about today, so that a world may be tried at once; the others show what became of needs."""
