"""What Terraform starts in place of a provider: a few lines of shell that tell where the provider already runs.

Terraform starts a provider several times a plan, speaks to it over a connection of its own, says `Shutdown` and waits for the
process to end. A launcher therefore takes a *seat*: a gRPC server of ours that nobody else uses meanwhile, so that a `Shutdown`
there is known to mean this launcher. All seats of a provider answer from one servicer; a seat that was left is taken again.

A launcher is bound to us by a named pipe that we hold open. It ends when we close our end: after `Shutdown`, when all plans are
made, or when this process dies in whatever way, for the kernel closes it then. It uses nothing but the shell's own commands.
"""

from __future__ import annotations

import base64
import os
import shlex
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_OPTIONS = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))
# `set -C` lets only one launcher make `taken`. The pipe is first opened to write as well, for then the shell does not wait for
# us: when we are gone, it reads the pipe's end and ends. The line: go-plugin's protocol, Terraform's, where, how, whom to trust.
_LAUNCHER = """\
#!/bin/sh
set -C
for seat in {seats}/*; do
    if true 2>/dev/null >"$seat/taken"; then
        exec 3<>"$seat/pipe" 4<"$seat/pipe" 3>&-
        printf '%s\\n' "1|6|unix|$seat/socket|grpc|{certificate}"
        read -r _ <&4
        exit 0
    fi
done
echo "no seat is free" >&2
exit 1
"""


@dataclass(frozen=True)
class Identity:
    """Whom Terraform finds at a socket: a certificate that it is told by the launcher, with a key that is in memory only."""

    certificate: bytes
    credentials: Any

    @classmethod
    def new(cls) -> Identity:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .sign(key, hashes.SHA256())
        )
        secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        chain = made.public_bytes(serialization.Encoding.PEM)
        return cls(made.public_bytes(serialization.Encoding.DER), grpc.ssl_server_credentials([(secret, chain)]))


class Seat:
    """A server for one Terraform process at a time, and the pipe by which its launcher is told so."""

    def __init__(self, directory: Path, identity: Identity, threads: Executor, add_services: Callable[[Any], None]) -> None:
        directory.mkdir(mode=0o700, parents=True)
        self._directory = directory
        self._server = grpc.server(threads, options=_OPTIONS)
        add_services(self._server)
        shutdown = grpc.unary_unary_rpc_method_handler(self._leave)
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler("plugin.GRPCController", {"Shutdown": shutdown}),)
        )
        self._server.add_secure_port(f"unix:{directory / 'socket'}", identity.credentials)
        self._server.start()
        self._lock = threading.Lock()
        self._closed = False
        self._pipe = self._offer()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            os.close(self._pipe)
        self._server.stop(None).wait()

    def _offer(self) -> int:
        pipe, new = self._directory / "pipe", self._directory / "new"
        os.mkfifo(new, 0o600)
        ours = os.open(new, os.O_RDWR)  # the system gives it to no child
        new.replace(pipe)
        return ours

    def _leave(self, request: bytes, context: Any) -> bytes:
        """The next launcher can sit down before this one is told to end, because Terraform goes on as soon as it has."""
        with self._lock:
            if not self._closed:
                left, self._pipe = self._pipe, self._offer()
                (self._directory / "taken").unlink(missing_ok=True)
                os.close(left)
        return b""


def write_launcher(path: Path, seats: Path, identity: Identity) -> None:
    told = base64.b64encode(identity.certificate).decode().rstrip("=")
    path.parent.mkdir(mode=0o700, parents=True)
    path.write_text(_LAUNCHER.format(seats=shlex.quote(str(seats)), certificate=told))
    path.chmod(0o700)
