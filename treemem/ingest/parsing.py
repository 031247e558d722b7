"""Reads a file that others made, in a process of its own: `python -m treemem.ingest.parsing .docx plain < FILE`.

The parsers are compiled, and files are anybody's: what crashes, hangs or fills the memory is this process, and not the
memory's. It writes a JSON list of [page or null, Markdown, picture or null] to its output, or ends with a message on
its error output. A page of a PDF without a text that is not blank is a picture: with "look" instead of "plain" as PNG
in base64, else empty.
xberg reads most formats; liteparse reads PDFs, whose tables and headings it keeps; the standard library e-mail.
"""

from __future__ import annotations

import asyncio
import base64
import email
import email.policy
import io
import json
import re
import sys
import zipfile
from collections.abc import Iterator
from os import _exit as end_process
from typing import Any

Pages = list[tuple[int | None, str, str | None]]

#: Bytes and members that a packed file may have unpacked.
MOST_UNPACKED, MOST_MEMBERS = 200_000_000, 10_000
#: Bytes of memory that this process may take.
MOST_MEMORY = 3_000_000_000
#: Pages of a PDF that are read at once.
_WINDOW = 20
#: Bytes of the pictures of scanned pages, all together, and pixels of their longer side.
MOST_DRAWN, MOST_PIXELS = 200_000_000, 3_000
#: Pixels in an inch of a page that a model looks at, and of one of which only is asked whether anything is on it.
_READABLE, _COARSE = 150, 36
_OFFICE = "application/vnd.openxmlformats-officedocument."
MIME_TYPES = {
    ".docx": _OFFICE + "wordprocessingml.document",
    ".pptx": _OFFICE + "presentationml.presentation",
    ".xlsx": _OFFICE + "spreadsheetml.sheet",
    ".epub": "application/epub+zip",
    ".html": "text/html",
    ".htm": "text/html",
}
_PACKED = (".docx", ".pptx", ".xlsx", ".epub")
_CHARSET = re.compile(r"charset\s{0,5}=\s{0,5}[\"']?([\w-]{1,40})", re.IGNORECASE)
_HEADERS = ("From", "To", "Cc", "Date")


def pages_of(content: bytes, suffix: str, *, look: bool) -> Pages:
    """Return the pages of a file, those without a text as pictures if a model will `look` at them. Whatever a parser
    raises goes on.
    """
    if suffix == ".pdf":
        return list(_pdf(content, look))
    if suffix == ".eml":
        return [(None, _mail(content), None)]
    if suffix in _PACKED:
        _check_packed(content)
    if suffix in (".html", ".htm"):
        content = _as_utf8(content)
    return [(number, text, None) for number, text in _parsed(content, suffix)]


def _check_packed(content: bytes) -> None:
    """Raise ValueError for an archive that unpacks to too much; what its directory says of sizes is not believed."""
    total = 0
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if len(archive.infolist()) > MOST_MEMBERS:
            raise ValueError(f"it has more than {MOST_MEMBERS} members")
        for member in archive.infolist():
            with archive.open(member) as file:
                while piece := file.read(1 << 20):
                    total += len(piece)
                    if total > MOST_UNPACKED:
                        raise ValueError(f"it unpacks to more than {MOST_UNPACKED} bytes")


def _as_utf8(content: bytes) -> bytes:
    found = _CHARSET.search(content[:4096].decode("latin-1"))
    for encoding in ("utf-8-sig", found[1] if found else "utf-8", "cp1252"):
        try:
            return content.decode(encoding).encode()
        except (UnicodeDecodeError, LookupError):
            continue
    return content


def _pdf(content: bytes, look: bool) -> Iterator[tuple[int, str, str | None]]:
    import liteparse

    def parsed(pages: str, **options: Any) -> Any:
        return liteparse.LiteParse(ocr_enabled=False, quiet=True, target_pages=pages, **options).parse(content)

    total = None
    first, size = 1, 0
    while total is None or first <= total:
        window = f"{first}-{first + _WINDOW - 1}"
        found = parsed(window, output_format="markdown", keep_headers_footers=True)
        total = found.total_pages
        pictures: dict[int, str] = {}
        if bare := [page for page in found.pages if not page.text.strip()]:
            longest = max(max(page.width, page.height) for page in bare)  # in points, 72 to an inch
            dpi = min(_READABLE if look else _COARSE, 72 * MOST_PIXELS / max(longest, 1))
            named = ",".join(str(page.page_num) for page in bare)
            taken = parsed(named, extract_screenshots=True, dpi=dpi).screenshots or ()
            pictures = {each.page_num: _base64(each.image_bytes, look) for each in taken if not each.is_solid_fill}
        size += sum(map(len, pictures.values()))
        if size > MOST_DRAWN:
            raise ValueError(f"its scanned pages have more than {MOST_DRAWN} bytes; split it first")
        for page in found.pages:
            yield page.page_num, page.markdown if page.text.strip() else "", pictures.get(page.page_num)
        first += _WINDOW


