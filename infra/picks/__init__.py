"""Picks beside the services: training again and again, learning weights, and trying them out."""
