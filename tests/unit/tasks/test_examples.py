"""The example that people get is the one that was measured."""

from pathlib import Path

import yaml

from sovplatform import privacy
from sovplatform.pilot import TaskSpec, TrainingSpec
from sovplatform.tasks.examples import fintech_task, fintech_training
from sovplatform.tasks.fintech import IDENTIFIERS, rows

TEMPLATE = Path(__file__).parents[3] / "templates/examples/fintech/task.yaml"


def test_the_template_is_the_measured_task_and_training() -> None:
    written = yaml.safe_load(TEMPLATE.read_text(encoding="utf-8"))
    assert TaskSpec.model_validate(written["task"]) == fintech_task()
    assert TrainingSpec.model_validate(written["training"]) == fintech_training()


def test_every_column_of_the_example_is_a_feature_the_target_or_an_identifier() -> None:
    task = fintech_task()
    columns = next(rows({})).keys() - {"row_id"}
    assert columns == {feature.name for feature in task.features} | {task.target.column} | set(IDENTIFIERS)


def test_the_examples_training_is_within_epsilon_two() -> None:
    training = fintech_training()
    assert training.epsilon <= 2.0 and training.delta <= 1e-5
    assert privacy.noise_multiplier(training.epsilon, training.delta, training.sampling_rate, training.rounds) > 1
