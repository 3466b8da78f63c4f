"""Say what the words around a number mean: which quantity it is, and how the value is compared."""

import re

from matching.specnumbers import Number
from matching.specwords import AFTER, BEFORE, NAMES, RISING, ROOM, WORDS, Op


def op(plain: str, gap: str, number: Number, name: str) -> Op:
    """Return the operator that the words before and behind a number say; none is "="."""
    said = re.split(r"[,;，、；。](?=\s*[^\s])", gap)[-1]
    if re.search(r"±\s*$|\+/-\s*$", gap):
        return "±"
    if ROOM.search(gap) and ROOM.search(gap).end() == len(gap):  # type: ignore[union-attr]
        return "<="
    after = AFTER.match(plain, number.end)
    found = max(BEFORE.finditer(said), key=re.Match.end, default=None)  # the last one before the number decides
    if found is None:
        return "=" if after is None else (">=" if after["ge"] else "<=")
    n = next(n for n in range(len(WORDS)) if found[f"w{n}"])
    return ">=" if n == 3 and RISING.search(name + gap) else WORDS[n][1]


def name(gap: str, earlier: str) -> str:
    """Return the quantity that the words before a number name; the one of the same clause before when there are none."""
    words = re.split(r"[,;，、；。|]", gap)[-1]
    words = ROOM.sub("", words)
    words = re.sub(r"^\s*(?:以上|以下|以内|之内|起|左右|max|min)\s*", "", words)
    words = re.sub(r"\([^()]*\)|[()\[\]{}（）【】]", "", words)
    words = BEFORE.sub(" ", words)
    words = words.replace("m/z", "质荷比").replace("M/Z", "质荷比")
    words = re.sub(r"[:=≈~±@/\-–—+<>≤≥]+", " ", words).strip()
    words = re.sub(r"^(?:处|时|下|的)\s*", "", words)
    words = re.sub(
        r"测量范围|测试范围|工作范围|使用范围|量程范围|范围|区间|(?<=.)(?:约|为|是|在|达到?|从|由)$|^(?:约|为|是|达到?|从|由|其|且|可检|可测|配|带|单通道|每通道|在)",
        "",
        words,
    ).strip()
    words = re.sub(r"^(?:最大|最高|最小|最低|最远|额定|max(?:imum)?\.?|min(?:imum)?\.?)(?=.)", "", words, flags=re.IGNORECASE).strip(" :：的为")
    words = re.sub(r"\s+", " ", words)
    return NAMES.get(words, words) if words else earlier
