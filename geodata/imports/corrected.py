"""The file once more, for those who rather repair it in a spreadsheet: bad cells marked, the reasons in a column of their own."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Final

import xlsxwriter

from geodata.imports.table import UNCOMPUTED, Table

_BESIDE: Final = {"lon": ("lon", "lat", "geometry"), "crs": ("crs", "lon", "lat", "geometry")}


def corrected(table: Table, fields: Mapping[str, str], reasons: Mapping[int, Sequence[tuple[str, str]]], *, heading: str) -> bytes:
    """Return a workbook of the table, rows with faults first.

    `reasons`: row → [(field, sentence)]; `heading` names the last column, which holds the sentences and which an import passes over.
    """
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        bad, head = book.add_format({"bg_color": "#F7CFC8", "border": 1}), book.add_format({"bold": True})
        sheet = book.add_worksheet()
        sheet.freeze_panes(1, 0)
        sheet.write_row(0, 0, (*table.columns, heading), head)
        order = sorted(range(len(table.rows)), key=lambda place: (table.numbers[place] not in reasons, place))
        for line, place in enumerate(order, 1):
            told = reasons.get(table.numbers[place], ())
            marked = {one for field, _ in told for one in _BESIDE.get(field, (field,))}
            for column, (name, text) in enumerate(zip(table.columns, table.rows[place], strict=True)):
                cell = "" if text == UNCOMPUTED else text
                if fields.get(name) in marked:
                    sheet.write_string(line, column, cell, bad)
                elif cell:
                    sheet.write_string(line, column, cell)
            if told:
                sheet.write_string(line, len(table.columns), " ".join(sentence for _, sentence in told))
    return stream.getvalue()
