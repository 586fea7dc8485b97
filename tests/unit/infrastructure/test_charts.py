"""The charts of the platform: pinned, sourced, quiet, without a password, and each namespace in one week only."""

import json
import re
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sovplatform.constructs import Chart
from sovplatform.records import RegionSpec, Role

Charts = Callable[[int, str, RegionSpec], tuple[Chart, ...]]
CDKTF = Path(__file__).parents[3] / "cdktf"


@pytest.fixture(scope="module")
def charts() -> Iterator[Charts]:
    """As `cdktf/app.py` makes it importable; the CDK is not needed for it."""
    house = types.ModuleType("house")
    house.__path__ = [str(CDKTF)]
    sys.modules["house"] = house
    from house.constructs.charts import charts as found  # type: ignore[import-not-found]

    yield found
    for name in [name for name in sys.modules if name.partition(".")[0] == "house"]:
        del sys.modules[name]


def region(role: Role) -> RegionSpec:
    return RegionSpec(name="de", jurisdiction="DE", role=role, provider="onprem")


def names(charts: Charts, role: Role) -> dict[int, list[str]]:
    return {week: [chart.name for chart in charts(week, "demo", region(role))] for week in (2, 3, 4)}


def test_each_role_gets_what_it_needs_and_no_more(charts: Charts) -> None:
    whole = ["openbao", "spire-crds", "spire", "mlflow", "kubeflow-trainer"]
    admitted = ["cert-manager", "argo-cd", "kyverno"]
    assert names(charts, Role.sovereign) == {2: admitted, 3: whole, 4: ["kserve-crd", "kserve", "monitoring"]}
    assert names(charts, Role.global_) == {2: admitted, 3: whole, 4: ["monitoring"]}
    assert names(charts, Role.edge) == {
        2: ["cert-manager"],
        3: ["spire-crds", "spire"],
        4: ["kserve-crd", "kserve", "monitoring"],
    }


@pytest.mark.parametrize("role", list(Role))
def test_a_namespace_belongs_to_one_week_and_a_chart_comes_after_what_it_needs(charts: Charts, role: Role) -> None:
    seen: dict[str, int] = {}
    for week in (2, 3, 4):
        found = charts(week, "demo", region(role))
        assert len({chart.name for chart in found}) == len(found)
        for chart in found:
            assert seen.setdefault(chart.namespace, week) == week
            assert set(chart.after) <= {other.name for other in found}


@pytest.mark.parametrize("role", list(Role))
def test_every_chart_is_pinned_and_fetched_over_tls(charts: Charts, role: Role) -> None:
    for chart in (chart for week in (2, 3, 4) for chart in charts(week, "demo", region(role))):
        assert re.fullmatch(r"v?\d+\.\d+\.\d+", chart.version), chart.name
        assert chart.repository.startswith(("https://", "oci://")), chart.name


@pytest.mark.parametrize("role", list(Role))
def test_no_chart_has_a_password_in_its_values(charts: Charts, role: Role) -> None:
    for chart in (chart for week in (2, 3, 4) for chart in charts(week, "demo", region(role))):
        for setting in re.findall(r'"[^"]*(?:[Pp]assword|[Tt]oken|secretKey)[^"]*": ("[^"]+")', json.dumps(dict(chart.values))):
            pytest.fail(f"{chart.name} says {setting}")


def test_nothing_tells_its_maker_of_the_installation(charts: Charts) -> None:
    made = {
        chart.name: json.dumps(dict(chart.values)) for week in (3, 4) for chart in charts(week, "demo", region(Role.sovereign))
    }
    assert '"reporting_enabled": false' in made["monitoring"]
    assert '"check_for_updates": false' in made["monitoring"]
    assert '"MLFLOW_DISABLE_TELEMETRY": "true"' in made["mlflow"]


def test_the_trust_domain_of_spire_is_that_of_the_region(charts: Charts) -> None:
    (spire,) = [chart for chart in charts(3, "demo", region(Role.sovereign)) if chart.name == "spire"]
    assert '"trustDomain": "de.demo.sov"' in json.dumps(dict(spire.values))


def test_the_documentation_lists_every_chart_with_its_version(charts: Charts) -> None:
    table = (CDKTF.parent / "docs" / "infrastructure" / "platform-services.md").read_text()
    for role in Role:
        for week in (2, 3, 4):
            for chart in charts(week, "demo", region(role)):
                assert f"| {week} | {chart.name} | {chart.version} |" in table


def test_an_edge_site_has_agents_alone(charts: Charts) -> None:
    site = region(Role.edge).model_copy(
        update={"settings": {"spire_server": "spire.berlin.example", "metrics_url": "https://m.example"}}
    )
    values = {chart.name: json.dumps(dict(chart.values)) for week in (3, 4) for chart in charts(week, "demo", site)}
    assert '"spire-server": {"enabled": false}' in values["spire"]
    assert '"address": "spire.berlin.example"' in values["spire"]
    assert '"agentMode": true' in values["monitoring"]
    assert '"url": "https://m.example"' in values["monitoring"]
    assert '"grafana": {"enabled": false}' in values["monitoring"]
