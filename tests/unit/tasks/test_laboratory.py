"""The comparison uses the regions' own split and public data only, and the federated model holds its ground."""

from pathlib import Path

import numpy as np
import pytest

from sovplatform import privacy
from sovplatform.errors import ConfigError, Denied
from sovplatform.tasks import dpsgd, fintech, laboratory
from sovplatform.tasks.examples import fintech_task, fintech_training
from sovplatform.tasks.loading import load_task
from sovplatform.tasks.sources import rows
from sovplatform.tasks.split import split

SOURCES = {"de": fintech.source(0, 3, "DE"), "fr": fintech.source(1, 3, "FR"), "ch": fintech.source(2, 3, "CH")}


def test_learning_over_regions_with_privacy_is_worth_it(tmp_path: Path) -> None:
    """One seed of `benchmarks/quality.py`; parameters and the exported model must agree."""
    spec, training = fintech_task(), fintech_training()
    noise = privacy.noise_multiplier(training.epsilon, training.delta, training.sampling_rate, training.rounds)
    task = load_task(spec)
    parts = [
        task.prepare(split(rows(source, Path(), identities=False), training.holdout, training.seed)[0])
        for source in SOURCES.values()
    ]
    aggregator = dpsgd.Aggregator(task, training, members=3)
    rng = np.random.default_rng(17)
    for _ in range(training.rounds):
        aggregator.step([dpsgd.update(task, aggregator.parameters, x, y, training, noise, rng) for x, y in parts])
    task.export(aggregator.result(), tmp_path)
    by_model = laboratory.compare(spec, training, SOURCES, tmp_path)
    by_parameters = laboratory.compare(spec, training, SOURCES, aggregator.result())
    assert by_model == pytest.approx(by_parameters, abs=1e-4)
    assert 0.80 < by_model[laboratory.RELEASED] < by_model[laboratory.POOLED] + 0.01
    assert set(by_model) == {laboratory.POOLED, laboratory.RELEASED, "only de", "only fr", "only ch"}
    assert all(by_model[f"only {name}"] < by_model[laboratory.POOLED] for name in SOURCES)


def test_a_pilots_own_data_are_refused() -> None:
    with pytest.raises(Denied, match="not an example"):
        laboratory.compare(fintech_task(), fintech_training(), {**SOURCES, "own": "file:customers.csv"})


def test_without_sources_there_is_nothing_to_compare() -> None:
    with pytest.raises(ConfigError):
        laboratory.compare(fintech_task(), fintech_training(), {})


def test_the_laboratorys_measure_of_the_released_model_has_a_name_of_its_own() -> None:
    from sovplatform.tasks.laboratory import RELEASED

    assert RELEASED != "released"  # that row is the noised measure, which left the regions
