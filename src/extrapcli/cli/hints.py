"""Which option of the command helps against an error."""

from extrapcli.errors import ExtrapError

HINTS = {
    "add": "say how much to add with --add LENGTH, or cut it to that length with extrap fit",
    "another": "choose other joins with --another-way",
    "audio": "name a file for it with --audio PATH",
    "audibility": "give a limit with --max-audibility",
    "bars": "set the number of bars with --bars",
    "continue": "extrap continue makes a song as long as you like, and seconds are written as 0:45 or 45s",
    "data": "name another folder with --data",
    "device": "choose another --device",
    "ending": "choose --ending fade or cut",
    "endless": "say -o - and send it to a program, as in extrap continue song.mp3 --endless -o - | mpv -",
    "engine": "say --engine ray, too",
    "exclude": "extrap batch can leave it out with --exclude GLOB",
    "format": "choose another --format, such as flac",
    "joins": "say where its joins are with --joins FILE",
    "look_back": "choose a smaller --look-back, or train a model with a larger look_back in its recipe",
    "manifest": "name one with --manifest FILE",
    "name": "choose another --name, or leave one out with --exclude GLOB",
    "out": "name one with -o PATH, or -o - for standard output",
    "overwrite": "choose another name, or say --overwrite",
    "recording": "give a recording to --from",
    "retries": "allow more with --max-audibility, or try other seeds with --retries",
    "resume": "continue it with --resume, or choose another folder with --run",
    "run": "train into another folder with --run",
    "salvage": "or add --salvage (extrap continue, play, fit, loop, batch) to use what is left",
    "seconds": "seconds are written as 0:45 or 45s",
    "seed": "give it to --seed",
    "soundfont": "choose another --soundfont",
    "timeout_minutes": "give it more with --timeout MINUTES",
    "traceback": "run extrap --traceback continue with this song to see where",
    "weights": "use --weights float32",
    "workers": "choose fewer --jobs",
}
"""What to add to the sentence of an error, by the parameter that its hint names."""


def with_hint(error: ExtrapError) -> str:
    """Return the sentence of an error, with the option that helps."""
    hint = HINTS.get(error.hint or "")
    return f"{error}; {hint}" if hint else str(error)
