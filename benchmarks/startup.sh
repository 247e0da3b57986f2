#!/usr/bin/env bash
# Time `extrap --help`, and the import of typer and rich alone: the median of 15 runs each, in milliseconds.
set -euo pipefail
bin=${1:-.venv/bin}
median() {
    for _ in $(seq 15); do
        start=$(date +%s%N)
        "$@" >/dev/null
        echo $((($(date +%s%N) - start) / 1000000))
    done | sort -n | sed -n 8p
}
echo "import typer, rich: $(median "$bin/python" -c "import typer, rich") ms"
echo "extrap --help: $(median "$bin/extrap" --help) ms"
