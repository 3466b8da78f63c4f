"""The words and signs of specifications: numbers, comparisons, what belongs to a name and is no number. Patterns only; `matching.specs` reads.

Matching is on text whose signs were made alike by `SIGNS`.
"""

import re
from typing import Final, Literal

Op = Literal["<", "<=", ">", ">=", "=", "range", "±"]

SIGNS: Final = str.maketrans(
    {
        "−": "-",
        "﹣": "-",
        "－": "-",
        "＋": "+",
        "～": "~",
        "〜": "~",
        "∼": "~",
        "﹤": "<",
        "＜": "<",
        "＞": ">",
        "≦": "≤",
        "≧": "≥",
        "⩽": "≤",
        "⩾": "≥",
        "：": ":",
        "．": ".",
        "＝": "=",
        "＠": "@",
        "　": " ",
        "\u00a0": " ",
        "\u2009": " ",
        "\u202f": " ",
        "；": ";",
        "［": "[",
        "］": "]",
    }
    | {chr(0xFF10 + n): str(n) for n in range(10)}
    | {chr(0xFF21 + n): chr(65 + n) for n in range(26)}
    | {chr(0xFF41 + n): chr(97 + n) for n in range(26)}
)
"""One sign for one sign, so that places in the text stay."""

MANTISSA: Final = r"(?:\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|(?<![\d])\.\d+)"
TIMES: Final = (
    r"\s*(?:[×xX*·]\s*10\s?(?:\^\s?\(?\s?([-+]?\s?\d{1,2})\)?|([⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,2})|"
    r"(-\s?\d{1,2}(?![\d~-]))|([4-9]|1\d)(?=\s?[A-Za-zΩµ个次/,;]|$))|[eE]([-+]?\d{1,2})(?:(?<=[-+]\d)|(?<=[-+]\d\d)|(?![A-Za-z]))(?![\d.]))"
)
POWER: Final = r"10\s?(?:\^\s?\(?\s?([-+]?\s?\d{1,2})\)?|([⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,2}))"
NUMBER: Final = re.compile(
    rf"(?P<sign>零下|负|[-+])?\s?(?:(?P<power>{POWER})|"
    rf"(?P<mantissa>{MANTISSA})(?P<times>{TIMES})?)\s?(?P<scale>[百千万亿](?![分克赫帕伏瓦牛安焦米卡兆位])|万亿)?"
)
SCALE: Final = {"百": 1e2, "千": 1e3, "万": 1e4, "亿": 1e8, "万亿": 1e12}
CONNECT: Final = re.compile(r"\s*(?:~|-|–|—|--|——|至|到|to|…|\.\.\.?|÷)\s*")
ROOM: Final = re.compile(
    r"(?:室温|常温|环境温度|RT|R\.T\.|ambient|room temperature|环温|(?<![A-Za-z])DC)(?:\s?[+±]\s?\d+\s?(?:℃|°C|K)?)?\s*(?:~|-|–|—|至|"
    r"到|to)\s*",
    re.IGNORECASE,
)
CROSS: Final = re.compile(r"\s*(?:\([^()]{1,6}\)|[长宽高深LWHDXYZ])?\s*[×xX*✕╳]\s*")
CLAUSE: Final = re.compile(r"[,;，。;、|\n\t]|(?<=\s)/(?=\s)")
NAMELESS: Final = re.compile(
    r"m/z|pH|折射率|吸光度|放大|倍率|消光比|数值孔径|质荷比|质量数|原子序数|通道数?$|像素|样品数|"
    r"信噪比|S/N|SNR|VSWR|(?<![A-Za-z])NA$|分辨率|resolution|动态范围|阶|因数|系数|比$|数$|指数|次数|个数",
    re.IGNORECASE,
)

