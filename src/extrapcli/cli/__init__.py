"""The `extrap` command: each command parses, calls one function, prints."""

import os


def main() -> None:
    """Run the command. This module loads nothing, so that Ctrl-C is caught while everything else is loaded."""
    try:
        from extrapcli.cli.boundary import run

        run()
    except KeyboardInterrupt:
        os._exit(130)


def __getattr__(name: str) -> object:
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from extrapcli.cli.commands import app

    return app
