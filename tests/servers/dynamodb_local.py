"""DynamoDB Local, AWS's own: fetched once, started on loopback, gone with the process that started it."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.servers.cache import PINS, cached, say
from tests.servers.java import fetch, find_java, read_pins

_PINS = PINS / "dynamodb_local.txt"


def fetch_dynamodb_local() -> Path:
    """The folder with its libraries.

    Raises:
        NoServerError: If it cannot be had here.
    """
    pins = read_pins(_PINS)

    def make(folder: Path) -> None:
        say(f"DynamoDB Local: fetching {len(pins)} files, 50 MB, once ...")
        fetch(pins, folder)

    # The pins' digest is in the name: other pins are another folder.
    return cached(f"dynamodb-local-{hashlib.sha256(_PINS.read_bytes()).hexdigest()[:12]}", make)


@contextlib.contextmanager
def dynamodb_local() -> Iterator[str]:
    """Start it in memory, on a free port of 127.0.0.1.

    Yields:
        Its endpoint.

    Raises:
        NoServerError: If it cannot be had here.
    """
    folder = fetch_dynamodb_local()
    from py4j.java_gateway import (  # type: ignore[import-untyped]
        GatewayParameters,
        JavaGateway,
        launch_gateway,
    )

    # Not by its own main(): that listens on all addresses and sends telemetry. Its handler in a server of ours does
    # neither. The JVM ends when its standard input closes, so also when this process is killed.
    with Path(os.devnull).open("wb") as silent:
        port, token, process = launch_gateway(
            classpath=os.pathsep.join(map(str, sorted(folder.glob("*.jar")))),
            javaopts=[f"-Djava.library.path={folder}", "-Xmx1g"],
            die_on_exit=True,
            enable_auth=True,
            java_path=find_java(),
            redirect_stdout=silent,
            redirect_stderr=silent,
            return_proc=True,
        )
        gateway = JavaGateway(
            gateway_parameters=GatewayParameters(port=port, auth_token=token, enable_memory_management=False)
        )
    try:
        jvm: Any = gateway.jvm
        local = jvm.com.amazonaws.services.dynamodbv2.local.server
        handler = local.LocalDynamoDBServerHandler(local.LocalDynamoDBRequestHandler(0, True, None, False, False), None)
        address = jvm.java.net.InetSocketAddress("127.0.0.1", 0)
        server = jvm.org.eclipse.jetty.server.Server(address)
        server.setHandler(handler)
        server.start()
        yield f"http://127.0.0.1:{server.getConnectors()[0].getLocalPort()}"
    finally:
        gateway.close()
        process.kill()  # it holds nothing but memory
        process.wait()
