"""Whose address a request comes from, and that address with the person taken out."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

_MAX_ADDRESS = 64
_MAX_FORWARDED = 512  # bytes; our own hops are the last ones
_OWN_NETWORKS = tuple(
    ipaddress.ip_network(network)
    for network in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
)


@lru_cache(maxsize=8192)
def is_proxy(address: str) -> bool:
    """Whether `X-Forwarded-*` from this peer is believed: loopback and private networks are.

    A collector is either reached directly, from public addresses, or through a proxy of the same
    network. An address decides nothing but geography and pseudonyms, so nothing is gained by lying.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in _OWN_NETWORKS)


def client(peer: str, forwarded_for: bytes) -> str:
    """The visitor's address: the peer, or the right-most hop before our own proxies.

    Every hop further left was written by somebody we do not know.
    """
    if not forwarded_for or not is_proxy(peer):
        return peer
    return _before_proxies(peer, forwarded_for[-_MAX_FORWARDED:])


@lru_cache(maxsize=8192)
def _before_proxies(peer: str, forwarded_for: bytes) -> str:
    address = peer
    for hop in reversed(forwarded_for.decode("latin-1").split(",")):
        parsed = readable(hop.strip())
        if not parsed:
            break
        address = parsed
        if not is_proxy(parsed):
            break
    return address


@lru_cache(maxsize=8192)
def truncated(address: str) -> str:
    """The network instead of the host: /24 of IPv4, /48 of IPv6; '' for what is no address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    prefix = 24 if parsed.version == 4 else 48
    return str(ipaddress.ip_network((parsed, prefix), strict=False).network_address)


def readable(address: str) -> str:
    """The address in its canonical form, '' for what is none."""
    return _parse(address) if len(address) <= _MAX_ADDRESS else ""


@lru_cache(maxsize=8192)
def _parse(hop: str) -> str:
    if hop.startswith("["):  # [v6]:port
        hop = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:  # v4:port
        hop = hop.partition(":")[0]
    try:
        parsed = ipaddress.ip_address(hop)
    except ValueError:
        return ""
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return str(mapped or parsed)  # a server that listens to both sees IPv4 as ::ffff:1.2.3.4
