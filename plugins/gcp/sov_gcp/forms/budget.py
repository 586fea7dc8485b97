"""Budget: a month's money of the project, and who is told."""

from __future__ import annotations

from pydantic import JsonValue

from sov_gcp.forms.place import Place, labels, project_data
from sovplatform import constructs
from sovplatform.errors import Unsupported
from sovplatform.interfaces.stackforms import Form, Resource, Wires


def budget(construct: constructs.Budget, wires: Wires, place: Place) -> Form:
    account = place.terraform.billing_account
    if not account:
        raise Unsupported(
            construct.title,
            reason="Google Cloud keeps budgets in a billing account, and the settings name none",
            remedy=f"set `billing_account` in region {place.region.name}",
        )
    project = project_data(place, "budget")
    resources = [project]
    rules: list[JsonValue] = [{"threshold_percent": it / 100, "spend_basis": "CURRENT_SPEND"} for it in construct.alerts]
    arguments: dict[str, JsonValue] = {
        "billing_account": account,
        "display_name": place.named(limit=60),
        "budget_filter": [
            {
                "projects": [f"projects/{project.ref('number')}"],
                "calendar_period": "MONTH",
                "credit_types_treatment": "EXCLUDE_ALL_CREDITS",
            }
        ],
        "amount": [
            {
                "specified_amount": [
                    {
                        "currency_code": construct.currency,
                        "units": str(int(construct.amount)),
                        "nanos": round((construct.amount % 1) * 1e9),
                    }
                ]
            }
        ],
        "threshold_rules": [*rules, {"threshold_percent": 1.0, "spend_basis": "FORECASTED_SPEND"}],
        "depends_on": ["google_project_service.billingbudgets"],
    }
    if construct.contact:
        channel = _channel(construct, place)
        resources.append(channel)
        arguments["all_updates_rule"] = [{"monitoring_notification_channels": [channel.ref("name")]}]
    return Form(resources=(*resources, Resource(type="google_billing_budget", name="main", arguments=arguments)))


def _channel(construct: constructs.Budget, place: Place) -> Resource:
    return Resource(
        type="google_monitoring_notification_channel",
        name="budget",
        arguments={
            "project": place.project,
            "display_name": place.named("budget"),
            "type": "email",
            "labels": {"email_address": construct.contact},
            "user_labels": labels(construct),
            "depends_on": ["google_project_service.monitoring"],
        },
    )
