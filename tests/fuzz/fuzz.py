"""Run a target on mutated files, in a separate process that is watched for crashes, hangs and memory use."""

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

START_SECONDS = 300
IDLE_FACTOR = 10


@dataclass(frozen=True)
class Target:
    """A reader to fuzz. `run` may return or raise one of `expected`; everything else is a finding.

    `seeds` writes good files into a folder. A mutated file has the suffix of the one it was made from. The process is
    replaced after `lifetime` inputs.

    An input hangs when it takes more than `seconds` of processor time, or when the process takes none at all for ten
    times as long: a busy machine causes neither. It may take `memory_bytes` more than the process took before.
    """

    name: str
    seeds: Callable[[Path], None]
    mutate: Mutation
    run: Callable[[Path], object]
    expected: tuple[type[Exception], ...]
    lifetime: int = 100_000
    seconds: float = 10
    memory_bytes: int = 10**9


@dataclass(frozen=True)
class Finding:
    """Something wrong with input `number`. `kind` is exception, crash, hang, memory or printed."""

    number: int
    kind: str
    detail: str


class Outcome(NamedTuple):
    """What the process reports of one input."""

    accepted: bool
    findings: list[Finding]


@dataclass
class Report:
    """Totals of a run. `accepted` inputs are those that weren't refused."""

    inputs: int = 0
    accepted: int = 0
    seconds: float = 0.0
    findings: list[Finding] = field(default_factory=list)


def make_input(target: Target, seeds: list[Path], seed: int, number: int) -> tuple[bytes, str]:
    """Return the content and suffix of input `number`."""
    rng = Random(f"{target.name} {seed} {number}")
    one, other = rng.choice(seeds), rng.choice(seeds)
    return target.mutate(one.read_bytes(), other.read_bytes(), rng), one.suffix


def fuzz(target: Target, count: int, *, seed: int = 0, keep: Path | None = None, log: bool = False) -> Report:
    """Give a target `count` inputs; keep those with findings in a folder."""
    report, started = Report(), time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seeds = folder / "seeds"
        seeds.mkdir()
        target.seeds(seeds)
        while report.inputs < count:
            end = min(count, report.inputs + target.lifetime)
            for finding in _watch_process(target, folder, seed, range(report.inputs, end), report):
                report.findings.append(finding)
                if log:
                    print(f"{target.name} {finding.number}: {finding.kind}: {finding.detail}", flush=True)
                if keep:
                    data, suffix = make_input(target, sorted(seeds.iterdir()), seed, finding.number)
                    keep.mkdir(parents=True, exist_ok=True)
                    (keep / f"{target.name}-{finding.kind}-{seed}-{finding.number}{suffix}").write_bytes(data)
    report.seconds = time.monotonic() - started
    return report


def _watch_process(target: Target, folder: Path, seed: int, numbers: range, report: Report) -> list[Finding]:
    """Run inputs in a new process until the last one, or until it ends or is ended. Return its findings."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_run_inputs, args=(target, folder, seed, numbers, sender))
    process.start()
    sender.close()
    findings: list[Finding] = []
    number, seconds = numbers.start - 1, float(START_SECONDS)
    try:
        while _has_message(receiver, process.pid, seconds):
            message = receiver.recv()
            if isinstance(message, Outcome):
                report.accepted += message.accepted
                findings += message.findings
            else:
                number, seconds = message, target.seconds
        findings.append(Finding(number, "hang", f"more than {target.seconds} s"))
    except EOFError:
        process.join()
        if process.exitcode:
            output = folder / "output"
            printed = output.read_text(errors="replace")[-300:] if output.exists() else ""
            findings.append(Finding(number, "crash", f"exit status {process.exitcode} {printed}".rstrip()))
    finally:
        process.kill()
        process.join()
    if number < numbers.start:
        raise RuntimeError(f"{target.name}: the process ended before its first input: {findings}")
    report.inputs = number + 1
    return findings


def _has_message(receiver: Connection, pid: int | None, seconds: float) -> bool:
    """Wait for a message, or its end; return False when the process hangs, as `Target` defines it."""
    start = busy = _processor_seconds(pid)
    idle_since = time.monotonic()
    while not receiver.poll(seconds / 10):
        before, busy = busy, _processor_seconds(pid)
        if busy > before:
            idle_since = time.monotonic()
        if busy - start > seconds or time.monotonic() - idle_since > IDLE_FACTOR * seconds:
            return False
    return True


def _processor_seconds(pid: int | None) -> float:
    """Return the processor time that a process has taken, from proc(5)."""
    try:
        times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    except OSError:
        return 0.0
    return sum(map(int, times)) / os.sysconf("SC_CLK_TCK")


def _run_inputs(target: Target, folder: Path, seed: int, numbers: range, sender: Connection) -> None:
    """Run in the new process: warm up on the seed files, then send each number before and its outcome after."""
    seeds = sorted((folder / "seeds").iterdir())
    for good in seeds:
        with suppress(*target.expected):
            target.run(good)
    output = os.open(folder / "output", os.O_CREAT | os.O_TRUNC | os.O_RDWR | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    memory_before = _memory("VmRSS")
    limit = _memory("VmData") + 4 * target.memory_bytes  # so that nothing takes all of the machine's
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    for number in numbers:
        data, suffix = make_input(target, seeds, seed, number)
        file = folder / f"input{suffix}"
        file.write_bytes(data)
        Path("/proc/self/clear_refs").write_text("5")  # resets VmHWM, the peak, to the memory in use now
        sender.send(number)
        accepted, findings = False, []
        try:
            target.run(file)
            accepted = True
        except target.expected:
            pass
        except Exception as error:
            findings.append(Finding(number, "exception", _describe(error)))
        memory = _memory("VmHWM") - memory_before
        if memory > target.memory_bytes:
            findings.append(Finding(number, "memory", f"{memory / 1e9:.1f} GB"))
        if os.fstat(output).st_size:
            findings.append(Finding(number, "printed", os.pread(output, 200, 0).decode(errors="replace")))
            os.ftruncate(output, 0)
        sender.send(Outcome(accepted, findings))
        if memory > target.memory_bytes:
            return


def _memory(name: str) -> int:
    """Return a value of /proc/self/status in bytes."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) * 1024


def _describe(error: Exception) -> str:
    """Name an exception and the last line of extrap that it passed through."""
    ours = [frame for frame in traceback.extract_tb(error.__traceback__) if "extrapcli" in frame.filename]
    where = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "?"
    return f"{type(error).__name__} at {where}: {str(error)[:200]}"
