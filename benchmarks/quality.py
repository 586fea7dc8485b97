"""Quality of the fintech model: learnt over three regions with privacy, pooled without, and in each region alone.

Five seeds, each another split into training and holdout; the test AUC is on the holdouts of all regions together, which no
model has seen. Schema and hyper-parameters were chosen on seeds of 100 and above.
"""

from __future__ import annotations

from pathlib import Path
from statistics import mean, stdev
from typing import Any

from sovplatform import privacy
from sovplatform.pilot import TaskSpec, TrainingSpec
from sovplatform.records import PrivacyPlan
from sovplatform.tasks import dpsgd, fintech, laboratory
from sovplatform.tasks.examples import fintech_task, fintech_training
from sovplatform.tasks.loading import load_task
from sovplatform.tasks.sources import rows
from sovplatform.tasks.split import split

SEEDS = range(5)
REGIONS = {"de": "DE", "fr": "FR", "ch": "CH"}
EPSILON, AUC = 2.0, 0.80


def main() -> list[dict[str, Any]]:
    """Measure, print a line per figure, and return them."""
    task, training = fintech_task(), fintech_training()
    sources = {name: fintech.source(index, len(REGIONS), code) for index, (name, code) in enumerate(REGIONS.items())}
    noise = privacy.noise_multiplier(training.epsilon, training.delta, training.sampling_rate, training.rounds)
    aucs: dict[str, list[float]] = {}
    for seed in SEEDS:
        seeded = training.model_copy(update={"seed": seed})
        released = federate(task, seeded, sources, noise)
        for name, auc in laboratory.compare(task, seeded, sources, released).items():
            aucs.setdefault(name, []).append(auc)
    federated = aucs.pop(laboratory.RELEASED)
    best = max(mean(values) for name, values in aucs.items() if name != laboratory.POOLED)
    epsilon, auc = spent(training, noise), mean(federated)
    return [
        _figure("quality.epsilon", epsilon, bar=f"≤ {EPSILON:.1f}", ok=epsilon <= EPSILON),
        _figure("quality.auc", auc, bar=f"≥ {AUC:.2f}", ok=auc >= AUC, spread=stdev(federated)),
        _figure("quality.auc over the best region's", auc - best, bar="> 0", ok=auc > best),
        *(_figure(f"quality.{name}", mean(values), spread=stdev(values)) for name, values in aucs.items()),
    ]


def federate(spec: TaskSpec, training: TrainingSpec, sources: dict[str, str], noise: float) -> Any:
    """The parameters after all rounds; each region's data is used only by its own `update`."""
    task = load_task(spec)
    parts = [
        task.prepare(split(rows(source, Path(), identities=False), training.holdout, training.seed)[0])
        for source in sources.values()
    ]
    aggregator = dpsgd.Aggregator(task, training, members=len(parts))
    for _ in range(training.rounds):
        params = aggregator.parameters
        aggregator.step([dpsgd.update(task, params, x, y, training, noise, dpsgd.secure_rng()) for x, y in parts])
    return aggregator.result()


def spent(training: TrainingSpec, noise: float) -> float:
    """ε of one region's training."""
    plan = PrivacyPlan(
        reservation="benchmark",
        dataset="fintech",
        partition="train",
        clip_norm=training.clip_norm,
        noise_multiplier=noise,
        sampling_rate=training.sampling_rate,
        steps=training.rounds,
        delta=training.delta,
    )
    return privacy.epsilon([plan], training.delta)


def _figure(name: str, value: float, *, bar: str = "", ok: bool | None = None, spread: float | None = None) -> dict[str, Any]:
    shown = f"{value:.4f}" + (f" ± {spread:.4f}" if spread is not None else "")
    print(f"{name:42} {shown:18} " + (f"bar {bar}  {'ok' if ok else 'MISSED'}" if bar else ""))
    return {"name": name, "value": value, "unit": "", "bar": bar, "ok": ok, "spread": spread}


if __name__ == "__main__":
    main()
