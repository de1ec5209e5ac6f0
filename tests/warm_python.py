"""A Python that has imported the training command already.

A fresh interpreter takes seconds to import PyTorch and Lightning, and most tests that start
processes start them for what comes after. `start` gives a program to call in place of
`sys.executable`: same arguments, environment, working folder, standard streams, signals, and exit
status. It asks a server, which has imported all, to fork.
"""

import fcntl
import gc
import json
import os
import runpy
import select
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import contextmanager, suppress
from itertools import dropwhile
from pathlib import Path
from types import ModuleType

_FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)
_HAS_ITS_NUMBER_KNOWN = "submitit.local._local"
"""Module whose process is looked for by its number; it needs little time."""


@contextmanager
def start():
    """Path of such a Python, which works while the context lasts."""
    with tempfile.TemporaryDirectory(prefix="warm") as folder:
        address, program = f"{folder}/socket", Path(folder, "python")
        call = shlex.join([sys.executable, "-IS", __file__, "call", address])
        program.write_text(f'#!/bin/sh\nexec {call} "$@"\n')
        program.chmod(0o755)
        command = [sys.executable, __file__, "serve", address, str(program)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
            assert server.stdout.readline() == b"ready\n"
            yield str(program)
            server.stdin.close()


def _call(address, *arguments):
    """Have the server run a program, and end as it does."""
    if _HAS_ITS_NUMBER_KNOWN in arguments:
        os.execv(sys.executable, [sys.executable, *arguments])
    files = _open_files()
    asked = {"files": files, "arguments": arguments, "folder": str(Path.cwd())}
    asked["environment"] = dict(os.environ)
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(address)
        socket.send_fds(server, [b"."], files)
        server.sendall(json.dumps(asked).encode() + b"\n")
        answers = server.makefile()
        process = int(answers.readline())
        for number in _FORWARDED:
            signal.signal(number, lambda number, frame: os.kill(process, number))
        status = int(answers.readline())
    if status < 0:
        if -status in _FORWARDED:
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    sys.exit(status)


def _open_files():
    """Descriptors that the process was started with."""
    found = []
    for path in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            os.fstat(int(path.name))
            found.append(int(path.name))
    return found


def _serve(address, program):
    """Fork for each call until standard input ends; in the forked process, run what is called."""
    import lightning.pytorch  # noqa: F401

    import peftsp.training.cli  # noqa: F401

    listening = socket.socket(socket.AF_UNIX)
    listening.bind(address)
    listening.listen()
    # Else the end of each forked process would copy what the collector touches, for a second.
    gc.freeze()
    os.write(1, b"ready\n")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        ready, _, _ = select.select([0, listening], [], [])
        if 0 in ready:
            return
        connection, _ = listening.accept()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listening.close()
            _run(*_watched(connection), program)
            return
        connection.close()


def _watched(connection):
    """In a process of its own, what is asked and the open files; here, tell how it ends."""
    _, files, *_ = socket.recv_fds(connection, 1, 250)
    asked = json.loads(connection.makefile().readline())
    process = os.fork()
    if process == 0:
        connection.close()
        return asked, files
    for file in files:
        os.close(file)
    with suppress(BrokenPipeError):
        connection.sendall(f"{process}\n".encode())
    end = os.pidfd_open(process)
    ready, _, _ = select.select([connection, end], [], [])
    if end not in ready:
        os.kill(process, signal.SIGKILL)  # as the one that asked has been
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    with suppress(BrokenPipeError):
        connection.sendall(f"{status}\n".encode())
    os._exit(0)


def _run(asked, files, program):
    """As a fresh interpreter does."""
    # Their numbers may be those that others of them are to get.
    away = [fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, 1000) for file in files]
    for file in files:
        os.close(file)
    for file, number in zip(away, asked["files"], strict=True):
        os.dup2(file, number)
        os.close(file)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.executable = program
    _read_environment()
    what, *rest = dropwhile(lambda word: word in ("-B", "-u"), asked["arguments"])
    is_script = what not in ("-c", "-m")
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:1] = [str(Path(what).resolve().parent) if is_script else "", *filter(None, paths)]
    main = sys.modules["__main__"] = ModuleType("__main__")
    if what == "-c":
        sys.argv = ["-c", *rest[1:]]
        exec(compile(rest[0], "<string>", "exec"), vars(main))
    elif what == "-m":
        sys.argv = rest
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv = [what, *rest]
        runpy.run_path(what, run_name="__main__")


def _read_environment():
    """What PyTorch and Lightning read of it when they are imported."""
    import torch
    from lightning.fabric.utilities.rank_zero import rank_zero_only

    if "OMP_NUM_THREADS" in os.environ:
        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    rank_zero_only.rank = int(os.environ.get("LOCAL_RANK", 0))


if __name__ == "__main__":
    {"call": _call, "serve": _serve}[sys.argv[1]](*sys.argv[2:])