WORDS: Final[tuple[tuple[str, Op], ...]] = (
    (
        (
            r"不高于|不大于|不超过|不多于|不超出|不得大于|不得超过|小于等于|小于或等于|≤|<=|=<|至多|最多|上限|控制在|"
            r"not? (?:more|greater|higher) than|"
            r"not exceed(?:ing)?|at most|within|no larger than|max\. ?of"
        ),
        "<=",
    ),
    (
        (
            r"不低于|不小于|不少于|不短于|不得低于|不得小于|大于等于|大于或等于|≥|>=|=>|至少|最少|起码|下限|"
            r"不应低于|at least|no(?:t)? (?:less|lower|smaller|fewer) than|minimum of"
        ),
        ">=",
    ),
    (r"可达到?|高达|最远|测到|up to|as (?:low|high) as|可至|可到|(?<=[^a-z])to(?= *$)", "<="),
    (r"优于|好于|better than|高出", "<="),
    (r"低于|小于|少于|短于|弱于|<|less than|lower than|below|under|smaller than", "<"),
    (r"高于|大于|多于|超过|长于|>|more than|greater than|higher than|above|over|larger than|exceed(?:ing|s)?", ">"),
)
BEFORE: Final = re.compile("|".join(f"(?P<w{n}>{words})" for n, (words, _) in enumerate(WORDS)), re.IGNORECASE)
AFTER: Final = re.compile(
    r"\s*(?:\(含\))?\s*(?:(?P<ge>(?:及|或|和|以)?(?:以上|更高|更大)|起|\s?min(?![a-z/])|\s?or more|\s?and above)|"
    r"(?P<le>(?:及|或|和)?(?:以下|以内|之内|内(?![径腔部箱存])|更低|更小)|\s?max(?![a-z])|\s?or less|\s?and below))",
    re.IGNORECASE,
)
RISING: Final = re.compile(r"信噪比|S/N|纯度|效率|灵敏度.*倍|透过率|回收率|保真|隔离度|抑制比|线性相关|相关系数|消光比|量子产率|真空度以上")
CONDITION_BEFORE: Final = re.compile(r"(?:@|(?<![A-Za-z])at|偏移|频偏|偏离|在|当|under)\s*[^\d,;，；、]{0,8}$", re.IGNORECASE)
CONDITION_AFTER: Final = re.compile(r"\s*(?:处|时|条件下|下(?!限)|环境下|负载下)")
DIFFERENCE: Final = re.compile(
    r"波动|均匀|偏差|精度|误差|分辨|温差|温场|稳定|准确|漂移|重复|允差|过冲|梯度|公差|温升|控温|噪声|灵敏|accuracy|resolution|uniform|stabil|"
    r"fluctuat|deviation|NETD|差",
    re.IGNORECASE,
)
FORCE: Final = re.compile(
    r"载荷|负荷|试验力|拉力|压力|推力|吨位|锁模|合模|拉伸|压缩|万能|承载|加载|冲力|锻|load|force|试验机|千斤顶|张力|锚", re.IGNORECASE
)
SHAKE: Final = re.compile(r"加速度|振动|冲击|过载|离心|耐震|accel|shock|vibrat|centrifug|RCF", re.IGNORECASE)
CODES: Final = re.compile(
    r"(?:GB|GB/T|GJB|JJG|JJF|JB|JB/T|HG/T|YB/T|SJ|QB|DB|ISO|IEC|ASTM|EN|DIN|JIS|UL|MIL|AEC|IPC|CISPR|ISTA|"
    r"SAE|NB/T|DL/T|YY/T|YY|HJ|CJ/T)(?:[-/ ]?[A-Z]{1,4})?[- ]?\d[\d.\-—:/]*(?:[A-Z]\d*)?"
    r"|IP[0-9X]{2}K?(?![\d.])|No\.\s?\d+|第\d+[号章条]|\d{4}年版?|(?<!\d)\d{1,12}(?:\.\d{1,6}){0,2}\s?(?:元|块钱|万元)|(?<![\d.])(?:1H|"
    r"13C|15N|19F|31P|2H)(?![A-Za-z])|(?<=\d):\d+(?![\d:])|(?<![\d.])1:(?=\d)|"
    r"(?<![\d.])\(?[\d.]{1,9}\s?\+\s?[\d.]{0,9}[LD]/\d{1,5}\)?\s?µm"
    r"|\([\d.]{1,9}\s?mm\s?\+[^()]{1,16}\)|\d位半"
    r"|(?:室温|常温|环温|环境温度|RT)\s?[+±]\s?\d+(?=\s?(?:℃|°C|K)?\s?[~至到-])|V\d+\.\d+|USB\s?\d(?:\.\d)?|Win(?:dows)?\s?\d+"
)
NAMES: Final = {"相噪": "相位噪声"}
