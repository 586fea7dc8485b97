"""The Helm charts of the platform, by week and role, with the version that was looked at and its source."""

from __future__ import annotations

from sovplatform.constructs import Chart
from sovplatform.records import Role

CERT_MANAGER = Chart(
    name="cert-manager", namespace="cert-manager", repository="https://charts.jetstack.io", chart="cert-manager", version="1.18.2"
)

_WEEKS: dict[int, tuple[tuple[frozenset[Role], Chart], ...]] = {
    2: ((frozenset(Role), CERT_MANAGER),),
    3: (),
    4: (),
}


def charts(week: int, role: Role) -> tuple[Chart, ...]:
    """The charts that a region of this role gets in a week."""
    return tuple(chart for roles, chart in _WEEKS[week] if role in roles)
