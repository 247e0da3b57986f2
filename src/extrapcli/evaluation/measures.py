"""The measures of a track: how each is presented, and how the controls must rank on it."""

import math
from dataclasses import dataclass

TRUE, LOOP, SILENCE, NOISE = CONTROLS = ("true continuation", "loop", "silence", "noise")


@dataclass(frozen=True)
class Measure:
    """How to present a measure; the function that computes it has its definition.

    `better` says which values are good: "low", "high", or "middle" for those near `ideal`. `sentence` explains a
    value to someone who is no engineer; its `{}` stands for the value with its unit. Each of `orders` is a pair of
    controls of which the first must come out better.
    """

    name: str
    group: str
    title: str
    unit: str
    decimals: int
    better: str
    sentence: str
    ideal: float = 0.0
    orders: tuple[tuple[str, str], ...] = ()

    def format(self, value: float | None) -> str:
        """Write a value with its unit."""
        if value is None:
            return "none"
        return f"{value:.{self.decimals}f} {self.unit}".rstrip()

    def explain(self, value: float | None) -> str:
        """Say in a sentence what a value means."""
        return "This track has no value here." if value is None else self.sentence.format(self.format(value))

    def badness(self, value: float | None) -> float:
        """Return a number that is larger for worse values; infinite where there is none."""
        if value is None:
            return math.inf
        return {"low": value, "high": -value, "middle": abs(value - self.ideal)}[self.better]

    def misordered(self, controls: dict[str, float | None]) -> list[tuple[str, str]]:
        """Return those of `orders` in which the first control did not come out better."""
        return [
            (better, worse)
            for better, worse in self.orders
            if not self.badness(controls[better]) < self.badness(controls[worse])
        ]


