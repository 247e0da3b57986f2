#!/usr/bin/env bash
# Train on a corpus ten times as large as the memory that the process may use: training_memory.sh [MEGABYTES]
# The corpus is made in a temporary folder, which takes eleven times as much disk.
set -euo pipefail
allowed=${1:-1200}
extrap=$(realpath "$(command -v "${EXTRAP:-.venv/bin/extrap}")")
folder=$(mktemp -d -p "${TMPDIR:-/tmp}" extrap-memory-XXXX)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir -p corpus/train corpus/validation

"$(dirname "$extrap")/python" - <<'PYTHON'
import numpy, soundfile
noise = numpy.random.default_rng(0).integers(-9000, 9000, size=10 * 60 * 22050).astype("int16")
soundfile.write("song.wav", noise, 22050)
PYTHON
megabytes_a_song=$((10 * 60 * 22050 * 2 / 1000000))
songs=$((10 * allowed / megabytes_a_song + 1))
for ((i = 0; i < songs; i++)); do ln -s ../../song.wav "corpus/train/$i.wav"; done
ln -s ../../song.wav corpus/validation/one.wav

cat > recipe.toml <<'TOML'
network = "study"
[study]
context_frames = 4
horizon_frames = 2
widths = [64, 64, 64, 64]
[clips]
per_song = 1
[fit]
epochs = 2
batch_size = 4
TOML

echo "$songs songs, $((songs * megabytes_a_song)) MB once decoded; the process may use $allowed MB"
python3 - "$extrap" "$allowed" <<'PYTHON'
import resource, subprocess, sys
extrap, allowed = sys.argv[1], int(sys.argv[2]) * 1_000_000
command = [extrap, "train", "corpus", "--recipe", "recipe.toml", "--run", "run"]
limit = lambda: resource.setrlimit(resource.RLIMIT_DATA, (allowed, allowed))
subprocess.run(command, check=True, preexec_fn=limit)
print(f"peak memory {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000:.0f} MB")
PYTHON
du -shL corpus/.shards | sed 's/\t.*/ of shards/'
