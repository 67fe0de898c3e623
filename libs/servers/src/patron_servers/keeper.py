"""Run one server and end it when the process that wanted it is gone; a script that needs the standard library only.

    python -I keeper.py SIGNAL UID:GID|- PROGRAM ARG...

The starter holds the other end of standard input: "k" kills the server, end of file (also after the starter was killed)
stops it with SIGNAL. A process in between works the same on Linux and macOS and does not care which thread started it,
as PR_SET_PDEATHSIG does; that call only covers the case that the keeper itself is killed.
Standard output tells the server's process id; the keeper's exit code is the server's.
"""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h
GRACE_S = 30.0  # after this a server that does not stop is killed


def main() -> int:
    """Start the server, wait for the first of: its end, the starter's end, a command."""
    stop_signal, user, *command = sys.argv[1:]
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the starter decides; a group-wide signal must not orphan the server
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ended_r, ended_w = os.pipe()
    for end in (ended_r, ended_w):
        os.set_blocking(end, False)
    signal.signal(signal.SIGCHLD, lambda _signal, _frame: None)
    signal.set_wakeup_fd(ended_w)
    server = _start(command, user, int(stop_signal))
    sys.stdout.write(f"{server.pid}\n")
    sys.stdout.close()
    starter, stopping = os.getppid(), False
    while server.poll() is None:
        # A fork of the starter may keep the pipe open, so its process id is looked at too.
        waits_for = [ended_r] if stopping else [ended_r, sys.stdin.fileno()]
        ready, _, _ = select.select(waits_for, [], [], GRACE_S if stopping else 2.0)
        if ended_r in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(ended_r, 64)
        elif stopping or (sys.stdin.fileno() in ready and os.read(sys.stdin.fileno(), 1) == b"k"):
            server.kill()
        elif ready or os.getppid() != starter:
            stopping = True
            server.send_signal(int(stop_signal))
    return server.returncode & 0xFF


def _start(command: list[str], user: str, stop_signal: int) -> "subprocess.Popen[bytes]":
    def die_with_keeper() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, stop_signal)

    lock = int(os.environ.pop("PATRON_KEEPER_LOCK"))
    uid, gid = (None, None) if user == "-" else map(int, user.split(":"))
    return subprocess.Popen(  # noqa: S603 - the command is our own
        command,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        cwd="/",
        pass_fds=[lock],
        user=uid,
        group=gid,
        extra_groups=None if uid is None else [],
        preexec_fn=die_with_keeper,  # noqa: PLW1509 - safe: this process has one thread
    )


if __name__ == "__main__":
    sys.exit(main())
