"""How well `voice` finds voices, and how well its costs keep jumps out of words: `voice_model.py SET CORPUS`.

SET is a folder made by `voice_songs.py`. Prints a Markdown table by kind and level of the voice:

    AUC, precision, recall    of the hops of 1/25 s inside phrases, by the probability and by its being above 0.5;
                              hops at the edges of phrases are left out; means of the songs
    cut, cut at a beat        the share of random moments inside a word, and the same where the cheapest beat within
                              two bars is taken instead; moments without a pause within two bars are left out

and the share of hops taken for a voice in the instrumental songs of the validation split of CORPUS.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu
from voices import BARS, BEATS, inside_a_word, pauses

from extrapcli.analysis.voice import HEARD, HOPS_PER_SECOND, Voice, find_voice
from extrapcli.audio.decode import decode
from extrapcli.audio.downmix import to_mono
from extrapcli.audio.resample import resample
from extrapcli.training.corpus import Corpus

RATE = 22050
EDGE_SECONDS = 0.04
MOMENTS = 150
NEARER = 1e-3  # cost of a bar's distance: of two beats that are as good, the nearer one


@dataclass(frozen=True)
class Row:
    """What was found in one song."""

    auc: float
    precision: float
    recall: float
    cut: float
    cut_at_a_beat: float


def heard(path: Path) -> Voice:
    """Find the voices in a file."""
    song = decode(path)
    mono = to_mono(song.heard, song.sample_rate)[:, None]
    return find_voice(resample(mono, from_rate=song.sample_rate, to_rate=RATE)[:, 0])


def judge(voice: Voice, facts: dict[str, Any]) -> Row:
    """Compare the voices found in a song with its phrases and words."""
    times = (np.arange(len(voice.probability)) + 0.5) / HOPS_PER_SECOND
    edges = np.array(facts["phrases"], np.float64)
    at = times[:, None]
    inside = np.any((at > edges[:, 0]) & (at < edges[:, 1]), axis=1)
    clear = np.all(np.abs(at - edges.reshape(1, -1)) > EDGE_SECONDS, axis=1)
    probability, inside = voice.probability[clear], inside[clear]
    auc = mannwhitneyu(probability[inside], probability[~inside]).statistic / (inside.sum() * (~inside).sum())
    found = probability > HEARD
    hits = (found & inside).sum()
    return Row(float(auc), hits / max(1, found.sum()), hits / inside.sum(), *_cuts(voice, facts))


def _cuts(voice: Voice, facts: dict[str, Any]) -> tuple[float, float]:
    words = [(begin, end) for _, begin, end in facts["words"]]
    seconds, beat = facts["seconds"], facts["beat"]
    gaps, reach = pauses(words, seconds), BARS * BEATS * beat
    plain, chosen = [], []
    for moment in np.random.default_rng(0).uniform(0, seconds, MOMENTS):
        if any(begin < moment + reach and moment - reach < end for begin, end in gaps):
            beats = moment + beat * np.arange(-BARS * BEATS, BARS * BEATS + 1)
            beats = beats[(beats > 0) & (beats < seconds)]
            cost = voice.cut_cost(beats) + NEARER * np.abs(beats - moment) / (BEATS * beat)
            plain.append(inside_a_word(words, moment))
            chosen.append(inside_a_word(words, beats[cost.argmin()]))
    return float(np.mean(plain)), float(np.mean(chosen))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", type=Path)
    parser.add_argument("corpus", type=Path)
    arguments = parser.parse_args()
    rows: dict[tuple[str, int], list[Row]] = {}
    for path in sorted(arguments.set.glob("*.flac")):
        facts = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        rows.setdefault((facts["kind"], facts["level_db"]), []).append(judge(heard(path), facts))
    print("| voice | songs | AUC | precision | recall | cut | cut at a beat |\n|---|---|---|---|---|---|---|")
    for (kind, level), of in sorted(rows.items()):
        means: NDArray[np.float64] = np.mean([list(vars(row).values()) for row in of], axis=0)
        figures = "{:.3f} | {:.2f} | {:.2f} | {:.0%} | {:.1%}".format(*means)
        print(f"| {kind}, {level} dB | {len(of)} | {figures} |")
    songs = Corpus.open(arguments.corpus).songs("validation")
    alarms = {song.name: float(np.mean(heard(song).probability > HEARD)) for song in songs}
    print(
        f"\nTaken for a voice: {np.mean(list(alarms.values())):.1%} of {len(songs)} instrumental songs; most of all"
    )
    for name in sorted(alarms, key=lambda name: -alarms[name])[:5]:
        print(f"{alarms[name]:.0%} {name}")


if __name__ == "__main__":
    main()
