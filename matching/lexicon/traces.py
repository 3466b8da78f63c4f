"""Read a need whose words stand in no entry, by traces: pieces of words that the entries of one type share and others do not have.

"共定位" is no entry, but it occurs only in entries of the confocal microscope. A trace weighs less than any phrase that was found, and
counts only if it belongs almost wholly to few types. It is the last resort before asking.
"""

import re
from collections import Counter, defaultdict
from typing import Final

from matching.lexicon import Phrase, live, phrases
from matching.lexicon.finder import COMMON, Found
from matching.lexicon.text import HAN, Text, normalise, squeeze, tokens

FIRST: Final = 600
PURE: Final = 0.66
SEEN: Final = 2
HAN_RUN = re.compile(rf"[{HAN}]+")
# Pieces that every trade uses: they name no quantity.
EMPTY: Final = frozenset(
    """
    测试 检测 分析 试验 产品 样品 材料 性能 含量 系统 设备 仪器 测量 测定 方法 质量 结构 制备 加工 处理
    过程 数据 工艺 标准 环境 使用 内部 外观 设计 公司 技术 工程 企业 服务 项目 管理 平台 开发 研究 生产
    时间 中心 报告 要求 需要 影响 变化 分布 大小 效果 能力 条件 表面 一个 几个 不同 进行 怎么 什么 我们
    你们 帮忙 情况 问题 比较 能不 原因 起来 东西 有没 没有 是否 多少 时候 部分 程序 软件 网络 训练 学习
    产地 照片 拍照 图片 视频 推荐 附近 便宜 价格 度测 度分 度计 率测 量测 量分 仪器 试机 验机 验箱 试系
    试仪 析仪 测仪 度和 的力
    """.split()  # noqa: SIM905 (a list of words reads best as words)
)
DULL: Final = frozenset(
    "system analyzer test testing sample material product analysis measurement instrument tester machine equipment model fiber laser polymer".split()  # noqa: SIM905 (a list of words reads best as words)
)


def find_traces(text: Text) -> list[Found]:
    """Return traces in a squeezed text as found phrases of lower quality; empty if no piece points to a type."""
    held = _shares()
    found = []
    for piece, start, end in _pieces(text.chars[:FIRST]):
        types = held.get(piece)
        if types:
            phrase = Phrase((piece,), piece, "phenomenon", types)
            found.append(Found(phrase, start, end, 1.0, whole=False, manner="trace"))
    return found


@live.cached
def _shares() -> dict[str, tuple[tuple[str, int], ...]]:
    """Return for each telling piece the types that own it: weight 3 for the owner, 2 for one that shares half as often."""
    things = "\n".join(phrase.parts[0] for phrase in phrases() if phrase.kind in {"sample", "offscope", "vague"})
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    seen: Counter[str] = Counter()
    for phrase in phrases():
        if phrase.kind in {"sample", "vague", "offscope", "standard"} or len(phrase.parts) > 1:
            continue
        pieces = {piece for piece, _, _ in _pieces(squeeze(normalise(phrase.parts[0])).chars) if piece not in things}
        for piece in pieces:
            seen[piece] += 1
            for name, weight in phrase.types:
                counts[piece][name] += min(weight, 3)
    return {piece: owners for piece, tally in counts.items() if (owners := _owners(tally, seen[piece], len(piece)))}


def _owners(tally: Counter[str], seen: int, size: int) -> tuple[tuple[str, int], ...]:
    (_, most), *_ = ranked = tally.most_common(4)
    if (seen < SEEN and size < 3) or most < PURE * 3 * seen:
        return ()
    return tuple((name, 3 if count == most else 2) for name, count in ranked if count * 2 >= most)


def _pieces(chars: str) -> list[tuple[str, int, int]]:
    """Return the Chinese two- and three-character pieces and the longer Latin stems of a text, with their spans."""
    pieces = []
    for run in HAN_RUN.finditer(chars):
        for size in (2, 3):
            for start in range(run.start(), run.end() - size + 1):
                piece = chars[start : start + size]
                if not any(piece[at : at + 2] in EMPTY for at in range(size - 1)):
                    pieces.append((piece, start, start + size))
    latin = [(word.stem, word.start, word.end) for word in tokens(chars)]
    return pieces + [one for one in latin if len(one[0]) >= 5 and one[0].isalpha() and one[0] not in COMMON and one[0] not in DULL]
