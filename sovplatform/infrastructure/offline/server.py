"""Serve the planning providers to any number of Terraform processes, from this process.

Terraform can start a provider (`dev_overrides`) or take up one that runs already (`TF_REATTACH_PROVIDERS`). Terraform starts
every provider several times a plan, and each start would be a Python process: a stack with five providers took 11 s to plan and
show that way, and takes 0.4 s this way. So each provider runs once, in threads of this process, on a socket in a directory that
only this user may enter. It ends with this process, and there is nothing to download, whatever versions a stack asks for.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import grpc
from tf.gen import tfplugin_pb2 as pb
from tf.gen import tfplugin_pb2_grpc as rpc
from tf.utils import Diagnostics, read_dynamic_value, to_dynamic_value

from sovplatform.infrastructure.offline.encoding import provider_schema
from sovplatform.infrastructure.offline.planning import placeholder, planned
from sovplatform.infrastructure.schema import Schema, load

REGISTRIES = ("registry.terraform.io", "registry.opentofu.org")
_THREADS = 8
_LONGEST_SOCKET = 100
_OPTIONS = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))


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
def serving(providers: Iterable[str]) -> Iterator[Mapping[str, str]]:
    """Serve providers while the context lasts. Yields the environment variables by which Terraform finds them.

    Raises:
        NotFound: there is no schema of one of them.
    """
    reattach: dict[str, Any] = {}
    with ExitStack() as stack:
        home = Path(stack.enter_context(_short_directory()))
        for name in sorted(set(providers)):
            schema = load(name)
            server = grpc.server(ThreadPoolExecutor(_THREADS, thread_name_prefix=f"offline-{name}"), options=_OPTIONS)
            rpc.add_ProviderServicer_to_server(PlanningProvider(schema), server)
            socket = home / name
            server.add_insecure_port(f"unix:{socket}")
            server.start()
            stack.callback(_stop, server)
            told = {"Protocol": "grpc", "ProtocolVersion": 6, "Pid": os.getpid(), "Test": True}
            told["Addr"] = {"Network": "unix", "String": str(socket)}
            reattach |= {f"{registry}/{schema['source']}": told for registry in REGISTRIES}
        yield {"TF_REATTACH_PROVIDERS": json.dumps(reattach)}


def _stop(server: Any) -> None:
    server.stop(None).wait()


def _short_directory() -> tempfile.TemporaryDirectory[str]:
    """A private directory (mode 0700) whose sockets' paths are short enough for the system."""
    shortest = len(os.fsencode(tempfile.gettempdir())) + len("/sov-offline-12345678/kubernetes")
    return tempfile.TemporaryDirectory(prefix="sov-offline-", dir="/tmp" if shortest > _LONGEST_SOCKET else None)  # noqa: S108
