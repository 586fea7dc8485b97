"""Terraform's own errors, from the real Terraform, told with the construct that they come from."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sovplatform.infrastructure.diagnostics import StackInvalid
from sovplatform.infrastructure.offline.server import serving
from sovplatform.infrastructure.schema import Problem
from sovplatform.infrastructure.terraform import Terraform
from tests.unit.infrastructure.conftest import WriteStack

Refused = Callable[[dict[str, Any]], tuple[Problem, ...]]


@pytest.fixture
def refused(terraform: Terraform, write_stack: WriteStack) -> Iterator[Refused]:
    """The problems that Terraform has with a stack, without our contract before it."""
    with serving(["aws"]) as found:

        def plan(stack: dict[str, Any]) -> tuple[Problem, ...]:
            stack["terraform"].pop("backend")
            directory = write_stack(stack)
            environment = {"PATH": os.environ["PATH"], "HOME": str(directory), **found}
            with pytest.raises(StackInvalid) as caught:
                terraform.plan(directory, directory / "plan", variables={"account": "1"}, environment=environment, seconds=60)
            return caught.value.problems

        yield plan


def test_a_wrong_attribute(refused: Refused, aws: dict[str, Any]) -> None:
    aws["resource"]["aws_vpc"]["main"]["cidr"] = "x"
    (problem,) = refused(aws)
    assert problem.construct == "de-week1/landing-zone/vpc"
    assert (problem.address, problem.path) == ("aws_vpc.main", "cidr")
    assert 'No argument or block type is named "cidr"' in problem.message


def test_a_missing_attribute_of_a_block(refused: Refused, aws: dict[str, Any]) -> None:
    del aws["resource"]["aws_eks_cluster"]["main"]["vpc_config"]["subnet_ids"]
    (problem,) = refused(aws)
    assert problem.construct == "de-week1/cluster/eks"
    assert (problem.address, problem.path) == ("aws_eks_cluster.main", "vpc_config")
    assert '"subnet_ids" is required' in problem.message


def test_a_wrong_type(refused: Refused, aws: dict[str, Any]) -> None:
    aws["resource"]["aws_vpc"]["main"]["tags"] = ["a"]
    (problem,) = refused(aws)
    assert problem.construct == "de-week1/landing-zone/vpc"
    assert (problem.path, problem.message) == ("tags", 'Inappropriate value for attribute "tags": map of string required.')


def test_a_dangling_reference(refused: Refused, aws: dict[str, Any]) -> None:
    aws["resource"]["aws_subnet"]["a"]["vpc_id"] = "${aws_vpc.other.id}"
    (problem,) = refused(aws)
    assert (problem.construct, problem.path) == ("de-week1/landing-zone/subnet", "vpc_id")
    assert '"aws_vpc" "other" has not been declared' in problem.message


def test_a_cycle_names_all_its_constructs(refused: Refused, aws: dict[str, Any]) -> None:
    aws["resource"]["aws_vpc"]["main"]["tags"] = {"subnet": "${aws_subnet.a.id}"}
    (problem,) = refused(aws)
    assert "aws_vpc.main (made by de-week1/landing-zone/vpc)" in problem.message
    assert "aws_subnet.a (made by de-week1/landing-zone/subnet)" in problem.message


def test_a_type_that_the_provider_has_not(refused: Refused, aws: dict[str, Any]) -> None:
    aws["resource"]["aws_castle"] = {"x": {}}
    (problem,) = refused(aws)
    assert 'does not support resource type "aws_castle"' in problem.message
