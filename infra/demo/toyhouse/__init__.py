"""Toyhouse, the demo's shop: `python -m infra.demo.toyhouse`."""
