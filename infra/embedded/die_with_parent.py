"""Run a program that the kernel kills when its parent dies: PARENT_PID PROGRAM ARGUMENT...

Standard library only and no imports of ours, since it runs before every service with `-I -S`.
The request survives exec and is kept by the same process id. Linux only: macOS has no such call,
there the program outlives a parent that was killed (infra/decisions/0004-supervisor.md).
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, argv = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:  # it died before the request was in place
        sys.exit("the supervisor is gone")
    os.execvp(argv[0], argv)


if __name__ == "__main__":
    main()
