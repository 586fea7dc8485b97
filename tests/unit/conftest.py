"""What several rooms' tests need."""

from collections.abc import Callable

import pytest

MakeDistribution = Callable[..., None]


@pytest.fixture
def make_distribution(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> MakeDistribution:
    """Installs a distribution for this test: one module, and its entry points in the group `sovplatform`."""

    def make(distribution: str, code: str, entry_points: str, *, module: str = "", group: str = "sovplatform") -> None:
        site = tmp_path_factory.mktemp("site")
        (site / f"{module or distribution.replace('-', '_')}.py").write_text(code)
        info = site / f"{distribution.replace('-', '_')}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[{group}]\n{entry_points}\n")
        monkeypatch.syspath_prepend(site)

    return make
