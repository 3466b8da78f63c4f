"""Take out of a text that others will read what leads to a person, an account or a firm: numbers, addresses, chat names, names of companies.

A rule of thumb, not a proof: what nobody would take for a number stays. Long runs of digits go, figures with a unit or a decimal point stay. Full
width is read like half width; blanks, dashes and invisible characters between digits do not hide a number.
"""

from __future__ import annotations

import re
from typing import Final

BLANK: Final = "×××"

_NARROW: Final = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20, 0xFE55: 0x3A, 0x3002: 0x2E}
_GAP: Final = r"[ \-—–_./·()\u200b-\u200f\u202a-\u202e\u2060\ufeff]{0,3}"
_HAN: Final = r"\u4e00-\u9fff"
_SURNAMES: Final = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆"
    "郝孔白崔康毛邱秦江史顾侯邵孟龙万段钱汤尹黎易常武乔贺赖龚文俞楼应章裘"
)
_TITLES: Final = "先生|女士|小姐|经理|主任|总监|老师|老板|厂长"
_FIRMS: Final = "有限责任公司|股份有限公司|有限公司|股份公司|责任公司|集团公司|集团"
_BEFORE_A_FIRM: Final = "我们|我司|我厂|本公司|贵司|[是为在由给到向从和与及找请跟送让帮叫]"

_STANDARDS: Final = "GB|DB|HJ|JB|YY|QB|SH|HG|TB|JG|CJ|NY|SC|SN|LY|FZ"

PATTERNS: Final = (
    re.compile(
        r"(?<![a-z0-9_.+\-])[a-z0-9_.+\-]{1,64}\s?(?:@|\(at\)|\[at\])\s?[\w\-]{1,63}"
        r"(?:\s?\.\s?[\w\-]{1,63}){0,6}\s?\.\s?[a-z]{2,10}(?![a-z])",
        re.IGNORECASE,
    ),
    re.compile(rf"(?:https?://|www\.)[^\s，,;、){_HAN}]+|(?<![a-z0-9.\-])(?:[a-z0-9\-]{{1,63}}\.){{1,6}}(?:com|cn|net|org|vip|top)\b", re.IGNORECASE),
    re.compile(rf"(?<!\d)(?:\d{_GAP}){{17}}[0-9Xx](?![0-9A-Za-z])"),
    re.compile(r"(?<![0-9A-Z])(?=[0-9A-Z]*[0-9]{6})[0-9A-HJ-NPQRTUWXY]{18}(?![0-9A-Z])", re.IGNORECASE),
    re.compile(rf"(?<![\d.])(?:\+?\s?(?:00)?86{_GAP})?1{_GAP}[3-9](?:{_GAP}\d){{9}}(?!\d)"),
    re.compile(rf"(?<![\d.])(?:0\d{{2,3}}|\+?86{_GAP}[1-9]\d{{1,2}}){_GAP}[2-9](?:{_GAP}\d){{6,7}}(?!\d)"),
    re.compile(r"(?<![\d.])[3-6]\d{3}(?:[ \-]?\d{4}){3}(?:[ \-]?\d{1,4})?(?![\d.])"),
    re.compile(r"(?<=电话|手机|座机|致电|热线)[号码]{0,2}[是为]?[: ]{0,3}[2-9]\d{3}[ \-]?\d{3,4}(?!\d)"),
    re.compile(r"(?<![\d.])[48]00[ \-]?\d{3}[ \-]?\d{4}(?!\d)"),
    re.compile(r"[零〇一二三四五六七八九幺两]{7,}"),
    re.compile(
        rf"(?:微信|薇信|威信|企微|钉钉|抖音|wechat|weixin|whatsapp|telegram|skype|(?<![a-z])vx|(?<![a-z])v信|QQ|扣扣|(?<=加)v)(?:号码?|群|同号)?"
        rf"\s?[:是为]?\s?[A-Za-z0-9_\-]{{5,20}}(?![{_HAN}]?\d)",
        re.IGNORECASE,
    ),
    re.compile(
        rf"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼](?!(?:{_STANDARDS})[\dT])[A-HJ-NP-Z][·\s]?"
        r"(?=[A-HJ-NP-Z0-9]*\d)[A-HJ-NP-Z0-9]{5,6}(?![0-9A-Z])",
        re.IGNORECASE,
    ),
    re.compile(rf"(?<=联系人|负责人)[: 是为]{{0,3}}[{_HAN}]{{2,4}}"),
    re.compile(rf"[{_SURNAMES}][{_HAN}]{{0,2}}?(?:{_TITLES})"),
    re.compile(rf"(?:(?!{_BEFORE_A_FIRM})[{_HAN}A-Za-z0-9·()]){{2,24}}?(?:{_FIRMS})"),
    re.compile(r"\b[A-Z][\w&\-]*(?: [A-Z][\w&\-]*){0,5},? (?:Co\.?,? ?Ltd|Ltd|Inc|GmbH|LLC|Corp)\b\.?"),
)
"""Mail, web, identity card, credit code, mobile, landline, card, short numbers after 电话, service numbers, digits as characters, chat names,
number plates, persons, firms."""


def scrub(text: str, *names: str | None) -> str:
    """Return the text with what would lead to a person, an account or a firm replaced by ×××; `names` are firms that it must not name.

    >>> scrub("断口形貌，电话 13800138000 或 a.b@c.cn")
    '断口形貌，电话 ××× 或 ×××'
    >>> scrub("300 kN 拉伸，GB/T 228.1-2021，预算 12000 元，0.05 mm")
    '300 kN 拉伸，GB/T 228.1-2021，预算 12000 元，0.05 mm'
    >>> scrub("１３８　００１３　８０００，明德传动的轴承", "浙江明德传动", "明德传动")
    '×××，×××的轴承'
    """
    for pattern in (*_naming(names), *PATTERNS):
        spans = [found.span() for found in pattern.finditer(text.translate(_NARROW))]
        for start, end in reversed(spans):
            text = text[:start] + BLANK + text[end:]
    return text


def _naming(names: tuple[str | None, ...]) -> list[re.Pattern[str]]:
    """Return patterns of the names, each whole and without what only says that it is a firm, the longest first."""
    plain = [name.translate(_NARROW).strip() for name in names if name]
    shorter = [re.sub(rf"(?:{_FIRMS})$|\s*,?\s*(?:Co\.?,? ?Ltd|Ltd|Inc)\.?$", "", name) for name in plain]
    found = sorted({name for name in (*plain, *shorter) if len(name) > 2}, key=lambda name: (-len(name), name))
    return [re.compile(re.escape(name), re.IGNORECASE) for name in found]
