"""The quarantined process: what it cannot do, how it is ended, and that nothing but a checked answer comes back."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

from motifzoo.errors import MotifzooError
from motifzoo.evaluate.leaderboard.verification.isolate import (
    IsolationError,
    LimitError,
    Limits,
    QuarantineError,
    run_isolated,
)

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's means are Linux's")
SHORT = Limits(seconds=60)


def run(code: str, folder: Path, limits: Limits = SHORT) -> Any:
    """What Python code leaves in `out`, run in quarantine."""
    source = textwrap.dedent(code)
    expression = f"(lambda scope: (exec({source!r}, scope), scope.get('out'))[1])({{}})"
    return run_isolated("builtins:eval", expression, folder, limits).value


def error_of(code: str, folder: Path, limits: Limits = SHORT) -> MotifzooError:
    with pytest.raises(MotifzooError) as error:
        run(code, folder, limits)
    return error.value


def alive(process: int) -> bool:
    """Whether a process still runs; one that ended and was not waited for does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone(process: int) -> bool:
    for _ in range(100):
        if not alive(process):
            return True
        time.sleep(0.05)
    return False


def test_calls_a_function_on_a_payload(tmp_path: Path) -> None:
    ran = run_isolated("json:dumps", {"a": [1, None, "é"]}, tmp_path, SHORT)
    assert json.loads(ran.value) == {"a": [1, None, "é"]}
    assert set(ran.confinement) == {"network", "processes", "files", "memory"}


def test_no_variable_of_the_callers_reaches_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    found = run(
        """
        import os, sys, tempfile
        out = dict(os.environ), sys.path, os.path.expanduser("~"), tempfile.gettempdir(), os.getcwd()
        """,
        tmp_path,
    )
    environment, path, home, temporary, here = found
    assert "hf_secret" not in json.dumps(environment)
    assert "PYTHONPATH" not in environment
    assert "/elsewhere" not in path
    assert here not in path
    assert {home, temporary} == {str(tmp_path / "home"), str(tmp_path / "tmp")}


@LINUX
def test_no_network(tmp_path: Path) -> None:
    """Neither through Python nor beside it: the kernel refuses the system call itself."""
    found = run(
        """
        import ctypes, socket
        try:
            socket.create_connection(("127.0.0.1", 80), timeout=1)
        except OSError as error:
            out = [type(error).__name__]
        libc = ctypes.CDLL(None, use_errno=True)
        out += [libc.socket(2, 1, 0), ctypes.get_errno(), libc.syscall(425, 8, None), ctypes.get_errno()]
        """,
        tmp_path,
    )
    assert found == ["PermissionError", -1, 1, -1, 1]


@LINUX
@pytest.mark.parametrize(
    "attempt",
    [
        "os.fork()",
        "subprocess.run(['/bin/true'])",
        "os.execv('/bin/true', ['/bin/true'])",
        "os.posix_spawn('/bin/true', ['/bin/true'], {})",
        "os.setsid()",
        "os.kill(os.getppid(), 9)",
        "os.kill(1, 0)",
    ],
)
def test_no_processes_and_no_signals_to_others(attempt: str, tmp_path: Path) -> None:
    code = f"import os, subprocess\ntry:\n    {attempt}\nexcept PermissionError:\n    out = 'refused'"
    assert run(code, tmp_path) == "refused"


def test_threads_are_allowed(tmp_path: Path) -> None:
    code = """
        import threading
        out = []
        thread = threading.Thread(target=out.append, args=(1,))
        thread.start()
        thread.join()
        """
    assert run(code, tmp_path) == [1]


@LINUX
def test_no_rights_are_left(tmp_path: Path) -> None:
    status = run("out = open('/proc/self/status').read()", tmp_path)
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert int(fields["CapEff"], 16) == int(fields["CapPrm"], 16) == 0
    assert (fields["NoNewPrivs"], fields["Seccomp"]) == ("1", "2")


