"""EdgeRegion: many small sites that serve models, and do nothing else."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from sov_edge.settings import EdgeSettings
from sovplatform.backends.terraform.kubeconfig import clusters
from sovplatform.errors import ConfigError, Unsupported
from sovplatform.interfaces import KeyStore, Region, Registry, Server, Trainer
from sovplatform.records import Finding, RegionSpec, RegionStatus

_NO_COUNTRY = {"AA", "EL", "EU", "QM", "QZ", "UK", "UN", "XA", "XX", "XZ", "ZZ"}  # look like ISO 3166-1 codes and name no country
_SECONDS = 2.0
_AT_ONCE = 32


class EdgeRegion(Region):
    """Its sites are run by somebody else, so there is nothing to start. Its models are signed where they are released."""

    def __init__(self, spec: RegionSpec, pilot: str) -> None:
        super().__init__(spec)
        self.pilot = pilot
        self.settings = EdgeSettings.of(spec)

    def check(self) -> Sequence[Finding]:
        sites = self._check_sites()
        try:
            addresses = self._addresses()
        except ConfigError as err:
            return [sites, Finding(check="kubeconfig", ok=False, detail=err.message, remedy=err.remedy, setting="kubeconfig")]
        missing = [site.name for site in self.settings.sites if not addresses.get(site.name)]
        contexts = Finding(
            check="kubeconfig",
            ok=not missing,
            detail=f"no context for: {', '.join(missing)}" if missing else self.settings.kubeconfig,
            remedy=f"add the contexts of these sites to {self.settings.kubeconfig}" if missing else "",
        )
        return [sites, contexts]

    def status(self) -> RegionStatus:
        """Up is a region all of whose sites answer on the address of their API server."""
        problems = [finding.detail for finding in self.check() if not finding.ok]
        endpoints = dict(self._addresses()) if not problems else {}
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            away = [site for site, ok in zip(endpoints, pool.map(_answers, endpoints.values()), strict=True) if not ok]
        problems += [f"site {site} does not answer at {endpoints[site]}" for site in away]
        return RegionStatus(region=self.spec.name, up=not problems, endpoints=endpoints, problems=tuple(problems))

    def keystore(self) -> KeyStore:
        reason = "edge sites only serve: keys rest in the sovereign region that releases to them"
        raise Unsupported("a key store at the edge", reason=reason, remedy="use the keys of the sovereign region")

    def registry(self) -> Registry:
        reason = "edge sites only serve: models are registered in the sovereign region that releases to them"
        raise Unsupported("a registry at the edge", reason=reason, remedy="use the registry of the sovereign region")

    def trainer(self) -> Trainer:
        raise Unsupported("a trainer at the edge", reason="edge sites only serve", remedy="train in a sovereign or global region")

    def server(self) -> Server:
        reason = "it needs the sites' Kubernetes clusters, which this version does not manage yet"
        raise Unsupported("a server at the edge", reason=reason, remedy="use provider onprem for this region")

    def _check_sites(self) -> Finding:
        sites = self.settings.sites
        wrong = [
            *([] if sites else ["no site is listed"]),
            *(f"two sites are called {name}" for name in _twice([site.name for site in sites])),
            *(f"two sites have the context {context}" for context in _twice([site.context for site in sites])),
            *(f"{site.jurisdiction} of site {site.name} is no country" for site in sites if site.jurisdiction in _NO_COUNTRY),
        ]
        remedy = f"correct `sites` under settings of region {self.spec.name} in pilot.yaml" if wrong else ""
        return Finding(check="sites", ok=not wrong, detail="; ".join(wrong) or f"{len(sites)} sites", remedy=remedy)

    def _addresses(self) -> Mapping[str, str]:
        """The API server of each site, or nothing. Raises ConfigError for a kubeconfig that cannot be read."""
        found = clusters(self.settings.kubeconfig)
        return {site.name: found.get(site.context, "") for site in self.settings.sites}


def _twice(words: Sequence[str]) -> list[str]:
    return sorted(word for word, times in Counter(words).items() if times > 1)


def _answers(address: str) -> bool:
    try:
        url = urlsplit(address)
        with socket.create_connection((url.hostname or "", url.port or 443), _SECONDS):
            return True
    except (OSError, ValueError):
        return False
