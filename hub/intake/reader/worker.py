"""The child process that reads files, under limits of memory and time. Its parent is `pool`; nobody else starts it.

Talks in lines of JSON over its standard streams: one request in (`path`, `hidden`, `out`, `whole`), one answer out. Rows travel
as Arrow files in the folder `out`, which the parent made and maps.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    """Reads requests until the parent closes the stream. The first line is the list of known header keys."""
    from hub.intake.reader.limits import limit_this_process

    limit_this_process(int(sys.argv[1]))
    answers = sys.stdout.buffer
    known = frozenset(json.loads(sys.stdin.buffer.readline()))
    for line in sys.stdin.buffer:
        request = json.loads(line)
        try:
            answer = handle(request, known)
            last = False
        except MemoryError:
            answer, last = {"memory": True}, True
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()
        if last:  # what a half-finished parser still holds is not worth finding out
            return


def handle(request: dict[str, Any], known: frozenset[str]) -> dict[str, Any]:
    """One file: its parse, its layout, its rows."""
    from hub.errors import HubError
    from hub.intake.reader.tables import read_tables
    from hub.intake.reader.wire import pack_grids, pack_sheets

    try:
        parsed, sheets = read_tables(Path(request["path"]), known, hidden=request["hidden"])
        if request.get("whole"):
            pack_grids(parsed.grids, Path(request["out"]))
    except HubError as error:
        return {"refusal": [error.message, error.next_step, error.detail], **_what(Path(request["path"]), error)}
    except OSError as error:
        return {"missing": type(error).__name__}
    except Exception as error:  # noqa: BLE001  whatever a hostile file makes a parser raise is that file's refusal
        _raise_if_memory(error)
        return {"crash": f"{type(error).__name__} at {_place(error)}"}
    return {
        "format": parsed.format,
        "encoding": parsed.encoding,
        "encrypted": parsed.encrypted,
        "remarks": parsed.remarks,
        "sheets": pack_sheets(sheets, Path(request["out"])),
    }


def _what(path: Path, error: Exception) -> dict[str, Any]:
    """What a refused file is, as far as its bytes tell."""
    from hub.intake.reader.model import LockedError
    from hub.intake.reader.sniff import sniff

    return {"format": sniff(path.read_bytes()), "encrypted": isinstance(error, LockedError)}


def _raise_if_memory(error: Exception) -> None:
    """Libraries dress up "out of memory" in errors of their own."""
    text = f"{type(error).__name__} {error}".lower()
    if "memory" in text or "malloc" in text or "alloc" in text:
        raise MemoryError from error


def _place(error: Exception) -> str:
    """Module and line where it was raised: no word of the file's content goes to a log."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "?"


if __name__ == "__main__":
    main()
