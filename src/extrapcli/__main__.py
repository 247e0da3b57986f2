"""`python -m extrapcli` is the `extrap` command."""

from extrapcli.cli import main

if __name__ == "__main__":
    main()
