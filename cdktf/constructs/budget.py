"""A month's money of a region. A cloud sees its own account alone, so each is watched for the whole of the pilot's amount."""

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
