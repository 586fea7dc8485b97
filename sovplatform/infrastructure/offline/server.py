"""Serve the planning providers to any number of Terraform processes, from this process.

Terraform finds a provider by `dev_overrides` in a configuration file of ours and starts it several times a plan. If each start
were a Python process, a stack with five providers would take 11 s to plan and show. So what it starts is a launcher
(`launcher.py`), and each provider runs once, in threads of this process, on sockets in a directory that only this user may enter.
It ends with this process, and there is nothing to download, whatever versions a stack asks for.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from tf.gen import tfplugin_pb2 as pb
from tf.gen import tfplugin_pb2_grpc as rpc
from tf.utils import Diagnostics, read_dynamic_value, to_dynamic_value

from sovplatform.errors import ConfigError
from sovplatform.infrastructure.offline.encoding import provider_schema
from sovplatform.infrastructure.offline.launcher import Identity, Seat, write_launcher
from sovplatform.infrastructure.offline.planning import placeholder, planned
from sovplatform.infrastructure.schema import Schema, load

REGISTRIES = ("registry.terraform.io", "registry.opentofu.org")
_THREADS = 8
_LONGEST_SOCKET = 100
_CONFIGURATION = """\
disable_checkpoint = true
provider_installation {{
  dev_overrides {{
{overrides}  }}
  direct {{}}
}}
"""


class PlanningProvider(rpc.ProviderServicer):  # type: ignore[misc]
    """One provider. It answers what a plan asks, and refuses everything else."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._message = provider_schema(schema)

    def GetProviderSchema(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's names
        return self._message

    def ValidateProviderConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        return pb.ValidateProviderConfig.Response()

    def ValidateResourceConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        return pb.ValidateResourceConfig.Response()

    def ValidateDataResourceConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        return pb.ValidateDataResourceConfig.Response()

    def ConfigureProvider(self, request: Any, context: Any) -> Any:  # noqa: N802
        return pb.ConfigureProvider.Response()

    def PlanResourceChange(self, request: Any, context: Any) -> Any:  # noqa: N802
        if read_dynamic_value(request.prior_state) is not None:
            return pb.PlanResourceChange.Response(diagnostics=_refusal("plan a change of what exists"))
        proposed = read_dynamic_value(request.proposed_new_state)
        state = planned(self._schema["resource_schemas"][request.type_name], proposed)
        # The providers that this stands for mark unknown blocks in the same way.
        return pb.PlanResourceChange.Response(planned_state=to_dynamic_value(state), legacy_type_system=True)

    def ReadDataSource(self, request: Any, context: Any) -> Any:  # noqa: N802
        schema = self._schema["data_source_schemas"][request.type_name]
        state = placeholder(schema, read_dynamic_value(request.config), request.type_name)
        return pb.ReadDataSource.Response(state=to_dynamic_value(state))

    def UpgradeResourceState(self, request: Any, context: Any) -> Any:  # noqa: N802
        return pb.UpgradeResourceState.Response(diagnostics=_refusal("read a state"))

    def ReadResource(self, request: Any, context: Any) -> Any:  # noqa: N802
        return pb.ReadResource.Response(diagnostics=_refusal("read what exists"))

    def ApplyResourceChange(self, request: Any, context: Any) -> Any:  # noqa: N802
        return pb.ApplyResourceChange.Response(diagnostics=_refusal("apply"))

    def ImportResourceState(self, request: Any, context: Any) -> Any:  # noqa: N802
        return pb.ImportResourceState.Response(diagnostics=_refusal("import"))

    def StopProvider(self, request: Any, context: Any) -> Any:  # noqa: N802
        """An interrupted Terraform says this; the others go on."""
        return pb.StopProvider.Response()


def _refusal(what: str) -> Any:
    return (
        Diagnostics().add_error(f"this provider only plans: it does not {what}", "Use `sovctl plan` without --offline.").to_pb()
    )


@contextmanager
def serving(providers: Iterable[str], *, at_once: int = 2) -> Iterator[Mapping[str, str]]:
    """Serve providers while the context lasts. Yields the environment variables by which Terraform finds them.

    Args:
        providers: their names, as the schema files have them.
        at_once: how often each of them may be started at one time.

    Raises:
        NotFound: there is no schema of one of them.
        ConfigError: programs may not be run from the directory for temporary files.
    """
    overrides: dict[str, str] = {}
    with ExitStack() as stack:
        home = Path(stack.enter_context(_short_directory()))
        identity = Identity.new()
        for name in sorted(set(providers)):
            schema = load(name)
            threads = stack.enter_context(ThreadPoolExecutor(_THREADS, thread_name_prefix=f"offline-{name}"))
            add_services = partial(rpc.add_ProviderServicer_to_server, PlanningProvider(schema))
            for number in range(at_once):
                seat = Seat(home / "seats" / name / str(number), identity, threads, add_services)
                stack.callback(seat.close)
            launcher = home / name / f"terraform-provider-{schema['source'].rpartition('/')[2]}"
            write_launcher(launcher, home / "seats" / name, identity)
            _require_runnable(launcher)
            overrides |= {f"{registry}/{schema['source']}": str(launcher.parent) for registry in REGISTRIES}
        configuration = home / "terraformrc"
        configuration.write_text(_CONFIGURATION.format(overrides="".join(map(_line, overrides.items()))))
        yield {"TF_CLI_CONFIG_FILE": str(configuration)}


def _line(override: tuple[str, str]) -> str:
    return "    {} = {}\n".format(*map(json.dumps, override))


def _require_runnable(launcher: Path) -> None:
    if not os.access(launcher, os.X_OK):
        raise ConfigError(
            f"programs may not be run from {tempfile.gettempdir()}, and Terraform has to run one from there",
            remedy="set TMPDIR to a directory on a file system that is not mounted with noexec",
        )


def _short_directory() -> tempfile.TemporaryDirectory[str]:
    """A private directory (mode 0700) whose sockets' paths are short enough for the system."""
    shortest = len(os.fsencode(tempfile.gettempdir())) + len("/sov-offline-12345678/seats/kubernetes/100/socket")
    return tempfile.TemporaryDirectory(prefix="sov-offline-", dir="/tmp" if shortest > _LONGEST_SOCKET else None)  # noqa: S108
