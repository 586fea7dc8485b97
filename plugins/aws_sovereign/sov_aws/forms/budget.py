"""Budget: a month's money of the account, and who is told."""

from __future__ import annotations

from pydantic import JsonValue

from sov_aws.forms.network import LOGS_KEY
from sov_aws.forms.place import Arguments, Place, tags
from sov_aws.forms.policies import document, statement, without_tls
from sovplatform import constructs
from sovplatform.errors import ConfigError, Unsupported
from sovplatform.interfaces.stackforms import Form, Resource, Wires

CURRENCIES = {"aws": "USD", "aws-cn": "CNY", "aws-eusc": "EUR"}
"""What a partition bills in, and so the unit of its budgets. aws-eusc has an endpoint of Budgets by botocore's endpoint rules."""
MOST = 5
"""So many notifications may a budget have."""


def budget(construct: constructs.Budget, wires: Wires, place: Place) -> Form:
    """The whole account is the region's, so all of its costs count; a filter by tag would miss what has none."""
    currency = CURRENCIES.get(place.partition)
    if currency is None:
        reason = f"partition {place.partition} has no AWS Budgets: it is billed through an account of partition aws"
        raise Unsupported(f"a budget in region {place.region.name}", reason=reason, remedy="set the budget there")
    if construct.currency != currency and not place.terraform.budget:
        raise Unsupported(
            f"a budget in {construct.currency} in region {place.region.name}",
            reason=f"partition {place.partition} bills in {currency}; set `budget` to the amount in {currency}",
        )
    if len(construct.alerts) > MOST:
        raise ConfigError(f"the budget has {len(construct.alerts)} alerts, AWS allows {MOST}", remedy="leave some of them out")
    topic, policy = _topic(construct, wires, place)
    amount = place.terraform.budget or construct.amount
    arguments: Arguments = {
        "name": place.named("month", limit=100),
        "budget_type": "COST",
        "time_unit": "MONTHLY",
        "limit_amount": f"{amount:.2f}",
        "limit_unit": currency,
        "notification": _notifications(construct, topic),
        "tags": tags(construct),
        "depends_on": [policy.address],
    }
    return Form(resources=(topic, policy, Resource(type="aws_budgets_budget", name="month", arguments=arguments)))


def _notifications(construct: constructs.Budget, topic: Resource) -> list[JsonValue]:
    contacts: list[JsonValue] = [construct.contact] if construct.contact else []
    kinds = [("ACTUAL", percent) for percent in construct.alerts]
    if len(kinds) < MOST:
        kinds.append(("FORECASTED", 100))
    return [
        {
            "comparison_operator": "GREATER_THAN",
            "notification_type": kind,
            "threshold": percent,
            "threshold_type": "PERCENTAGE",
            "subscriber_sns_topic_arns": [topic.ref("arn")],
            "subscriber_email_addresses": contacts,
        }
        for kind, percent in kinds
    ]


def _topic(construct: constructs.Budget, wires: Wires, place: Place) -> tuple[Resource, Resource]:
    topic = Resource(
        type="aws_sns_topic",
        name="budget",
        arguments={"name": place.named("budget", limit=256), "kms_master_key_id": wires[LOGS_KEY], "tags": tags(construct)},
    )
    own = {"StringEquals": {"aws:SourceAccount": place.account}}
    arn = topic.ref("arn")
    service: JsonValue = {"Service": place.principal("budgets")}
    rules = document(
        statement("Budgets", "sns:Publish", arn, principal=service, conditions=own),
        without_tls("sns:Publish", arn),
    )
    return topic, Resource(type="aws_sns_topic_policy", name="budget", arguments={"arn": arn, "policy": rules})
