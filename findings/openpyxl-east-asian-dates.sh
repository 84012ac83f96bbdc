#!/usr/bin/env bash
# A date cell in one of the built-in formats that East Asian spreadsheet programs have besides the
# common ones (ids 27 to 36 and 50 to 58; no file spells them out) comes out of openpyxl as a number
# of days, and so out of pandas.read_excel, without a word. python-calamine knows them.
# One guesses that a cell whose format is a date is a date for the reader, as the other built-in ones are.
# Seen with openpyxl 3.1.5: 42371 where the cell shows 2016年1月2日; python-calamine 0.9.1: 2016-01-02.
# Another surprise of openpyxl on the way out: the text "#N/A" is written as an error (type e).
set -euo pipefail
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
packages=(openpyxl==3.1.5 python-calamine==0.9.1)
if command -v uv >/dev/null; then
    uv venv -q "$made/env"
    uv pip install -q --python "$made/env" "${packages[@]}"
else
    python3 -m venv "$made/env"
    "$made/env/bin/pip" install -q "${packages[@]}"
fi
"$made/env/bin/python" - <<'PYTHON'
import datetime as dt
import io
import zipfile

import openpyxl
import python_calamine

book = openpyxl.Workbook()
book.active["A1"] = 42371
book.active["A1"].number_format = "yyyy-mm-dd"
made, chinese = io.BytesIO(), io.BytesIO()
book.save(made)
with zipfile.ZipFile(made) as old, zipfile.ZipFile(chinese, "w") as new:
    for name in old.namelist():
        # Format 31 is yyyy"年"m"月"d"日" in a Chinese program.
        new.writestr(name, old.read(name).replace(b'numFmtId="164" fontId', b'numFmtId="31" fontId'))
chinese.seek(0)
by_openpyxl = openpyxl.load_workbook(chinese).active["A1"].value
chinese.seek(0)
sheet = python_calamine.CalamineWorkbook.from_filelike(chinese).get_sheet_by_index(0)
((by_calamine,),) = sheet.to_python()
print("openpyxl", openpyxl.__version__, by_openpyxl, "calamine 0.9.1", by_calamine)
assert by_openpyxl == 42371, by_openpyxl
assert by_calamine == dt.date(2016, 1, 2), by_calamine
cell = openpyxl.Workbook().active["A1"]
cell.value = "#N/A"
print("the text #N/A has the type", cell.data_type)
assert cell.data_type == "e", cell.data_type
PYTHON
