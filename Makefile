PYTHON ?= python3
BIN := .venv/bin
MODEL ?= recall
RECIPE := $(if $(filter study,$(MODEL)),study-small,$(MODEL))
CORPUS := $(if $(filter melody,$(MODEL)),essen,corpus)
LICENCE := $(if $(filter melody,$(MODEL)),CC BY-NC-SA 4.0 (weights; the Essen collection may be used for \
	non-commercial purposes),CC BY-SA 4.0 (weights))

.PHONY: demo test lint check soak corpus model study benchmark listen picture clean

STUDY := study study-slow study-aligned study-descending study-peak study-mel study-lstm seq2seq study-unshared

demo: .venv/.installed
	$(BIN)/extrap continue tests/data/song.mp3 --minutes 1:30 -o demo/ --overwrite

test: .venv/.tested
	$(BIN)/pytest --numprocesses 2 --dist worksteal

lint: .venv/.tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check: test lint

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

picture: .venv/.tested
	$(BIN)/extrap continue tests/data/song.mp3 --minutes 1:30 -o demo/ --overwrite
	$(BIN)/python docs/picture.py tests/data/song.mp3 demo/song-1m30s.mp3 docs/continuation.png

clean:
	rm -rf .venv .venv-looper demo

.venv/.installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --editable .
	touch $@

.venv/.tested: .venv/.installed
	$(BIN)/pip install --quiet --editable ".[test,lint]"
	touch $@

.venv-looper/.installed:
	$(PYTHON) -m venv .venv-looper
	.venv-looper/bin/pip install --quiet pymusiclooper==3.6.0
	touch $@
