"""Objects of Kubernetes inside a chart's values, which the chart applies as they are: they are told apart, to be judged as such.

A chart may take them as trees, as texts of YAML, or as templates; what a template comes to is known to nobody before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sovplatform.infrastructure.flattening import Facts, trusted

MOST_NODES = 20_000
"""YAML's aliases make much of little; what expands further is not read."""
_PASSED_ON = re.compile(
    r"(extra|additional|custom|raw|more|other|user)_?-?(objects?|deploy|deployments?|manifests?|resources?|templates?|objs?|yamls?)"
    r"|(extra)?(k8s|kubernetes)_?-?(objects?|manifests?|resources?)|manifests?|objects",
    re.IGNORECASE,
)
"""What charts call the values that they apply as they are, such as `extraObjects`, `extraDeploy`, `additionalManifests`."""
_TEMPLATE = re.compile(r"\{\{")
_STRUCTURED = re.compile(r"\n|^\s*[\[{]|^---")
_MANIFEST = re.compile(r"apiVersion.*kind|kind.*apiVersion", re.DOTALL)


_DOOR = re.compile(
    r"(?:^|\.)(?:(?:[^.]*(?:ingress|gateway|httproute|grpcroute|tcproute|tlsroute|udproute|virtualservice|loadbalancer)[^.]*|routes?)"
    r"\.(?:.*\.)?(?:create|enabled|install)|externalips|externalname|hostnetwork|hostport|loadbalancerip)$",
    re.IGNORECASE,
)
"""What has a chart make a way in from outside; on the machine's own network it is not behind the walls of a namespace."""


def doors(paths: Iterable[str]) -> list[str]:
    """The paths of a chart's values that may open a way in from outside."""
    return sorted(path for path in paths if _DOOR.search(path))


@dataclass
class Embedded:
    """`objects`: path, `kind` as GROUP/VERSION/KIND, `values` and `blocks`. `unread`: the paths of what cannot be read."""

    objects: list[dict[str, Any]] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    _nodes: int = 0

    @classmethod
    def of(cls, tree: Any, path: str) -> Embedded:
        """What is in the values of a chart."""
        found = cls()
        found._look(tree, path, passed_on=False)
        return found

    def _look(self, tree: Any, path: str, *, passed_on: bool) -> None:
        self._nodes += 1
        if self._nodes > MOST_NODES:
            self._not_read(path)
        elif isinstance(tree, Mapping):
            self._mapping(tree, path, passed_on)
        elif isinstance(tree, list):
            for item in tree:
                self._look(item, path, passed_on=passed_on)
        elif isinstance(tree, str) and tree:
            self._text(tree, path, passed_on)
        elif passed_on and tree not in (None, False, ""):
            self._not_read(path)

    def _mapping(self, tree: Mapping[Any, Any], path: str, passed_on: bool) -> None:
        own = {str(key).lower(): value for key, value in tree.items()}
        if "kind" in own and "apiversion" in own:
            facts = Facts()
            facts.add(tree)
            kind = str(trusted(f"{own['apiversion']}/{own['kind']}"))
            self.objects.append({"path": path, "kind": kind, "values": facts.values, "blocks": facts.blocks})
            passed_on = False
        for key, item in tree.items():
            below = f"{path}.{trusted(str(key))}"
            if _TEMPLATE.search(str(key)):
                self._not_read(below)
            self._look(item, below, passed_on=passed_on or _PASSED_ON.fullmatch(str(key)) is not None)

    def _text(self, text: str, path: str, passed_on: bool) -> None:
        if _TEMPLATE.search(text):
            self._not_read(path)
            return
        likely = _MANIFEST.search(text) is not None
        if not (passed_on or likely or _STRUCTURED.search(text)):
            return
        trees, before = _yaml(text), len(self.objects)
        for tree in trees or ():
            if not isinstance(tree, str):  # a text that is no more than a text
                self._look(tree, path, passed_on=passed_on)
        if (trees is None or len(self.objects) == before) and (passed_on or likely):
            self._not_read(path)

    def _not_read(self, path: str) -> None:
        if path not in self.unread:
            self.unread.append(path)


def _yaml(text: str) -> list[Any] | None:
    """The documents of a text, or None when it is no YAML."""
    import yaml

    try:
        return list(yaml.load_all(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
