"""Adds to an error the option that helps. Below the command line, errors name a parameter, as they do in Python."""

_ADVICE = {
    "add": "use --add MINUTES to say how much to add",
    "engine": "use --engine ray, too",
    "exclude": "use --exclude GLOB to leave it out",
    "format": "use --format to choose another",
    "manifest": "use --manifest FILE",
    "name": "use another --name, or --exclude one",
    "overwrite": "move it, or use --overwrite",
    "timeout_minutes": "use a longer --timeout",
    "traceback": "run extrap --traceback continue with this song to see where",
    "workers": "use fewer --jobs",
}


def with_hint(text: str, hint: str | None) -> str:
    """Return the sentence of an error with the advice that belongs to its hint."""
    return f"{text}; {_ADVICE[hint]}" if hint in _ADVICE else text
