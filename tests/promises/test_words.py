"""The project speaks of itself alone, and every text that a person sees can be read in both languages."""

import re
import subprocess
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parents[2]
TRACKED = [ROOT / name for name in subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).split("\n") if name]
TEXTS = [path for path in TRACKED if path.exists() and path.suffix not in {".png", ".po"} and path.name != "test_words.py"]
FOREIGN = re.compile(r"\.\./shared|/work/|/root/|registry\.npmjs|files\.pythonhosted|pypi\.org|deb\.debian")
HAN = re.compile(r"[\u4e00-\u9fff]")


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_file_speaks_of_the_machine_that_made_it(path):
    assert not FOREIGN.search(path.read_text("utf-8", errors="replace"))


def messages():
    with (ROOT / "app" / "translations" / "babel.cfg").open() as mapping:
        methods, options = parse_mapping_cfg(mapping)
    keywords = {"_": None, "gettext": None, "N_": None, "ngettext": (1, 2), "lazy_gettext": None, "pgettext": ((1, "c"), 2)}
    found = extract_from_dir(ROOT, method_map=methods, options_map=options, keywords=keywords)
    return {message if isinstance(message, str) else message[0] for _, _, message, _, _ in found} - {""}


def catalogue():
    path = ROOT / "app" / "translations" / "en" / "LC_MESSAGES" / "messages.po"
    return {(m.id if isinstance(m.id, str) else m.id[0]): m for m in read_po(BytesIO(path.read_bytes()), locale="en") if m.id}


def test_every_text_is_translated():
    known = catalogue()
    missing = sorted(text for text in messages() if HAN.search(text) and (text not in known or not _said(known[text])))
    assert missing == []


def test_translations_keep_their_fields():
    fields = re.compile(r"%\(\w+\)s")
    for message in catalogue().values():
        ids, strings = ([x] if isinstance(x, str) else list(x) for x in (message.id, message.string))
        for said in strings:
            assert set(fields.findall(said)) <= set(fields.findall("".join(ids))), message.id


def _said(message):
    return all([message.string] if isinstance(message.string, str) else message.string) and not message.fuzzy


TAG = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<!--.*?-->", re.DOTALL)


@pytest.mark.parametrize("path", sorted((ROOT / "app" / "templates").rglob("*.html")), ids=lambda path: path.name)
def test_templates_hold_no_untranslatable_text(path):
    """What stands between the tags of a template goes through gettext."""
    bare = [line.strip() for line in TAG.sub("", path.read_text("utf-8")).split("\n") if HAN.search(line)]
    assert bare == []
