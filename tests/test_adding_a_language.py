"""A language is added as `docs/languages.md` says, word for word: the folder of its example, and nothing else."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
#: Where the parts of the worked example go, in their order on the page.
FILES = ("examples.jsonl", "rules.toml", "forms.toml")

JUDGE = """
import json, sys
from tests.test_language import verdict
from treemem.language import fitting
for line in sys.stdin:
    row = json.loads(line)
    print(json.dumps([verdict(row["older"], row["newer"]), fitting(row["newer"])[0].code]))
"""


def test_dutch(tmp_path: Path) -> None:
    blocks = re.findall(r"```(?:json|toml)\n(.*?)```", (ROOT / "docs" / "languages.md").read_text("utf-8"), re.S)
    shutil.copytree(ROOT / "treemem", tmp_path / "treemem", ignore=shutil.ignore_patterns("*.onnx", "__pycache__"))
    shutil.copytree(ROOT / "tests", tmp_path / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    folder = tmp_path / "treemem" / "language" / "packs" / "nl"
    folder.mkdir()
    for name, block in zip(FILES, blocks, strict=True):
        (folder / name).write_text(block, "utf-8")
    done = subprocess.run(
        [sys.executable, "-c", JUDGE],
        input=blocks[0],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    expected = [[json.loads(line)["verdict"], "nl"] for line in blocks[0].splitlines()]
    assert [json.loads(line) for line in done.stdout.splitlines()] == expected
