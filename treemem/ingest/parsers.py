"""Formats that libraries read, each file in a process of its own (see `treemem.ingest.parsing`)."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator

from treemem.checks import shown
from treemem.errors import InvalidInputError
from treemem.ingest.markdown import Page
from treemem.models.llm import Picture

#: The endings of the names of files that want treemem[documents].
PARSED = (".pdf", ".docx", ".pptx", ".xlsx", ".epub", ".html", ".htm", ".eml")
#: Seconds that reading one file may take.
LONGEST = 300
_SIGNS = {b"%PDF-": ".pdf"}
_MISSING = 3


def parsed(content: bytes, suffix: str, name: str | None, *, look: bool = False) -> Iterator[Page]:
    """Yield the pages of a document. One that is a picture has no text, but the picture, which is empty unless a
    model will `look` at it. Raises InvalidInputError for what cannot be read, or is not installed.
    """
    suffix = suffix or next((kind for sign, kind in _SIGNS.items() if content.startswith(sign)), "")
    what = f"document {shown(name)}" if name else "document"
    if not suffix:
        raise InvalidInputError(f"{what}: it is no text; say what it is by a name: {{'name': 'x.pdf', 'content': ...}}")
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "OMP_NUM_THREADS": "1",
    }
    try:
        done = subprocess.run(
            [sys.executable, "-m", "treemem.ingest.parsing", suffix, "look" if look else "plain"],
            input=content,
            capture_output=True,
            env=environment,
            timeout=LONGEST,
        )
    except subprocess.TimeoutExpired as error:
        raise InvalidInputError(f"{what}: reading it takes more than {LONGEST} seconds; split it first") from error
    told = done.stderr.decode("utf-8", "replace").strip()[-300:]
    if done.returncode == _MISSING:
        raise InvalidInputError(f"{what}: {suffix} files want treemem[documents]: pip install 'treemem[documents]'")
    if done.returncode < 0:
        told = "its parser broke off, perhaps for want of memory"
    if done.returncode:
        raise InvalidInputError(f"{what}: it cannot be read as {suffix} ({told or f'exit code {done.returncode}'})")
    for number, text, picture in json.loads(done.stdout):
        if picture is None:
            yield Page(text.replace("\0", ""), number)
        else:
            yield Page("", number, picture=Picture(base64.b64decode(picture), "image/png"))
