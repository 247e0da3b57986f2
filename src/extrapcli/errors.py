"""The errors that extrap raises, each kind with the exit status of the command."""


class ExtrapError(Exception):
    """Root of all expected failures; its text is one sentence that names the value at fault.

    `hint` names the parameter that would help, as `overwrite` or `add`, where there is one; the command adds its
    option to the sentence.
    """

    exit_code = 1

    def __init__(self, text: str, *, hint: str | None = None) -> None:
        super().__init__(text)
        self.hint = hint

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), self.args, {"hint": self.hint}


class UsageError(ExtrapError):
    """A request that makes no sense."""

    exit_code = 2


class UnreadableAudio(ExtrapError):
    """A song that is missing, not audio, damaged, or has nothing to continue."""

    exit_code = 3


class UnusableModel(ExtrapError):
    """A model that is unknown, not a model at all, or contradicts its own spec."""

    exit_code = 4


class MissingDependency(ExtrapError):
    """An optional package or a device that is not here; the text gives the pip command."""

    exit_code = 5


class CannotWrite(ExtrapError):
    """A track that can't be written under its name."""

    exit_code = 6


class NotGoodEnough(ExtrapError):
    """A track with joins that are more audible than was allowed."""

    exit_code = 7


class SomeFailed(ExtrapError):
    """At least one of several songs failed; each was named when it did."""

    exit_code = 7
