# SPDX-License-Identifier: MIT
"""Does the module do in a sandbox what subprocess does without one?"""
import asyncio
import os
import signal
import subprocess
import sys
import threading

import pytest

import buffervm

PYTHON = ["/usr/bin/python3", "-I", "-S", "-c"]


def test_the_result_is_that_of_subprocess():
    args = ["sh", "-c", "cat; echo error >&2; exit 3"]
    ours = buffervm.run(args, input=b"text", capture_output=True)
    theirs = subprocess.run(args, input=b"text", capture_output=True, check=False)
    assert (ours.returncode, ours.stdout, ours.stderr) == \
        (theirs.returncode, theirs.stdout, theirs.stderr)
    assert isinstance(ours, subprocess.CompletedProcess)
    assert ours.status.exit_status == 3 and ours.status.fault == "program" and ours.status.ran


def test_text_and_environment_and_directory(tmp_path):
    done = buffervm.run(["sh", "-c", "pwd; echo $NAME"], cwd=tmp_path, text=True,
                        capture_output=True, env={"PATH": "/usr/bin:/bin", "NAME": "välue"})
    assert done.stdout.split("\n")[:2] == [str(tmp_path), "välue"]


def test_a_signal():
    done = buffervm.run(["sh", "-c", "kill -TERM $$"])
    assert done.returncode == -signal.SIGTERM
    assert done.status.signal == signal.SIGTERM and done.status.exit_status is None


def test_check_raises():
    with pytest.raises(subprocess.CalledProcessError) as error:
        buffervm.run(["sh", "-c", "echo x; exit 2"], capture_output=True, check=True)
    assert error.value.returncode == 2 and error.value.stdout == b"x\n"


def test_a_timeout_kills_the_whole_sandbox():
    with pytest.raises(subprocess.TimeoutExpired) as error:
        buffervm.run(["sh", "-c", "echo begun; sleep 1000 & sleep 1000"], capture_output=True,
                     timeout=1.5)
    assert error.value.cmd[0] == "sh"
    assert error.value.stdout in (b"begun\n", None)  # a slow machine


def test_memory_is_limited():
    done = buffervm.run(PYTHON + ["x = [bytearray(b'x' * (1 << 20)) for _ in range(500)]"],
                        memory="96M", capture_output=True)
    assert done.returncode != 0
    assert b"MemoryError" in done.stderr or done.status.fault == "limit"
    assert done.status.peak_memory < 200 << 20


def test_a_policy(tmp_path):
    args = ["sh", "-c", "echo x >f && cat f"]
    denied = buffervm.run(args, cwd=tmp_path, capture_output=True, net=False)
    assert denied.returncode != 0 and denied.status.ran and not (tmp_path / "f").exists()
    allowed = buffervm.run(args, cwd=tmp_path, capture_output=True, write=[tmp_path])
    assert allowed.stdout == b"x\n" and (tmp_path / "f").exists()


def test_no_such_program():
    done = buffervm.run(["/no/such/program"], capture_output=True)
    assert done.returncode == 127 and not done.status.ran and done.status.fault == "program"


def test_a_wrong_option_is_the_callers_fault():
    done = buffervm.run(["true"], options=["--no-such-option"], capture_output=True)
    assert done.returncode == 64 and done.status.fault == "caller"


def test_a_mebibyte_each_way():
    data = os.urandom(1 << 20)
    done = buffervm.run(["sh", "-c", "tee /dev/stderr"], input=data, capture_output=True)
    assert done.stdout == data and done.stderr == data


def test_popen_talks():
    with buffervm.Popen(["cat"], stdin=buffervm.PIPE, stdout=buffervm.PIPE) as process:
        process.stdin.write(b"one\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"one\n"
        assert process.status is None
        process.stdin.close()
        assert process.wait() == 0
    assert process.status.exit_status == 0


def test_killed():
    with buffervm.Popen(["sleep", "1000"]) as process:
        process.kill()
    assert process.returncode == -signal.SIGKILL and process.status.fault == "caller"


def test_from_threads():
    results = {}

    def one(number):
        results[number] = buffervm.run(["sh", "-c", f"echo {number}"], capture_output=True)

    threads = [threading.Thread(target=one, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {n: int(r.stdout) for n, r in results.items()} == {n: n for n in range(8)}


def test_asyncio():
    async def several():
        return await asyncio.gather(*(
            buffervm.aio.run(["sh", "-c", f"cat; exit {n}"], input=b"x%d" % n,
                             capture_output=True) for n in range(5)))

    for number, done in enumerate(asyncio.run(several())):
        assert done.returncode == done.status.exit_status == number
        assert done.stdout == b"x%d" % number


def test_asyncio_timeout():
    async def one():
        await buffervm.aio.run(["sleep", "1000"], timeout=1)

    with pytest.raises(subprocess.TimeoutExpired):
        asyncio.run(one())


def test_no_descriptor_is_left():
    buffervm.run(["true"])
    before = sorted(os.listdir("/proc/self/fd"))
    for _ in range(3):
        buffervm.run(["true"], capture_output=True)
        with pytest.raises(TypeError):
            buffervm.run([])
    assert sorted(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("more", [{"shell": True}, {"pass_fds": (0,)}, {"executable": "/bin/sh"}])
def test_what_has_no_meaning_is_refused(more):
    with pytest.raises(ValueError):
        buffervm.run(["true"], **more)


@pytest.mark.parametrize("more", [{"read": "/usr"}, {"options": "--trace"}])
def test_a_text_is_no_list(more):
    with pytest.raises(TypeError):
        buffervm.run(["true"], **more)


def test_ten_thousand_arguments():
    done = buffervm.run(["sh", "-c", "echo $#", "sh"] + ["x"] * 10000, capture_output=True)
    assert done.stdout == b"10000\n"


def test_the_command_is_found(monkeypatch):
    monkeypatch.setenv("BUFFERVM", "")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(buffervm.NotInstalled):
        buffervm.run(["true"])


def test_the_command_line_of_a_policy(monkeypatch):
    monkeypatch.setenv("BUFFERVM", "/b")
    assert buffervm.command(["ls", "-l"], read=["/usr"], write=["/w"], net=True, memory="1G") == \
        ["/b", "run", "--mem=1G", "--read=/usr", "--write=/w", "--net=host", "--", "ls", "-l"]
    assert buffervm.command(["x"], net=False) == ["/b", "run", "--", "x"]
    assert buffervm.command(["x"], processes=3) == ["/b", "--pids=3", "--", "x"]


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
