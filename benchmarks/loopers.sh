#!/usr/bin/env bash
# Time extrap and PyMusicLooper on one job: half a minute of a song to five minutes of WAV. Usage: loopers.sh SONG
# PyMusicLooper is installed into .venv-looper. Each command runs once to warm up, then three times.
# The last line is the time to decode the song and write it over and over until there are five minutes.
set -euo pipefail
song=$(realpath "$1")
cd "$(dirname "$0")/.."
bin=.venv/bin
[ -x .venv-looper/bin/pymusiclooper ] || {
    python3 -m venv .venv-looper
    .venv-looper/bin/pip install --quiet pymusiclooper
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$bin/python" - "$song" "$work/clip.wav" <<'PY'
import sys
import soundfile
from extrapcli.audio.decode import decode
song = decode(__import__("pathlib").Path(sys.argv[1]))
begin = max(0, len(song.samples) // 3 - 15 * song.sample_rate)
soundfile.write(sys.argv[2], song.samples[begin : begin + 30 * song.sample_rate], song.sample_rate)
PY
timed() {
    local name=$1
    shift
    "$@" >/dev/null 2>&1 || true
    for _ in 1 2 3; do
        /usr/bin/time -f "$name: %e s, %M KB" "$@" 2>&1 >/dev/null | tail -1
    done
}
timed "extrap" "$bin/extrap" continue "$work/clip.wav" --minutes 5 -o "$work/extrap.wav" --overwrite --quiet
timed "PyMusicLooper" .venv-looper/bin/pymusiclooper extend --path "$work/clip.wav" \
    --extended-length 300 --format WAV --output-dir "$work"
timed "decode and write" "$bin/python" -c '
import sys, pathlib, tempfile, os
from extrapcli.audio.decode import decode
from extrapcli.audio.encode import open_track
song = decode(pathlib.Path(sys.argv[1]))
n, left = len(song.samples), 300 * song.sample_rate
with open_track(pathlib.Path(sys.argv[2]), song, format="wav", expected_samples=left) as track:
    while left:
        track.write(song.samples[:left]); left -= min(left, n)
' "$work/clip.wav" "$work/plain.wav"
ls -l "$work"
