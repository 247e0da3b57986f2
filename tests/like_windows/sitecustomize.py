"""Make Python behave a little like on Windows, for extrap's own code. Python imports this file when it starts.

- Names and modules that Windows lacks are hidden from the modules of `extrapcli`. The standard library and other
  packages keep them: here they are written to use them.
- Files that this process has open or mapped can't be renamed, replaced or deleted.
- Text files that are read or written without naming an encoding are an error: Windows doesn't default to UTF-8.
"""

import builtins
import errno
import mmap
import os
import signal
import types
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

MISSING_MODULES = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
MISSING_NAMES = {
    os: (
        "O_DIRECTORY O_NOFOLLOW O_NONBLOCK O_TMPFILE chown chroot fchmod fchown fdatasync fork forkpty getegid "
        "geteuid getgid getgroups getloadavg getpgid getuid killpg lchown lockf mkfifo mknod nice openpty "
        "posix_fadvise posix_fallocate pread preadv pwrite pwritev register_at_fork sched_getaffinity "
        "sched_setaffinity sched_yield sendfile setsid setuid sync sysconf uname wait wait3 wait4 waitid"
    ),
    signal: (
        "ITIMER_REAL SIGALRM SIGBUS SIGCHLD SIGCONT SIGHUP SIGKILL SIGPIPE SIGQUIT SIGSTOP SIGTSTP SIGUSR1 SIGUSR2 "
        "SIG_BLOCK SIG_SETMASK SIG_UNBLOCK alarm pause pthread_kill pthread_sigmask setitimer siginterrupt "
        "sigpending sigtimedwait sigwait"
    ),
    mmap: "MADV_DONTNEED MADV_SEQUENTIAL MADV_WILLNEED MAP_ANONYMOUS MAP_PRIVATE MAP_SHARED PROT_READ PROT_WRITE",
}


class Mmap(mmap.mmap):
    @property
    def madvise(self) -> NoReturn:
        raise AttributeError("madvise")


def without(module: types.ModuleType, missing: str) -> types.ModuleType:
    copy = types.ModuleType(module.__name__, module.__doc__)
    vars(copy).update({name: value for name, value in vars(module).items() if name not in missing.split()})
    return copy


MODULES = {module.__name__: without(module, missing) for module, missing in MISSING_NAMES.items()}
MODULES["mmap"].mmap = Mmap  # type: ignore[attr-defined]


def hide_names() -> None:
    real_import = builtins.__import__

    def import_(
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> types.ModuleType:
        importer = str((globals or {}).get("__name__", ""))
        if importer.split(".")[0] == "extrapcli":
            if name in MISSING_MODULES:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)
            if name in MODULES:
                return MODULES[name]
        return real_import(name, globals, locals, fromlist or (), level)

    builtins.__import__ = import_


def refuse_open_files() -> None:
    def is_open(path: str) -> bool:
        opened = {os.path.realpath(link) for link in Path("/proc/self/fd").iterdir()}
        return path in opened or f" {path}\n" in Path("/proc/self/maps").read_text(encoding="utf-8")

    def guarded(change: Callable[..., None]) -> Callable[..., None]:
        def checked(*paths: Any, **options: Any) -> None:
            for path in paths:
                if is_open(os.path.realpath(path)):
                    raise PermissionError(errno.EACCES, "it is being used by a process", str(path))
            change(*paths, **options)

        return checked

    for name in ("remove", "rename", "replace", "unlink"):
        setattr(os, name, guarded(getattr(os, name)))


hide_names()
if Path("/proc/self/fd").is_dir():
    refuse_open_files()
warnings.filterwarnings("ignore", category=EncodingWarning)
warnings.filterwarnings("error", category=EncodingWarning, module="extrapcli")
