PYTHON ?= python3
BIN := .venv/bin
MODEL ?= recall
RECIPE := $(if $(filter study,$(MODEL)),study-small,$(MODEL))
CORPUS := $(if $(filter melody,$(MODEL)),essen,corpus)
LICENCE := $(if $(filter melody,$(MODEL)),CC BY-NC-SA 4.0 (weights; the Essen collection may be used for \
	non-commercial purposes),CC BY-SA 4.0 (weights))

LOWEST := tests/audio tests/backends tests/cli/test_commands.py tests/evaluation/test_goldens.py tests/melody/test_tune_files.py \
	tests/melody/test_score.py tests/melody/test_synthesis.py

.PHONY: demo test test-lowest test-wheel lint check soak fuzz lock corpus model study benchmark listen picture clean

STUDY := study study-slow study-aligned study-descending study-peak study-mel study-lstm seq2seq study-unshared

demo: .venv/.installed
	$(BIN)/extrap continue tests/data/song.mp3 --minutes 1:30 -o demo/ --overwrite

test: .venv/.tested
	$(BIN)/pytest --numprocesses 2 --dist worksteal

# A part of the suite, for time: what meets a library first (codecs, runtimes, the command, scores, plots), with the oldest
# versions that pyproject.toml allows.
test-lowest: .venv-lowest/.installed
	.venv-lowest/bin/pytest --numprocesses 2 --dist worksteal $(LOWEST)

# The wheel, installed where there is nothing else, on every supported Python found here.
test-wheel: .venv/.tested
	$(BIN)/pytest tests/wheel.py

lint: .venv/.tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check: test test-lowest test-wheel lint

# Pins what pyproject.toml asks for and is not pinned yet; `make lock UPGRADE=--upgrade` pins the newest of everything.
lock: .venv/.tested
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra test --extra lint --generate-hashes \
		--no-annotate --custom-compile-command "make lock" $(UPGRADE) pyproject.toml --output-file requirements.lock

soak: .venv/.tested
	rm -rf runs/soak
	$(BIN)/python -m tests.batch.soak runs/soak --songs 2000 --broken-every 100

corpus:
	training/corpus/fetch corpus

model: .venv/.tested
	$(BIN)/extrap train $(CORPUS) --recipe $(RECIPE) --resume
	$(BIN)/extrap export runs/$(RECIPE) -o models/$(MODEL) --licence "$(LICENCE)"

study: .venv/.tested
	for recipe in $(STUDY); do $(BIN)/extrap train corpus --recipe $$recipe --resume || [ $$? = 2 ] || exit; done
	KERAS_BACKEND=tensorflow $(BIN)/python benchmarks/study.py corpus runs

benchmark: .venv/.tested .venv-looper/.installed corpus
	$(BIN)/python benchmarks/benchmark.py corpus runs/benchmark -o docs/benchmark.md

listen: benchmark
	$(BIN)/python benchmarks/listen/make.py runs/benchmark/tracks runs/listen --head 27.3

FUZZ_COUNT ?= 10000

fuzz: .venv/.tested
	$(BIN)/python -m tests.fuzz --count $(FUZZ_COUNT)

picture: .venv/.tested
	$(BIN)/extrap continue tests/data/song.mp3 --minutes 1:30 -o demo/ --overwrite
	$(BIN)/python docs/picture.py tests/data/song.mp3 demo/song-1m30s.mp3 docs/continuation.png

clean:
	rm -rf .venv .venv-lowest .venv-looper demo

.venv/.installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --editable .
	touch $@

.venv/.tested: .venv/.installed requirements.lock
	sed -n '/^uv==/,/[^\]$$/p' requirements.lock | $(BIN)/pip install --quiet --require-hashes --requirement /dev/stdin
	$(BIN)/uv pip install --quiet --python .venv --require-hashes --requirement requirements.lock
	$(BIN)/uv pip install --quiet --python .venv --no-deps --no-build-isolation --editable .
	touch $@

.venv-lowest/.installed: .venv/.tested
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-lowest
	$(BIN)/uv pip install --quiet --python .venv-lowest --resolution lowest-direct --editable ".[test]"
	touch $@

.venv-looper/.installed:
	$(PYTHON) -m venv .venv-looper
	.venv-looper/bin/pip install --quiet pymusiclooper==3.6.0
	touch $@
