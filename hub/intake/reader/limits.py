"""What a process that reads strangers' files may use. Called once, first thing, in the child."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys


def limit_this_process(memory_mb: int) -> None:
    """Caps address space, forbids core dumps and new processes' privileges, and dies with the parent (Linux)."""
    limit = memory_mb << 20
    # where the system has no address space limit (macOS), the parent's clock is the only guard left
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            libc = ctypes.CDLL(None, use_errno=True)
            libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
            libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
    os.umask(0o077)