def _base64(image: bytes, look: bool) -> str:
    return base64.b64encode(image).decode("ascii") if look else ""


def _parsed(content: bytes, suffix: str) -> Iterator[tuple[int | None, str]]:
    import xberg

    config = xberg.ExtractionConfig(
        use_cache=False,
        disable_ocr=True,  # else models are fetched for scanned pages
        output_format="markdown",
        escape_markdown=False,
        include_document_structure=True,
        pages=xberg.PageConfig(extract_pages=True),
        max_archive_depth=0,
        extraction_timeout_secs=100,
        concurrency=xberg.ConcurrencyConfig(max_threads=1),
        security_limits=xberg.SecurityLimits(max_archive_size=MOST_UNPACKED, max_pages=5_000),
    )
    given = xberg.ExtractInput(
        kind=xberg.ExtractInputKind.BYTES, bytes=content, mime_type=MIME_TYPES[suffix], filename=f"file{suffix}"
    )

    async def extract() -> Any:
        return await xberg.extract(given, config)

    found = asyncio.run(extract()).results[0]
    held: list[str] = []
    number: int | None = None
    for node in found.document.nodes:
        page = node.page if suffix == ".pptx" else None  # its slides; other formats have no pages of their own
        if page != number and held:
            yield number, "\n".join(held)
            held = []
        number = page
        for block in _block(json.loads(str(node.content)), suffix):
            listed = bool(held) and block.startswith("- ") and held[-1].startswith("- ")
            held += [block] if listed or not held else ["", block]
    if held:
        yield number, "\n".join(held)


def _block(content: dict[str, Any], suffix: str) -> Iterator[str]:
    """Yield a node of the parser's tree as Markdown; one that only holds others yields nothing."""
    kind, text = content["node_type"], str(content.get("text") or "").strip()
    if kind == "heading" and text:
        yield "#" * min(max(int(content.get("level") or 1), 1), 6) + " " + " ".join(text.split())
    elif kind == "list_item" and text:
        yield "- " + text
    elif kind == "code" and text:
        yield f"```\n{text}\n```"
    elif kind == "table":
        yield _table(content["grid"], escaped=suffix in (".html", ".htm"))
    elif kind in ("paragraph", "quote", "footnote") and text:
        yield text


def _table(grid: dict[str, Any], *, escaped: bool) -> str:
    rows = [[""] * grid["cols"] for _ in range(grid["rows"])]
    for cell in grid["cells"]:
        text = " ".join(str(cell["content"]).split())
        rows[cell["row"]][cell["col"]] = text if escaped else text.replace("|", r"\|")
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([*lines[:1], "|" + "---|" * grid["cols"], *lines[1:]])


def _mail(content: bytes) -> str:
    """Return an e-mail as Markdown: subject, sender, receivers, date, what it says, what is attached."""
    message = email.message_from_bytes(content, policy=email.policy.default)
    heads = [f"{name}: {message[name]}" for name in _HEADERS if message[name]]
    body = message.get_body(preferencelist=("plain", "html"))
    text = ""
    if body is not None:
        said = body.get_content()
        text = said if body.get_content_subtype() == "plain" else _html(said)
    names = [str(part.get_filename() or part.get_content_type()) for part in message.iter_attachments()]
    parts = [f"# {' '.join(str(message['Subject'] or 'E-mail').split())}", "\n".join(heads), text.strip()]
    parts += [f"Attached: {', '.join(names)}"] if names else []
    return "\n\n".join(part for part in parts if part)


def _html(text: str) -> str:
    return "\n\n".join(markdown for _, markdown in _parsed(text.encode("utf-8", "replace"), ".html"))


def main() -> None:
    """Read a file from the input and write its pages to the output; end at once, before compiled code says goodbye."""
    if sys.platform != "win32":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        most = MOST_MEMORY if hard == resource.RLIM_INFINITY else min(MOST_MEMORY, hard)
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    code = 0
    try:
        told = json.dumps(pages_of(sys.stdin.buffer.read(), sys.argv[1], look=sys.argv[2] == "look"))
        sys.stdout.buffer.write(told.encode("ascii"))
        sys.stdout.buffer.flush()
    except ModuleNotFoundError as error:
        sys.stderr.write(f"missing {error.name}")
        code = 3
    except BaseException as error:
        sys.stderr.write(f"{type(error).__name__}: {error}"[:500])
        code = 2
    sys.stderr.flush()
    end_process(code)


if __name__ == "__main__":
    main()