MEASURES = (
    Measure(
        "join_sharpness", "joins", "Join sharpness (percentile within the song)", "%", 0, "low",
        "The average join is sharper than {} of the song's own moments; 50 % is normal for music.",
        orders=((TRUE, LOOP),),
    ),
    Measure(
        "join_flux", "joins", "Join spectral flux (percentile within the song)", "%", 0, "low",
        "The average join changes timbre faster than {} of the song's own moments; 50 % is normal for music.",
        orders=((TRUE, NOISE),),
    ),
    Measure(
        "join_level_step", "joins", "Join level step (percentile within the song)", "%", 0, "low",
        "The average join changes level more than {} of the song's own moments; 50 % is normal for music.",
        orders=((TRUE, SILENCE),),
    ),
    Measure(
        "clicks_per_minute", "joins", "Clicks between joins", "/min", 1, "low",
        "Clicks away from the joins, sharper than anything in the song: {}.",
        orders=(),  # no control clicks between its joins; the tests put clicks in
    ),
    Measure(
        "max_loudness_difference", "level", "Largest loudness difference", "LU", 1, "low",
        "The ten seconds that differ most from the song's loudness differ by {}.",
        orders=((TRUE, SILENCE), (LOOP, SILENCE), (NOISE, SILENCE)),
    ),
    Measure(
        "loudness_drift", "level", "Loudness drift", "LU", 1, "middle",
        "In its last quarter the continuation is {} louder than the song (negative: softer).",
        orders=((TRUE, SILENCE), (LOOP, SILENCE), (NOISE, SILENCE)),
    ),
    Measure(
        "collapsed_share", "level", "Collapsed to near silence", "%", 0, "low",
        "{} of the continuation is at least 20 LU softer than the song.",
        orders=((TRUE, SILENCE), (LOOP, SILENCE), (NOISE, SILENCE)),
    ),
    Measure(
        "flatness_drift", "level", "Spectral flatness drift", "dB", 1, "middle",
        "In the last quarter the spectrum is {} flatter than the song's (positive: noisier).",
        orders=((TRUE, NOISE), (LOOP, NOISE), (TRUE, SILENCE)),
    ),
    Measure(
        "rolloff_drift", "level", "Spectral roll-off drift", "octaves", 2, "middle",
        "In the last quarter the sound reaches {} higher than in the song (negative: duller).",
        orders=((TRUE, NOISE), (LOOP, NOISE), (TRUE, SILENCE)),
    ),
    Measure(
        "chroma_similarity", "harmony and rhythm", "Chroma similarity", "", 2, "high",
        "The notes agree with the song's to {}: 1 is the same notes equally often, 0 is unrelated, as noise is.",
        orders=((TRUE, NOISE), (TRUE, SILENCE), (LOOP, NOISE), (LOOP, SILENCE)),
    ),
    Measure(
        "key_similarity", "harmony and rhythm", "Key similarity", "", 1, "high",
        "The key agrees with the song's to {}: 1 is the same key, 0.5 a fifth away, 0.3 relative, 0.2 parallel.",
        orders=((LOOP, SILENCE), (LOOP, NOISE)),
    ),
    Measure(
        "tempo_ratio", "harmony and rhythm", "Tempo ratio", "", 2, "middle",
        "The tempo is {} times the song's, octaves aside.",
        ideal=1.0, orders=((LOOP, SILENCE), (TRUE, SILENCE)),
    ),
    Measure(
        "beat_error", "harmony and rhythm", "Beat phase error at joins", "beats", 2, "low",
        "Across a join the beat is off by {} on average; 0 is in time, 0.25 is chance.",
        orders=((TRUE, LOOP), (TRUE, SILENCE)),
    ),
    Measure(
        "bar_continuity", "harmony and rhythm", "Bars that keep the metre", "%", 0, "high",
        "In {} of the bars, the beats are as many and as long as in the song's.",
        orders=((TRUE, NOISE),),
    ),
    Measure(
        "jumps_per_minute", "jumps", "Jumps", "/min", 1, "low",
        "Something jumps to another position of the song {}.",
        orders=(),  # controls don't jump; so it is for the four that follow
    ),
    Measure(
        "off_beat_jumps", "jumps", "Jumps off the beat", "%", 0, "low",
        "{} of the jumps land more than 0.12 beat away from the beat.",
    ),
    Measure(
        "off_bar_jumps", "jumps", "Jumps off the bar", "%", 0, "low",
        "{} of the jumps land elsewhere in the bar than where they leave.",
    ),
    Measure(
        "layers_off_beat", "jumps", "Layers off each other's beat", "%", 0, "low",
        "{} of the time, the layers are more than 0.12 beat apart.",
    ),
    Measure(
        "layers_together", "jumps", "Layers at one position", "%", 0, "low",
        "{} of the time, all layers play one position of the song, which is the song again.",
    ),
    Measure(
        "copied_share", "repetition", "Copied from the song", "%", 0, "low",
        "{} of the continuation is the song again, sample for sample.",
        orders=((TRUE, LOOP), (NOISE, LOOP)),
    ),
    Measure(
        "copied_harmonic_share", "repetition", "Copied in the harmonic layer", "%", 0, "low",
        "In {} of the continuation, what sustains is the song's again, whatever strikes with it.",
        orders=((TRUE, LOOP), (NOISE, LOOP)),
    ),
    Measure(
        "copied_percussive_share", "repetition", "Copied in the percussive layer", "%", 0, "low",
        "In {} of the continuation, what strikes is the song's again, whatever sustains with it.",
        orders=((TRUE, LOOP), (NOISE, LOOP)),
    ),
    Measure(
        "longest_copy_seconds", "repetition", "Longest copy", "s", 1, "low",
        "The longest uninterrupted copy from the song lasts {}.",
        orders=((TRUE, LOOP), (NOISE, LOOP)),
    ),
    Measure(
        "repeated_within_minute", "repetition", "Repeated within a minute", "%", 0, "low",
        "{} of its seconds sound like one in the minute before them.",
        orders=((TRUE, LOOP), (NOISE, LOOP)),
    ),
    Measure(
        "median_return_seconds", "repetition", "Median time until a sound returns", "s", 1, "high",
        "Half of what is heard had not been heard for {} or longer; the search goes back 60 s.",
        orders=((TRUE, LOOP), (NOISE, LOOP)),
    ),
    Measure(
        "loop_share", "repetition", "Heard as a loop", "%", 0, "low",
        "{} of the time is heard as a loop: four seconds or more that repeat at a constant distance.",
        orders=((TRUE, LOOP), (NOISE, LOOP)),
    ),
    Measure(
        "longest_loop_seconds", "repetition", "Longest loop", "s", 1, "low",
        "The longest loop lasts {}.",
        orders=((TRUE, LOOP), (NOISE, LOOP)),
    ),
    Measure(
        "timbre_distance", "timbre and mood", "Timbre distance", "", 3, "low",
        "To a network that tags music, the timbres are {} apart: 0 is the same, 1 has nothing in common.",
        orders=((TRUE, NOISE), (LOOP, NOISE), (TRUE, SILENCE), (LOOP, SILENCE)),
    ),
    Measure(
        "tag_distance", "timbre and mood", "Tag distance", "%", 0, "low",
        "The tags that the network gives to song and continuation differ by {}: instruments, voices, styles, moods.",
        orders=((TRUE, NOISE), (LOOP, NOISE), (TRUE, SILENCE), (LOOP, SILENCE)),
    ),
    Measure(
        "mood_distance", "timbre and mood", "Mood distance", "%", 0, "low",
        "The tags for mood and movement alone, such as slow, loud or ambient, differ by {}.",
        orders=((TRUE, NOISE), (LOOP, NOISE), (TRUE, SILENCE), (LOOP, SILENCE)),
    ),
    Measure(
        "mean_squared_error", "prediction", "Mean squared error", "", 2, "low",
        "The samples of the next ten seconds differ from the true ones by a mean squared error of {}; silence has 1.",
        orders=((TRUE, SILENCE), (TRUE, LOOP), (SILENCE, LOOP), (SILENCE, NOISE)),
    ),
)  # fmt: skip