@LINUX
def test_writes_in_its_folder_only(tmp_path: Path) -> None:
    own, other = tmp_path / "own", tmp_path / "other"
    own.mkdir()
    other.mkdir()
    (other / "precious").write_text("kept")
    (own / "way-out").symlink_to(other)
    ran = run_isolated("builtins:eval", "1", own, SHORT)
    if ran.confinement["files"] != "Landlock":
        pytest.skip("this kernel has no Landlock")
    found = run(
        f"""
        import os
        out = []
        def attempt(action):
            try:
                action()
                out.append("done")
            except OSError as error:
                out.append(type(error).__name__)
        attempt(lambda: open("mine", "w").write("x"))
        attempt(lambda: open({str(other / "new")!r}, "w"))
        attempt(lambda: open("way-out/new", "w"))
        attempt(lambda: os.remove({str(other / "precious")!r}))
        attempt(lambda: os.truncate({str(other / "precious")!r}, 0))
        attempt(lambda: os.rename({str(other / "precious")!r}, "mine-now"))
        """,
        own,
    )
    assert found[:5] == ["done", "PermissionError", "PermissionError", "PermissionError", "PermissionError"]
    assert found[5] != "done"
    assert (other / "precious").read_text() == "kept"
    assert (own / "mine").read_text() == "x"


def test_time_is_up(tmp_path: Path) -> None:
    code = "import os\nopen('pid', 'w').write(str(os.getpid()))\nwhile True: pass"
    error = error_of(code, tmp_path, Limits(seconds=3))
    assert isinstance(error, LimitError)
    assert error.limit == "seconds"
    assert str(error) == "it ran for 3 seconds, which is its limit, and was killed."
    if sys.platform.startswith("linux"):
        assert not alive(int((tmp_path / "pid").read_text()))


@LINUX
def test_processor_time_is_used_up(tmp_path: Path) -> None:
    code = """
        import resource
        resource.setrlimit(resource.RLIMIT_CPU, (1, resource.getrlimit(resource.RLIMIT_CPU)[1]))
        while True: pass
        """
    error = error_of(code, tmp_path, Limits(seconds=60, threads=2))
    assert isinstance(error, LimitError)
    assert error.limit == "seconds"
    assert str(error) == "it used more than 2 minutes of processor time and was killed."


@LINUX
@pytest.mark.parametrize(
    "code",
    ["x = bytearray(2 << 30)", "import mmap\nx = mmap.mmap(-1, 64 << 30)", "import torch\ntorch.zeros(1 << 29)"],
    ids=["Python", "shared", "PyTorch"],
)
def test_memory_is_used_up(code: str, tmp_path: Path) -> None:
    error = error_of(code, tmp_path, Limits(seconds=60, memory=1 << 30))
    assert isinstance(error, LimitError)
    assert error.limit == "memory"
    assert str(error) == "it needs more than 1 GB of memory, which is its limit, and was ended."


@LINUX
def test_files_have_a_size(tmp_path: Path) -> None:
    code = """
        try:
            with open("large", "wb") as file:
                file.write(b"x" * 2_000_000)
        except OSError as error:
            out = error.strerror
        """
    assert run(code, tmp_path, Limits(seconds=60, file_bytes=1_000_000)) == "File too large"
    assert (tmp_path / "large").stat().st_size <= 1_000_000


@LINUX
@pytest.mark.parametrize("name", ["CPU", "CORE", "NOFILE"])
def test_limits_that_stand(name: str, tmp_path: Path) -> None:
    soft, hard = run(f"import resource\nout = resource.getrlimit(resource.RLIMIT_{name})", tmp_path)
    # Processor time is that of the clock and a little more, for a process whose caller no longer looks at the clock.
    assert (soft, hard) == {"CPU": (65, 70), "CORE": (0, 0), "NOFILE": (256, 256)}[name]


@LINUX
def test_a_crash_is_told_with_its_last_words(tmp_path: Path) -> None:
    code = "import os, sys\nprint('oh \\x1b[2Jno', file=sys.stderr, flush=True)\nos.abort()"
    error = error_of(code, tmp_path)
    assert isinstance(error, IsolationError)
    assert str(error) == "it crashed (SIGABRT): oh  [2Jno"


