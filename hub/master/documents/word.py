"""Word files as a Chinese office expects them: A4, 宋体 and 黑体 by name, numbered pages, tables with a repeated head, text
that Word and WPS can edit. What is said in them is elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from hub.xml_text import xml_text

TEXT_FONT, HEAD_FONT, LATIN_FONT = "宋体", "黑体", "Times New Roman"
SHORT_TABLE = 14  # rows
HEAD_FILL, ZEBRA_FILL, ALERT = "D9E6EF", "F5F8FA", "B3261E"


class Document:
    """A thin layer over python-docx with this office's looks. Save with `save`."""

    def __init__(self, *, title: str, subject: str = "", landscape: bool = False) -> None:
        import docx
        from docx.enum.section import WD_ORIENT
        from docx.shared import Cm, Pt

        self.docx: Any = docx.Document()
        section = self.docx.sections[0]
        section.page_width, section.page_height = (Cm(29.7), Cm(21.0)) if landscape else (Cm(21.0), Cm(29.7))
        section.orientation = WD_ORIENT.LANDSCAPE if landscape else WD_ORIENT.PORTRAIT
        section.left_margin = section.right_margin = Cm(2.4)
        section.top_margin, section.bottom_margin = Cm(2.5), Cm(2.2)
        self.width = section.page_width - section.left_margin - section.right_margin
        normal = self.docx.styles["Normal"]
        normal.font.size = Pt(11)
        normal.paragraph_format.line_spacing = 1.3
        normal.paragraph_format.space_after = Pt(4)
        _set_fonts(normal, TEXT_FONT)
        for level, size in ((1, 15), (2, 12.5), (3, 11)):
            style = self.docx.styles[f"Heading {level}"]
            style.font.size = Pt(size)
            style.font.bold = True
            style.font.color.rgb = None
            style.paragraph_format.space_before, style.paragraph_format.space_after = Pt(12 if level == 1 else 8), Pt(4)
            style.paragraph_format.keep_with_next = True
            _set_fonts(style, HEAD_FONT)
        core = self.docx.core_properties
        core.title, core.subject, core.author, core.comments = xml_text(title), xml_text(subject), "", ""
        core.language = "zh-CN"
        self._number_pages(section)

    def _number_pages(self, section: Any) -> None:
        from docx.enum.text import WD_ALIGN_PARAGRAPH
        from docx.oxml import OxmlElement
        from docx.oxml.ns import qn
        from docx.shared import Pt

        paragraph = section.footer.paragraphs[0]
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        for kind, text in ((None, "— "), ("begin", None), (None, "PAGE"), ("end", None), (None, " —")):
            run = paragraph.add_run()
            run.font.size = Pt(9)
            if kind:
                mark = OxmlElement("w:fldChar")
                mark.set(qn("w:fldCharType"), kind)
                run._r.append(mark)
            elif text == "PAGE":
                field = OxmlElement("w:instrText")
                field.set(qn("xml:space"), "preserve")
                field.text = text
                run._r.append(field)
            else:
                run.text = text

    def title(self, text: str, *below: str) -> None:
        """The document's title, centred, with smaller lines below."""
        from docx.enum.text import WD_ALIGN_PARAGRAPH
        from docx.shared import Pt

        head = self.docx.add_paragraph()
        head.alignment = WD_ALIGN_PARAGRAPH.CENTER
        head.paragraph_format.space_before, head.paragraph_format.space_after = Pt(6), Pt(2)
        run = head.add_run(xml_text(text))
        run.bold = True
        run.font.size = Pt(20)
        _set_fonts(run, HEAD_FONT)
        for number, words in enumerate(below, 1):
            line = self.docx.add_paragraph()
            line.alignment = WD_ALIGN_PARAGRAPH.CENTER
            line.paragraph_format.space_after = Pt(10 if number == len(below) else 2)
            line.add_run(xml_text(words)).font.size = Pt(10.5)

    def heading(self, text: str, level: int = 1) -> None:
        self.docx.add_heading(xml_text(text), level)

    def paragraph(self, text: str, *, indent: bool = True, small: bool = False, alert: bool = False) -> None:
        """A paragraph; running text is indented by two characters, as letters are."""
        from docx.shared import Pt, RGBColor

        paragraph = self.docx.add_paragraph()
        if indent:
            paragraph.paragraph_format.first_line_indent = Pt(22)
        run = paragraph.add_run(xml_text(text))
        if small:
            run.font.size = Pt(9)
        if alert:
            run.font.color.rgb = RGBColor.from_string(ALERT)

    def table(
        self,
        head: Sequence[str],
        rows: Iterable[Sequence[str]],
        *,
        widths: Sequence[float] | None = None,
        size: float = 9,
        right: Sequence[int] = (),
    ) -> None:
        """A table whose head repeats on every page and whose rows do not break. `widths` are shares of the page, `right` the
        columns to align right. Every cell is text: nothing in it can be a formula."""
        from docx.enum.table import WD_TABLE_ALIGNMENT
        from docx.enum.text import WD_ALIGN_PARAGRAPH
        from docx.oxml import OxmlElement
        from docx.oxml.ns import qn
        from docx.shared import Pt

        listed = [list(r) for r in rows]
        shares = list(widths) if widths else [1.0] * len(head)
        total = sum(shares)
        table = self.docx.add_table(rows=1 + len(listed), cols=len(head))
        table.style = "Table Grid"
        table.alignment = WD_TABLE_ALIGNMENT.CENTER
        table.autofit = False
        _pad_cells(table)
        lengths = [int(self.width * share / total) for share in shares]
        for grid, length in zip(table._tbl.tblGrid.findall(qn("w:gridCol")), lengths, strict=True):
            grid.set(qn("w:w"), str(int(length / 635)))
        repeated = OxmlElement("w:tblHeader")
        repeated.set(qn("w:val"), "true")
        for number, (row, texts) in enumerate(zip(table._tbl.tr_lst, [list(head), *listed], strict=True)):
            properties = row.get_or_add_trPr()
            if number == 0:
                properties.append(repeated)
            unbroken = OxmlElement("w:cantSplit")
            properties.append(unbroken)
            for column, (cell, text) in enumerate(zip(row.tc_lst, texts, strict=True)):
                cell.width = lengths[column]
                paragraph = cell.p_lst[0]
                _fill(cell, HEAD_FILL if number == 0 else ZEBRA_FILL if number % 2 == 0 else None)
                wrapped = _paragraph(paragraph, table)
                wrapped.paragraph_format.space_after = Pt(0)
                wrapped.paragraph_format.line_spacing = 1.1
                # a short table is not torn in two by the end of a page
                wrapped.paragraph_format.keep_with_next = len(listed) <= SHORT_TABLE and number < len(listed)
                if column in right:
                    wrapped.alignment = WD_ALIGN_PARAGRAPH.RIGHT
                run = wrapped.add_run(xml_text(text))
                run.font.size = Pt(size)
                run.bold = number == 0
        self.docx.add_paragraph().paragraph_format.space_after = Pt(2)

    def bars(self, rows: Sequence[tuple[str, float, str]], *, most: float | None = None) -> None:
        """Bars made of a Word table: (name, value, text). What a chart says when no font can draw Chinese, and edits as text."""
        from docx.shared import Pt

        top = max([most or 0.0, *(v for _, v, _ in rows), 1e-9])
        table = self.docx.add_table(rows=len(rows), cols=3)
        table.autofit = False
        lengths = [int(self.width * share) for share in (0.28, 0.56, 0.16)]
        for row, (name, value, shown) in zip(table.rows, rows, strict=True):
            texts = (name, "█" * max(1 if value > 0 else 0, round(28 * value / top)), shown)
            for cell, text, length in zip(row.cells, texts, lengths, strict=True):
                cell.width = length
                cell.paragraphs[0].paragraph_format.space_after = Pt(0)
                cell.paragraphs[0].add_run(xml_text(text)).font.size = Pt(9)
        self.docx.add_paragraph().paragraph_format.space_after = Pt(2)

    def picture(self, png: bytes, *, share: float = 1.0, described: str = "") -> None:
        """A picture as wide as `share` of the page, with a description for those who cannot see it."""
        from io import BytesIO

        from docx.enum.text import WD_ALIGN_PARAGRAPH

        shape = self.docx.add_picture(BytesIO(png), width=int(self.width * share))
        shape._inline.docPr.set("descr", described)
        self.docx.paragraphs[-1].alignment = WD_ALIGN_PARAGRAPH.CENTER

    def page_break(self) -> None:
        self.docx.add_page_break()

    def save(self, path: Path) -> None:
        """Writes the file whole: it appears under its name only when finished."""
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.part")
        self.docx.save(temporary)
        temporary.replace(path)


