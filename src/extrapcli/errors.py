"""What can go wrong, each kind with the exit status it ends the program with."""


class ExtrapError(Exception):
    """Root of all expected failures; its text is one sentence that names the value and the next step."""

    exit_code = 1


class UsageError(ExtrapError):
    """The command was asked for something that makes no sense."""

    exit_code = 2


class UnreadableAudio(ExtrapError):
    """A song is missing, is no audio, is damaged, or holds nothing to continue."""

    exit_code = 3


class UnusableModel(ExtrapError):
    """A model is unknown, is no model, or contradicts its own spec."""

    exit_code = 4


class MissingDependency(ExtrapError):
    """An optional package or device is not here; the text carries the pip command."""

    exit_code = 5


class CannotWrite(ExtrapError):
    """The track can't be written under its name."""

    exit_code = 6


class SomeFailed(ExtrapError):
    """At least one of several songs failed; each was named when it did."""

    exit_code = 7
