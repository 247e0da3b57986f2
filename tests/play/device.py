"""An audio device without hardware: ALSA writes what is played into a file, or into a pipe that a test reads."""

import ctypes.util
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.conftest import EXTRAP, Ran

DTYPES = {"s16": np.int16, "s24": np.int32, "f32": np.float32}


@dataclass(frozen=True)
class Device:
    """The folder of a device that plays into the file, or the named pipe, `sound`."""

    folder: Path
    sound: Path

    @classmethod
    def into(cls, folder: Path, name: str = "played.raw") -> "Device":
        device = cls(folder, folder / name)
        into = f'type file slave.pcm {{ type null }} file "{device.sound}" format raw'
        (folder / "alsa.conf").write_text(f"pcm.default {{ {into} }}\n")
        return device

    @classmethod
    def missing(cls, folder: Path) -> "Device":
        (folder / "alsa.conf").write_text("pcm.default { type hw card 99 }\n")
        return cls(folder, folder / "never")

    @property
    def environment(self) -> dict[str, str]:
        """That of a program for which this is the only device."""
        nowhere = str(self.folder / "nowhere")
        servers = {"PULSE_SERVER": f"unix:{nowhere}", "XDG_RUNTIME_DIR": nowhere, "JACK_NO_START_SERVER": "1"}
        return os.environ | servers | {"ALSA_CONFIG_PATH": str(self.folder / "alsa.conf")}

    def heard(self, sample_format: str, channels: int) -> NDArray[Any]:
        """Return what was played so far, `(n, channels)`."""
        return as_samples(self.sound.read_bytes(), sample_format, channels)


def as_samples(raw: bytes, sample_format: str, channels: int) -> NDArray[Any]:
    frame = np.dtype(DTYPES[sample_format]).itemsize * channels
    return np.frombuffer(raw[: len(raw) // frame * frame], DTYPES[sample_format]).reshape(-1, channels)


@cache
def why_no_device() -> str | None:
    """Say why no test can play anything here, if that is so."""
    if sys.platform != "linux":
        return "a device without hardware needs ALSA, which is of Linux"
    if not ctypes.util.find_library("portaudio"):
        return "PortAudio is not here"
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        device = Device.into(Path(folder))
        code = "import sounddevice; assert sounddevice.query_devices(kind='output')['name'] == 'default'"
        found = subprocess.run([sys.executable, "-c", code], env=device.environment, capture_output=True)
    return "PortAudio finds no device without hardware" if found.returncode else None


def played(device: Device, *args: str | Path, status: int = 0) -> Ran:
    """Run `extrap play` in the device's folder, without a terminal; fail on a status other than the expected one."""
    done = subprocess.run(
        [EXTRAP, "play", *map(str, args)],
        cwd=device.folder,
        env=device.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=100,
    )
    ran = Ran(done.returncode, done.stdout, done.stderr.decode())
    assert ran.status == status, f"{args}: status {ran.status}\n{ran.stdout[-500:]!r}\n{ran.stderr}"
    assert "Traceback" not in ran.stderr
    return ran
