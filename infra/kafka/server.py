"""Apache Kafka as one process on this machine: KRaft, broker and controller in one."""

from __future__ import annotations

import base64
import re
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path

from infra.embedded.cluster_ready import require_cluster
from infra.embedded.service import EmbeddedError, Service
from infra.kafka.install import install, java

_HEAP = "-Xmx512m"


def service(
    directory: Path, port: int, controller_port: int, more: Mapping[str, str] | None = None
) -> Service:
    """Kafka with its log in `directory`, which is formatted if it is new; on loopback only.

    `more`: settings of server.properties. Raises EmbeddedError where it cannot be installed.
    """
    jars = install()
    directory.mkdir(parents=True, exist_ok=True)
    properties = directory / "server.properties"
    properties.write_text(_properties(directory.resolve(), port, controller_port, more or {}))
    command = (java(), _HEAP, "-Dorg.apache.logging.log4j.level=WARN", "-cp", f"{jars}/*")
    cluster_id = _format(command, directory, properties)
    return Service(
        name="kafka",
        argv=(*command, "kafka.Kafka", str(properties)),
        ready=lambda _pid: require_cluster("127.0.0.1", port, cluster_id),
        url=f"127.0.0.1:{port}",
        ports={"kafka": port, "kafka's controller": controller_port},
        ready_timeout_s=60.0,
        stop_timeout_s=60.0,
    )


def _properties(directory: Path, port: int, controller: int, more: Mapping[str, str]) -> str:
    settings = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": str(directory / "log"),
        "auto.create.topics.enable": "false",  # a misspelt topic is an error
        "default.replication.factor": "1",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
        **more,
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def _format(command: tuple[str, ...], directory: Path, properties: Path) -> str:
    """The cluster id of the directory, which gets one if it is new."""
    known = directory / "log" / "meta.properties"
    if known.exists() and (found := re.search(r"^cluster\.id=(.+)$", known.read_text(), re.M)):
        return found[1]
    cluster_id = "f" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[1:22]
    tool = ("kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(properties))
    done = subprocess.run((*command, *tool), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise EmbeddedError(f"Kafka cannot format {directory}: {done.stdout}{done.stderr}")
    return cluster_id
