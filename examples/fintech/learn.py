"""The fintech example's learning alone: three regions, DP-SGD, one model, without a platform around it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from sovplatform import privacy
from sovplatform.tasks import dpsgd, fintech, laboratory
from sovplatform.tasks.examples import fintech_task, fintech_training
from sovplatform.tasks.loading import load_task
from sovplatform.tasks.sources import rows
from sovplatform.tasks.split import split

REGIONS = {"de": "DE", "fr": "FR", "ch": "CH"}


def main() -> dict[str, float]:
    """Learn, export the model, and compare it with models that respect no border."""
    task, training = load_task(fintech_task()), fintech_training()
    sources = {name: fintech.source(index, len(REGIONS), code) for index, (name, code) in enumerate(REGIONS.items())}
    noise = privacy.noise_multiplier(training.epsilon, training.delta, training.sampling_rate, training.rounds)
    print(f"{training.rounds} rounds, noise multiplier {noise}: ε = {training.epsilon} at δ = {training.delta} for each region")

    # In a pilot each of these lists is in another jurisdiction.
    data = [task.prepare(split(rows(source, Path()), training.holdout, training.seed)[0]) for source in sources.values()]
    aggregator = dpsgd.Aggregator(task, training, members=len(data))
    for _ in range(training.rounds):
        sent = aggregator.parameters
        aggregator.step([dpsgd.update(task, sent, x, y, training, noise, dpsgd.secure_rng()) for x, y in data])

    with tempfile.TemporaryDirectory() as directory:
        task.export(aggregator.result(), Path(directory))
        aucs = laboratory.compare(task.spec, training, sources, Path(directory))
    for name, auc in sorted(aucs.items(), key=lambda item: -item[1]):
        print(f"{name:24} AUC {auc:.3f}")
    return aucs


if __name__ == "__main__":
    main()
