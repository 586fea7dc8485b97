"""Wires: the values that constructs offer each other, within a stack as expressions, between weeks as variables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from sovplatform.errors import SovError
from sovplatform.infrastructure.request import Variable
from sovplatform.interfaces.stackforms import Output


class Wires(Mapping[str, JsonValue]):
    """What one stack sees. Asking for what an earlier week offers makes it a variable of this stack."""

    def __init__(self, region: str, earlier: Mapping[str, tuple[str, Output]]) -> None:
        self._region = region
        self._earlier = earlier
        self.own: dict[str, Output] = {}
        self.variables: dict[str, Variable] = {}

    def __getitem__(self, name: str) -> JsonValue:
        if name in self.own:
            return self.own[name].value
        if name not in self._earlier:
            raise SovError(f"region {self._region}: nothing offers {name}", remedy="report it to the provider's maker")
        stack, output = self._earlier[name]
        self.variables[identifier(name)] = Variable(stack=stack, output=identifier(name), example=output.example)
        return f"${{var.{identifier(name)}}}"

    def __contains__(self, name: object) -> bool:
        return name in self.own or name in self._earlier

    def __iter__(self) -> Iterator[str]:
        return iter({**self._earlier, **self.own})

    def __len__(self) -> int:
        return len({**self._earlier, **self.own})

    def offer(self, outputs: Mapping[str, Output]) -> None:
        """Let the constructs after this one, and the weeks after this one, have these."""
        self.own |= outputs


def identifier(name: str) -> str:
    """A wire's name as Terraform spells names: `keys.data` is `keys_data`."""
    return name.replace(".", "_").replace("-", "_")
