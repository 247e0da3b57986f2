"""Measure how fast a recipe trains, and what it waits for: `training_speed.py CORPUS --recipe study`.

Prints JSON: seconds until the first step is compiled and done; clips per second of the data pipeline alone, the
network alone, and both together; the share of time in which the network works; the peak memory of the process.
"""

import argparse
import itertools
import json
import resource
import time
from pathlib import Path

from extrapcli import console
from extrapcli.training.device import use_device


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--recipe", default="study")
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--device", default="cpu", help="cpu, gpu or tpu; KERAS_BACKEND=jax trains on JAX on the CPU")
    parser.add_argument("--no-xla", action="store_true", help="compile steps to a graph only (TensorFlow)")
    parser.add_argument("--one-after-the-other", action="store_true", help="prepare no batch while the network works")
    asked = parser.parse_args()
    worker = use_device(asked.device)
    import keras

    from extrapcli.training.corpus import Corpus
    from extrapcli.training.fit import optimizer
    from extrapcli.training.recipe import find_recipe

    recipe = find_recipe(asked.recipe)
    with console.training(quiet=True) as progress:
        setup = recipe.prepare(Corpus.open(asked.corpus), progress, worker)
    data, model, size = setup.training, setup.model, setup.training.batch_size
    model.compile(optimizer=optimizer(recipe.fit, data.steps), loss=setup.loss, jit_compile=not asked.no_xla)

    began = time.monotonic()
    fixed = data.batch(0, 0)
    model.train_on_batch(fixed.inputs, fixed.targets)
    first = time.monotonic() - began
    model.train_on_batch(fixed.inputs, fixed.targets)

    began = time.monotonic()
    for step in range(asked.steps):
        data.batch(1, step % data.steps)
    data_seconds = time.monotonic() - began
    began = time.monotonic()
    for _ in range(asked.steps):
        model.train_on_batch(fixed.inputs, fixed.targets)
    network_seconds = time.monotonic() - began

    waited = 0.0
    epochs = itertools.chain.from_iterable(data.prefetched(epoch) for epoch in itertools.count(2))
    began = time.monotonic()
    for step in range(asked.steps):
        asked_at = time.monotonic()
        batch = (
            data.batch(2 + step // data.steps, step % data.steps) if asked.one_after_the_other else next(epochs)[0]
        )
        waited += time.monotonic() - asked_at
        model.train_on_batch(batch.inputs, batch.targets)
    together = time.monotonic() - began
    clips = asked.steps * size
    print(
        json.dumps(
            {
                "recipe": asked.recipe,
                "backend": keras.backend.backend(),
                "xla": not asked.no_xla,
                "parameters": model.count_params(),
                "first_step_seconds": round(first, 1),
                "step_seconds": round(network_seconds / asked.steps, 3),
                "data_clips_per_second": round(clips / data_seconds, 1),
                "network_clips_per_second": round(clips / network_seconds, 2),
                "clips_per_second": round(clips / together, 2),
                "network_works": round(1 - waited / together, 4),
                "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3),
            }
        )
    )


if __name__ == "__main__":
    main()
