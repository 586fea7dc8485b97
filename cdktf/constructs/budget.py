"""A region's share of the pilot's money."""

from __future__ import annotations

from house.constructs.part import Part, Setting

from sovplatform import constructs


class Budget(Part):
    """See `sovplatform.constructs.Budget`."""

    @staticmethod
    def describe(setting: Setting) -> constructs.Budget:
        budget = setting.spec.budget
        return constructs.Budget(
            **setting.common(), amount=budget.amount, currency=budget.currency, alerts=budget.alerts, contact=budget.contact
        )