def _paragraph(element: Any, parent: Any) -> Any:
    from docx.text.paragraph import Paragraph

    return Paragraph(element, parent)


def _pad_cells(table: Any) -> None:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    margins = OxmlElement("w:tblCellMar")
    for side, twips in (("top", 40), ("start", 90), ("bottom", 40), ("end", 90)):
        margin = OxmlElement(f"w:{side}")
        margin.set(qn("w:w"), str(twips))
        margin.set(qn("w:type"), "dxa")
        margins.append(margin)
    table._tbl.tblPr.append(margins)


def _fill(cell: Any, colour: str | None) -> None:
    if colour is None:
        return
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    shade = OxmlElement("w:shd")
    shade.set(qn("w:val"), "clear")
    shade.set(qn("w:color"), "auto")
    shade.set(qn("w:fill"), colour)
    cell.get_or_add_tcPr().append(shade)


def _set_fonts(target: Any, chinese: str) -> None:
    """Names the font for Chinese characters too; python-docx sets the Latin one only."""
    from docx.oxml.ns import qn

    target.font.name = LATIN_FONT
    fonts = (
        target.element.get_or_add_rPr().get_or_add_rFonts()
        if hasattr(target, "element")
        else target._r.get_or_add_rPr().get_or_add_rFonts()
    )
    fonts.set(qn("w:eastAsia"), chinese)
    for theme in ("w:asciiTheme", "w:hAnsiTheme", "w:eastAsiaTheme", "w:cstheme"):
        fonts.attrib.pop(qn(theme), None)
