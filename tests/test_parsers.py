"""Documents of other formats: headings, tables and pages are kept; hostile files end in a sentence."""

from __future__ import annotations

import io
import zipfile
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.files import pdf
from treemem import InvalidInputError
from treemem.ingest.documents import as_document
from treemem.ingest.markdown import passages, sections
from treemem.ingest.parsers import PARSED
from treemem.models.llm import Picture

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def docx(body: str) -> bytes:
    """The least that is a DOCX, with the styles of two levels of headings."""
    held = io.BytesIO()
    style = '<w:style w:type="paragraph" w:styleId="Heading{0}"><w:name w:val="heading {0}"/></w:style>'
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        main = "application/vnd.openxmlformats-officedocument.wordprocessingml."
        relations = "application/vnd.openxmlformats-package.relationships+xml"
        parts = "".join(
            f'<Override PartName="/word/{name}.xml" ContentType="{main}{kind}+xml"/>'
            for name, kind in (("document", "document.main"), ("styles", "styles"))
        )
        types = f'<Default Extension="rels" ContentType="{relations}"/>{parts}'
        archive.writestr("[Content_Types].xml", f'<Types xmlns="{_PACKAGE}/content-types">{types}</Types>')
        kinds = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
        one = f'<Relationship Id="r" Type="{kinds}/{{}}" Target="{{}}"/>'
        relation = f'<Relationships xmlns="{_PACKAGE}/relationships">{one}</Relationships>'
        archive.writestr("_rels/.rels", relation.format("officeDocument", "word/document.xml"))
        archive.writestr("word/_rels/document.xml.rels", relation.format("styles", "styles.xml"))
        archive.writestr("word/styles.xml", f'<w:styles xmlns:w="{_W}">{style.format(1)}{style.format(2)}</w:styles>')
        archive.writestr("word/document.xml", f'<w:document xmlns:w="{_W}"><w:body>{body}</w:body></w:document>')
    return held.getvalue()


def paragraph(text: str, level: int = 0) -> str:
    style = f'<w:pPr><w:pStyle w:val="Heading{level}"/></w:pPr>' if level else ""
    return f"<w:p>{style}<w:r><w:t>{text}</w:t></w:r></w:p>"


def read(content: bytes, name: str) -> list[tuple[str, int | None, str]]:
    """The passages of a document: the heading above, the page, the text."""
    document = as_document({"name": name, "content": content})
    return [(s.title, p.page, p.text) for s in sections(document.pages) for p in passages(s)]


HTML = """<html><head><meta charset="{0}"><title>t</title><script>alert(1)</script></head><body>
<h1>Größe</h1><p>Eins 猫.</p><h2>Zwei</h2><ul><li>a</li><li>b</li></ul>
<table><tr><th>k</th><th>v</th></tr><tr><td>x</td><td>1</td></tr></table></body></html>"""


def test_html_keeps_headings_lists_and_tables_in_any_encoding() -> None:
    for encoding in ("utf-8", "gb18030"):
        found = read(HTML.format(encoding).encode(encoding), "a.html")
        assert found[0] == ("Größe", None, "Eins 猫.")
        assert ("Zwei", None, "- a\n- b") in found
        assert ("Zwei", None, "| k | v |\n|---|---|\n| x | 1 |") in found
        assert "alert" not in str(found)


def test_docx_keeps_headings() -> None:
    body = paragraph("One", 1) + paragraph("First words.") + paragraph("Two", 2) + paragraph("第二句在这里。")
    assert read(docx(body), "a.docx") == [("One", None, "First words."), ("Two", None, "第二句在这里。")]


def test_pdf_says_the_page() -> None:
    pages = [f"Words of page {n} stand here." for n in range(1, 46)]
    found = read(pdf(*pages), "a.pdf")
    assert [(page, text) for _, page, text in found] == list(enumerate(pages, 1))
    assert as_document(pdf("Found by its first bytes.")).pages[0].number == 1


def test_pages_of_a_pdf_that_are_pictures_are_told_from_blank_ones() -> None:
    content = {"name": "a.pdf", "content": pdf("The first page.", None, "", "The last page.")}
    document = as_document(content)
    assert [page.text for page in document.pages] == ["The first page.", "", "", "The last page."]
    assert [(page.number, page.picture) for page in document.pictures] == [(2, Picture(b"", "image/png"))]
    (looked_at,) = as_document(content, look=True).pictures
    assert looked_at.picture is not None
    assert looked_at.picture.content.startswith(b"\x89PNG")


def test_a_page_as_large_as_a_wall_is_drawn_small() -> None:
    content = pdf("Words.", None).replace(b"[0 0 595 842]", b"[0 0 14400 14400]")
    (page,) = as_document({"name": "a.pdf", "content": content}, look=True).pictures
    assert page.picture is not None
    assert len(page.picture.content) < 200_000


def test_mail_says_who_wrote_to_whom() -> None:
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = "Die Größe", "ann@example.org", "bo@example.org"
    mail.set_content("The key is under the mat.")
    mail.add_attachment(b"x", maintype="application", subtype="pdf", filename="plan.pdf")
    ((title, _, text),) = read(mail.as_bytes(), "a.eml")
    assert title == "Die Größe"
    for words in ("From: ann@example.org", "The key is under the mat.", "Attached: plan.pdf"):
        assert words in text


def test_what_cannot_be_read_ends_in_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("word/document.xml", "w") as file:
        for _ in range(210):
            file.write(b"a" * 1_000_000)
    for suffix in PARSED:
        if suffix not in (".html", ".htm", ".eml"):  # in these anything is text
            with pytest.raises(InvalidInputError, match=f"cannot be read as {suffix}"):
                read(b"no such file", f"a{suffix}")
    with pytest.raises(InvalidInputError, match="unpacks to more than"):
        read(bomb.getvalue(), "a.docx")
    with pytest.raises(InvalidInputError, match="say what it is by a name"):
        as_document(b"\0\1\2")
    with pytest.raises(InvalidInputError, match="no picture that a model takes"):
        read(b"\x89PNG\0", "a.png")
    (tmp_path / "xberg.py").write_text("raise ModuleNotFoundError(\"No module named 'xberg'\", name='xberg')")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(InvalidInputError, match=r"treemem\[documents\]"):
        read(b"<p>x</p>", "a.html")
