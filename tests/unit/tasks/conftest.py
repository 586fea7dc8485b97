"""A small task with every kind of feature, and rows for it."""

import pytest

from sovplatform.pilot import CategoryFeature, NumberFeature, Target, TaskSpec
from sovplatform.tasks.tabular import TabularTask

Row = dict[str, str]


@pytest.fixture(scope="session")
def spec() -> TaskSpec:
    return TaskSpec(
        name="small",
        target=Target(column="outcome", positive="bad"),
        features=(
            NumberFeature(name="age", type="number", min=20, max=60),
            NumberFeature(name="income", type="number", min=0, max=99, scale="log", bins=(9, 50)),
            CategoryFeature(name="home", type="category", values=("owner", "rent")),
        ),
        identifiers=("person",),
    )


@pytest.fixture(scope="session")
def task(spec: TaskSpec) -> TabularTask:
    return TabularTask(spec)


@pytest.fixture
def rows() -> list[Row]:
    cells = [
        ("40", "0", "owner", "bad"),
        ("20", "9", "rent", "good"),
        ("1000", "49.9", "castle", "bad"),
        ("", "NA", "", "good"),
        ("-3", "1e6", "Owner", "bad"),
    ]
    return [{"person": "Erika Mustermann", **dict(zip(("age", "income", "home", "outcome"), row, strict=True))} for row in cells]
