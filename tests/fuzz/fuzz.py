"""Runs a target on mutated files, in a process of its own that is watched for crashes, hangs and memory."""

import multiprocessing
import os
import re
import resource
import tempfile
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import NamedTuple

from tests.fuzz.mutate import Mutation

MEMORY_BYTES = 10**9  # above what the process takes before it reads an input
START_SECONDS = 300


@dataclass(frozen=True)
class Target:
    """What is given files: `run` may return, or raise one of `expected`; everything else is a finding.

    `seeds` writes good files into a folder; a mutated one has the suffix of what it was made from. A process is
    replaced after `lifetime` inputs. An input may take `seconds` of the processor's time, so that a busy machine
    makes no findings, or ten times as long of any time.
    """

    name: str
    seeds: Callable[[Path], None]
    mutate: Mutation
    run: Callable[[Path], object]
    expected: tuple[type[Exception], ...]
    lifetime: int = 100_000
    seconds: float = 10


@dataclass(frozen=True)
class Finding:
    number: int
    kind: str  # exception, crash, hang, memory, printed
    told: str


class Outcome(NamedTuple):
    read: bool
    findings: list[Finding]


@dataclass
class Report:
    inputs: int = 0
    read: int = 0  # inputs that were not refused
    seconds: float = 0.0
    findings: list[Finding] = field(default_factory=list)


def made(target: Target, seeds: list[Path], seed: int, number: int) -> tuple[bytes, str]:
    """The input of a number, and its suffix."""
    rng = Random(f"{target.name} {seed} {number}")
    one, other = rng.choice(seeds), rng.choice(seeds)
    return target.mutate(one.read_bytes(), other.read_bytes(), rng), one.suffix


def fuzz(target: Target, count: int, *, seed: int = 0, keep: Path | None = None, log: bool = False) -> Report:
    """Give a target `count` inputs, and keep those with findings in a folder."""
    report, began = Report(), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        seeds = here / "seeds"
        seeds.mkdir()
        target.seeds(seeds)
        while report.inputs < count:
            upto = min(count, report.inputs + target.lifetime)
            for finding in _watched(target, here, seed, range(report.inputs, upto), report):
                report.findings.append(finding)
                if log:
                    print(f"{target.name} {finding.number}: {finding.kind}: {finding.told}", flush=True)
                if keep:
                    data, suffix = made(target, sorted(seeds.iterdir()), seed, finding.number)
                    keep.mkdir(parents=True, exist_ok=True)
                    (keep / f"{target.name}-{finding.kind}-{seed}-{finding.number}{suffix}").write_bytes(data)
    report.seconds = time.monotonic() - began
    return report


def _watched(target: Target, here: Path, seed: int, numbers: range, report: Report) -> list[Finding]:
    """What a process finds from the first number on, until the last or until it ends."""
    context = multiprocessing.get_context("spawn")
    listening, speaking = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(target, here, seed, numbers, speaking))
    process.start()
    speaking.close()
    findings: list[Finding] = []
    number, patience = numbers.start - 1, float(START_SECONDS)
    try:
        while _comes(listening, process.pid, patience):
            told = listening.recv()
            if isinstance(told, Outcome):
                report.read += told.read
                findings += told.findings
            else:
                number, patience = told, target.seconds
        findings.append(Finding(number, "hang", f"more than {target.seconds} s"))
    except EOFError:
        process.join()
        if process.exitcode:
            said = (here / "said").read_text(errors="replace")[-300:] if (here / "said").exists() else ""
            findings.append(Finding(number, "crash", f"exit status {process.exitcode} {said}".rstrip()))
    finally:
        process.kill()
        process.join()
    if number < numbers.start:
        raise RuntimeError(f"{target.name}: the process ended before its first input: {findings}")
    report.inputs = number + 1
    return findings


def _comes(listening: Connection, pid: int | None, seconds: float) -> bool:
    end, worked = time.monotonic() + 10 * seconds, _worked(pid)
    while not listening.poll(seconds / 10):
        if time.monotonic() > end or _worked(pid) - worked > seconds:
            return False
    return True


def _worked(pid: int | None) -> float:
    """Seconds of processor that a process has taken; proc(5)."""
    try:
        times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    except OSError:
        return 0.0
    return sum(map(int, times)) / os.sysconf("SC_CLK_TCK")


def _work(target: Target, here: Path, seed: int, numbers: range, speaking: Connection) -> None:
    seeds = sorted((here / "seeds").iterdir())
    for good in seeds:
        with suppress(*target.expected):
            target.run(good)
    said = os.open(here / "said", os.O_CREAT | os.O_TRUNC | os.O_RDWR | os.O_APPEND)
    os.dup2(said, 1)
    os.dup2(said, 2)
    before = _memory("VmRSS")
    most = _memory("VmData") + 4 * MEMORY_BYTES  # so that nothing takes all of the machine's
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    for number in numbers:
        data, suffix = made(target, seeds, seed, number)
        file = here / f"input{suffix}"
        file.write_bytes(data)
        Path("/proc/self/clear_refs").write_text("5")  # sets VmHWM to what is used now
        speaking.send(number)
        read, found = False, []
        try:
            target.run(file)
            read = True
        except target.expected:
            pass
        except Exception as error:
            found.append(Finding(number, "exception", _told(error)))
        if (taken := _memory("VmHWM") - before) > MEMORY_BYTES:
            found.append(Finding(number, "memory", f"{taken / 1e9:.1f} GB"))
        if os.fstat(said).st_size:
            found.append(Finding(number, "printed", os.pread(said, 200, 0).decode(errors="replace")))
            os.ftruncate(said, 0)
        speaking.send(Outcome(read, found))
        if taken > MEMORY_BYTES:
            return


def _memory(name: str) -> int:
    """Bytes of this process, by their name in /proc/self/status."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) * 1024


def _told(error: Exception) -> str:
    """What was raised, and the last line of ours that it passed."""
    ours = [frame for frame in traceback.extract_tb(error.__traceback__) if "extrapcli" in frame.filename]
    where = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "?"
    return f"{type(error).__name__} at {where}: {str(error)[:200]}"