@pytest.mark.parametrize(
    ("code", "kind", "message"),
    [
        (
            "from motifzoo.errors import ModelError\nraise ModelError('its weights \\x1b[31mare red.')",
            IsolationError,
            "its weights  [31mare red.",
        ),
        ("from motifzoo.errors import CacheError\nraise CacheError('full.')", QuarantineError, "full."),
        (
            "import nothing_of_that_name",
            QuarantineError,
            "motifzoo does not work on this machine (ModuleNotFoundError: No module named 'nothing_of_that_name')",
        ),
        ("raise ValueError('x' * 9999)", IsolationError, "it failed: ValueError: " + "x" * 1488),
        ("import os\nos._exit(0)", IsolationError, "it ended without an answer."),
        (
            "import os\nos._exit(3)",
            QuarantineError,
            "the quarantined process cannot work on this machine (exit code 3): it said nothing",
        ),
        (
            "import os\nopen('answer.json', 'w').write('{')\nos._exit(0)",
            IsolationError,
            "its answer is malformed, so nothing in it is used.",
        ),
        (
            "import os\nopen('answer.json', 'w').write('{\"value\": 1, \"more\": 2}')\nos._exit(0)",
            IsolationError,
            "its answer is malformed, so nothing in it is used.",
        ),
        (
            "out = 'x' * 5_000_000",
            IsolationError,
            "its answer is larger than 4,000,000 bytes, so nothing in it is used.",
        ),
    ],
)
def test_nothing_but_a_small_answer_comes_back(code: str, kind: type, message: str, tmp_path: Path) -> None:
    error = error_of(code, tmp_path)
    assert type(error) is kind
    assert str(error) == message


@LINUX
def test_an_answer_is_no_way_to_read_the_callers_files(tmp_path: Path) -> None:
    secret = tmp_path.parent / f"{tmp_path.name}-secret.json"
    secret.write_text('{"confinement": {"network": "", "processes": "", "files": "", "memory": ""}, "value": "secret"}')
    error = error_of(f"import os\nos.symlink({str(secret)!r}, 'answer.json')\nos._exit(0)", tmp_path)
    assert str(error) == "it ended without an answer."
    pipe = tmp_path / "pipe"
    pipe.mkdir()
    assert isinstance(error_of("import os\nos.mkfifo('answer.json')\nos._exit(0)", pipe), IsolationError)


def test_a_flood_of_words_is_cut(tmp_path: Path) -> None:
    code = "import sys\nfor _ in range(20): sys.stderr.write('x' * 1_000_000)\nsys.stderr.write('the end')"
    expression = f"exec({code!r})"
    ran = run_isolated("builtins:eval", expression, tmp_path, SHORT)
    assert len(ran.log) == 64_000
    assert ran.log.endswith("the end")


@LINUX
def test_killed_from_outside(tmp_path: Path) -> None:
    code = "import signal\nsignal.raise_signal(signal.SIGKILL)"
    error = error_of(code, tmp_path)
    assert isinstance(error, QuarantineError)
    assert str(error) == (
        "the quarantined process was killed from outside, most likely because this machine ran out of memory. Give it "
        "less (--memory), or free some, and verify again."
    )


@LINUX
def test_it_dies_with_the_caller(tmp_path: Path) -> None:
    """kill -9 of the verifying process leaves nothing behind."""
    sleep = "exec(\"import os, time\\nopen('pid', 'w').write(str(os.getpid()))\\ntime.sleep(600)\")"
    program = (
        "from pathlib import Path\n"
        "from motifzoo.evaluate.leaderboard.verification.isolate import run_isolated\n"
        f"run_isolated('builtins:eval', {sleep!r}, Path({str(tmp_path)!r}))"
    )
    caller = subprocess.Popen([sys.executable, "-c", program])
    try:
        for _ in range(600):
            if (tmp_path / "pid").exists() and (tmp_path / "pid").read_text():
                break
            time.sleep(0.05)
        child = int((tmp_path / "pid").read_text())
        assert alive(child)
        caller.kill()
        assert gone(child)
    finally:
        caller.kill()
        caller.wait()


@LINUX
def test_it_dies_when_the_caller_is_interrupted(tmp_path: Path) -> None:
    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    code = "import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(600)"
    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 3)
    try:
        with pytest.raises(KeyboardInterrupt):
            run(code, tmp_path)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert not alive(int((tmp_path / "pid").read_text()))


def test_where_the_kernel_has_no_filter_python_refuses(tmp_path: Path) -> None:
    """The fallback of other systems, in a process of its own: an audit hook cannot be taken off again."""
    program = """
import os, socket, subprocess, sys
from motifzoo.evaluate.leaderboard.verification.confine import _refuse_in_python
_refuse_in_python()
for attempt in (lambda: socket.socket(), lambda: subprocess.run([sys.executable]), lambda: os.system("true")):
    try:
        attempt()
        print("done")
    except PermissionError as error:
        print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=os.environ, cwd=tmp_path
    )
    assert done.stdout.splitlines() == [
        "socket.__new__ is not allowed in quarantine",
        "subprocess.Popen is not allowed in quarantine",
        "os.system is not allowed in quarantine",
    ]
