"""What a model costs that respects borders: compare it with models that need not, on an example's public data.

Nothing here is private, and nothing here may see a pilot's own data: only sources of examples are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sovplatform.errors import ConfigError, Denied
from sovplatform.pilot import TaskSpec, TrainingSpec
from sovplatform.tasks.feed import feed
from sovplatform.tasks.fit import fit
from sovplatform.tasks.loading import load_task
from sovplatform.tasks.quality import auc
from sovplatform.tasks.sources import rows
from sovplatform.tasks.split import split
from sovplatform.tasks.tabular import session
from sovplatform.tasks.task import MODEL

if TYPE_CHECKING:
    from sovplatform.tasks.task import Floats

POOLED = "pooled, without privacy"
RELEASED = "released, measured exactly"


def compare(
    spec: TaskSpec,
    training: TrainingSpec,
    sources: Mapping[str, str],
    released: Path | Mapping[str, Floats] | None = None,
    code_dir: Path | None = None,
) -> dict[str, float]:
    """The test AUC of: the pooled data's model, each source's own model (`only NAME`), and the released model.

    The test data are the holdouts of all sources together, split by the training's seed as the regions split them, so that no
    model has seen them. `sources` maps a name to a source URI; `released` is parameters, or a directory with `model.onnx`.

    Raises:
        ConfigError: there are no sources.
        Denied: a source is not an example's.
    """
    import numpy as np

    if not sources:
        raise ConfigError("there is nothing to compare on", remedy="give the sources of the example's datasets")
    for name, source in sources.items():
        if not source.startswith("example:"):
            raise Denied(f"the data of {name} are not an example's", remedy="compare models on public example data only")
    task = load_task(spec, code_dir)
    sides = {
        name: split(rows(source, Path(), identities=False), training.holdout, training.seed) for name, source in sources.items()
    }
    train = {name: task.prepare(side[0]) for name, side in sides.items()}
    test_rows = [row for _, holdout in sides.values() for row in holdout]
    test = task.prepare(test_rows)
    pooled = fit(task, np.concatenate([part.x for part in train.values()]), np.concatenate([part.y for part in train.values()]))
    scores = {POOLED: task.scores(pooled, test.x)}
    for name, part in train.items():
        scores[f"only {name}"] = task.scores(fit(task, part.x, part.y), test.x)
    if isinstance(released, Path):
        scores[RELEASED] = session((released / MODEL).read_bytes()).run(None, feed(spec, test_rows))[0].ravel()
    elif released is not None:
        scores[RELEASED] = task.scores(dict(released), test.x)
    return {name: auc(score, test.y) for name, score in scores.items()}
