"""Child processes that read files: started once, used for many files, killed and replaced when a file is too much.

A worker costs about half a second to start and a few milliseconds a file. Workers are kept for the life of this
process, one for each thread that reads at the same time.
"""

from __future__ import annotations

import atexit
import json
import os
import selectors
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from hub.errors import FormatError
from hub.intake.reader.model import refuse

LARGE_FILE = 16 << 20  # bytes of a file whose reader is not kept: what it took of memory would stay taken
FILES_A_WORKER = 500  # then it is replaced: memory that parsers leave in pieces does not grow for ever

_lock = threading.Lock()
_idle: list[_Worker] = []


class _Worker:
    """One child process. `ask` is not thread-safe: a worker belongs to one caller at a time."""

    def __init__(self, memory_mb: int, known: list[str]) -> None:
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("COOP_HUB_")},
            "MALLOC_ARENA_MAX": "2",  # arenas count against the address space, used or not
            "ARROW_DEFAULT_MEMORY_POOL": "system",
            "OMP_NUM_THREADS": "1",
            "PYTHONIOENCODING": "utf-8",
        }
        environment["PYTHONPATH"] = os.pathsep.join(p for p in sys.path if p)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hub.intake.reader.worker", str(memory_mb)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,  # Ctrl-C is the parent's to handle
        )
        self.owner = os.getpid()
        self.memory_mb = memory_mb
        self.files = 0
        self._buffer = b""
        self._send(known)

    def _send(self, message: Any) -> None:
        stream = self.process.stdin
        if stream is None:  # pragma: no cover - Popen was asked for a pipe
            raise BrokenPipeError
        stream.write(json.dumps(message).encode() + b"\n")
        stream.flush()

    def ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any] | None:
        """The answer, or None when the child died.

        Raises:
            TimeoutError: no answer within `seconds`.
        """
        self.files += 1
        try:
            self._send(request)
        except BrokenPipeError:
            return None
        stream = self.process.stdout
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            if stream is None:  # pragma: no cover - Popen was asked for a pipe
                return None
            selector.register(stream, selectors.EVENT_READ)
            while b"\n" not in self._buffer:
                left = deadline - time.monotonic()
                if left <= 0 or not selector.select(left):
                    raise TimeoutError
                block = os.read(stream.fileno(), 1 << 20)
                if not block:
                    return None
                self._buffer += block
        line, _, self._buffer = self._buffer.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def stop(self) -> None:
        """Ends the child; a child of another process (after a fork) is left alone."""
        if self.owner != os.getpid():
            return
        self.process.kill()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except BrokenPipeError:
                    continue
        self.process.wait()


def _take(memory_mb: int, known: list[str]) -> _Worker:
    with _lock:
        for worker in list(_idle):
            if worker.owner != os.getpid() or worker.memory_mb != memory_mb or worker.process.poll() is not None:
                continue
            _idle.remove(worker)
            return worker
    return _Worker(memory_mb, known)


def _give_back(worker: _Worker) -> None:
    if worker.files >= FILES_A_WORKER:
        worker.stop()
        return
    with _lock:
        _idle.append(worker)


def warm_up(memory_mb: int, known: list[str]) -> None:
    """Starts a worker without waiting for it, so that its imports run while the caller does other things."""
    with _lock:
        if any(w.owner == os.getpid() and w.memory_mb == memory_mb for w in _idle):
            return
    _give_back(_Worker(memory_mb, known))


@atexit.register
def stop_workers() -> None:
    """Ends all idle workers."""
    with _lock:
        workers, _idle[:] = list(_idle), []
    for worker in workers:
        worker.stop()


def read_limited(
    path: Path, out: Path, *, hidden: str, memory_mb: int, seconds: float, known: list[str], whole: bool = False
) -> dict[str, Any]:
    """A file's answer from a child process; `whole` also has it leave the sheets as they stand in `out`.

    Raises:
        FormatError: reading took too much memory or time (a plain refusal is in the answer: `refusal_in`).
    """
    kept = path.stat().st_size < LARGE_FILE
    worker = _take(memory_mb, known)
    try:
        request = {"path": str(path.absolute()), "hidden": hidden, "out": str(out), "whole": whole}
        answer = worker.ask(request, seconds)
    except TimeoutError:
        worker.stop()
        raise refuse(
            f"读取超过 {seconds:.0f} 秒，已中止。文件过大，或内容异常。",
            "请发送方拆分后报送，或确认文件是正常导出的数据表。",
        ) from None
    except BaseException:
        worker.stop()
        raise
    if answer is None or "memory" in answer:
        worker.stop()
        raise refuse(
            f"读取所需内存超过 {memory_mb} MB，已中止。文件过大，或内容异常。",
            "请发送方拆分后报送，或确认文件是正常导出的数据表。",
            "" if answer else f"child ended with {worker.process.returncode}",
        )
    if kept:
        _give_back(worker)
    else:
        worker.stop()
    return answer


def refusal_in(answer: dict[str, Any]) -> FormatError | None:
    """The error an answer of a child carries, if any."""
    if "refusal" in answer:
        message, next_step, detail = answer["refusal"]
        return FormatError(message, next_step=next_step, detail=detail)
    if "missing" in answer:
        return refuse("读不到文件。", "检查文件是否存在、有无读取权限。", answer["missing"])
    if "crash" in answer:
        return refuse(
            "文件内容异常，无法读取。", "请发送方用 Excel 或 WPS 打开、另存为 .xlsx 后重新报送。", answer["crash"]
        )
    return None
