"""Whether a Kafka broker serves, and is the one that was started."""

from __future__ import annotations

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from infra.embedded.service import PROBE_TIMEOUT_S, NotReady, require_listening


def require_cluster(host: str, port: int, cluster_id: str) -> None:
    """Raises NotReady unless the broker of this cluster id answers a metadata request."""
    require_listening(host, port)
    client = AdminClient({"bootstrap.servers": f"{host}:{port}", "log_level": 0})
    try:
        answer = client.list_topics(timeout=PROBE_TIMEOUT_S)
    except KafkaException as error:
        raise NotReady(f"the broker does not answer yet: {error}") from error
    if answer.cluster_id != cluster_id:
        raise NotReady(f"another broker ({answer.cluster_id}) answers on {host}:{port}")
