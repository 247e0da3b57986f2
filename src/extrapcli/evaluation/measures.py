"""Every measure of a track, as it is told to people, and how the controls must come out of it."""

from extrapcli.evaluation.evaluation import Measure

TRUE, LOOP, SILENCE, NOISE = "true continuation", "loop", "silence", "noise"

MEASURES = (
    Measure(
        "joins_click", "seams", "Clicks at the joins", "%", 0, "low",
        "The average join has a sharper edge than {} of the song's own moments; 50 % is what music has.",
        orders=((TRUE, LOOP),),
    ),
    Measure(
        "joins_flux", "seams", "Attacks at the joins", "%", 0, "low",
        "The average join comes in harder than {} of the song's own moments; 50 % is what music has.",
        orders=((TRUE, NOISE),),
    ),
    Measure(
        "joins_level", "seams", "Steps of level at the joins", "%", 0, "low",
        "The average join steps further in level than {} of the song's own moments; 50 % is what music has.",
        orders=((TRUE, SILENCE),),
    ),
    Measure(
        "clicks", "seams", "Clicks between the joins", "a minute", 1, "low",
        "{}: moments of the continuation that are sharper than any in the song.",
        orders=(),  # no control clicks but at its joins, which do not count here; the tests put clicks in
    ),
    Measure(
        "loudness_departure", "level", "Largest departure of loudness", "LU", 1, "low",
        "The ten seconds furthest from the song's loudness are {} away from it.",
        orders=((TRUE, SILENCE), (LOOP, SILENCE), (NOISE, SILENCE)),
    ),
    Measure(
        "loudness_drift", "level", "Loudness at the end", "LU", 1, "middle",
        "In its last quarter the continuation is {} louder than the song (below 0: softer).",
        orders=((TRUE, SILENCE), (LOOP, SILENCE), (NOISE, SILENCE)),
    ),
    Measure(
        "collapsed", "level", "Collapsed to silence", "%", 0, "low",
        "{} of the continuation is 20 LU softer than the song, or more.",
        orders=((TRUE, SILENCE), (LOOP, SILENCE), (NOISE, SILENCE)),
    ),
    Measure(
        "flatness_drift", "level", "Noisiness at the end", "dB", 1, "middle",
        "In its last quarter the spectrum is {} flatter than the song's (above 0: more like noise).",
        orders=((TRUE, NOISE), (LOOP, NOISE), (TRUE, SILENCE)),
    ),
    Measure(
        "bandwidth_drift", "level", "Bandwidth at the end", "octaves", 2, "middle",
        "In its last quarter the sound reaches {} higher than the song does (below 0: duller).",
        orders=((TRUE, NOISE), (LOOP, NOISE), (TRUE, SILENCE)),
    ),
    Measure(
        "chroma_similarity", "harmony and rhythm", "Notes", "of 1", 2, "high",
        "The notes agree to {}: 1 is the same ones as often, 0 is what noise has, below 0 they avoid each other.",
        orders=((TRUE, NOISE), (TRUE, SILENCE), (LOOP, NOISE), (LOOP, SILENCE)),
    ),
    Measure(
        "key_similarity", "harmony and rhythm", "Key", "of 1", 1, "high",
        "The key agrees to {}: 1 is the same key, 0.5 a fifth away, 0.3 the relative, 0.2 the parallel one.",
        orders=((LOOP, SILENCE), (LOOP, NOISE)),
    ),
    Measure(
        "tempo_ratio", "harmony and rhythm", "Tempo against the song's", "times", 2, "middle",
        "The continuation goes at {} the song's tempo, octaves aside.",
        ideal=1.0, orders=((LOOP, SILENCE), (TRUE, SILENCE)),
    ),
    Measure(
        "beat_error", "harmony and rhythm", "Beat over the joins", "beats", 2, "low",
        "Over a join the beat is off by {} on average; 0.25 is chance, 0 is in time.",
        orders=((TRUE, LOOP), (TRUE, SILENCE)),
    ),
    Measure(
        "copied", "copying", "Copied from the song", "%", 0, "low",
        "{} of the continuation is the song again, sample for sample.",
        orders=((TRUE, LOOP), (SILENCE, LOOP), (NOISE, LOOP)),
    ),
    Measure(
        "longest_copy", "copying", "Longest copy", "s", 1, "low",
        "It copies the song for {} on end at the most.",
        orders=((TRUE, LOOP), (SILENCE, LOOP), (NOISE, LOOP)),
    ),
    Measure(
        "comes_back", "copying", "Comes back", "%", 0, "low",
        "{} of its seconds sound like a second of the minute before them.",
        orders=((TRUE, LOOP), (SILENCE, LOOP), (NOISE, LOOP)),
    ),
    Measure(
        "returns_after", "copying", "Half comes back within", "s", 1, "high",
        "Half of what is heard was heard less than {} before; 60 s is as far as is looked back.",
        orders=((TRUE, LOOP), (NOISE, LOOP)),
    ),
    Measure(
        "loops", "copying", "Heard as a loop", "%", 0, "low",
        "{} of it is heard as a loop: four seconds or more repeated at one distance.",
        orders=((TRUE, LOOP), (SILENCE, LOOP), (NOISE, LOOP)),
    ),
    Measure(
        "longest_loop", "copying", "Longest loop", "s", 1, "low",
        "It goes round in one loop for {} at the most.",
        orders=((TRUE, LOOP), (SILENCE, LOOP), (NOISE, LOOP)),
    ),
    Measure(
        "timbre", "timbre and mood", "Timbre", "", 3, "low",
        "To a network that tags music they are {} apart: 0 sounds the same, 1 has nothing in common.",
        orders=((TRUE, NOISE), (LOOP, NOISE), (TRUE, SILENCE), (LOOP, SILENCE)),
    ),
    Measure(
        "tags", "timbre and mood", "Tags", "%", 0, "low",
        "{} of what the network would tag song and continuation with differs: instruments, voices, styles, moods.",
        orders=((TRUE, NOISE), (LOOP, NOISE), (TRUE, SILENCE), (LOOP, SILENCE)),
    ),
    Measure(
        "mood", "timbre and mood", "Mood", "%", 0, "low",
        "Of the tags for mood and movement alone, as slow, loud or ambient, {} differs.",
        orders=((TRUE, NOISE), (LOOP, NOISE), (TRUE, SILENCE), (LOOP, SILENCE)),
    ),
    Measure(
        "squared_error", "prediction", "The study's squared error", "", 2, "low",
        "Against what really followed, the next ten seconds have a mean squared error of {} (1 is silence's).",
        orders=((TRUE, SILENCE), (TRUE, LOOP), (SILENCE, LOOP), (SILENCE, NOISE)),
    ),
)  # fmt: skip
