"""The site file's limits: how much may be sent before the answer is 429."""

from __future__ import annotations

from collections.abc import Sequence

from schemas import site_values as values
from schemas.site import LimitRules, WriteKey
from schemas.site_yaml import Section, entries, text_of, unknown

_MOST = 999_999_999
_OFF = "off"


def read_limits(file: Section, write_keys: Sequence[WriteKey]) -> LimitRules:
    section = file.open("limits", ("address", "keys"))
    known = [key.key for key in write_keys]
    keys: dict[str, int] = {}
    node = section.node("keys")
    for name, key_node, value in entries(node, "keys in limits", file.problems) if node else ():
        if name not in known:
            file.problems.add(key_node, f"keys in limits: {unknown('write key', name, '', known)}")
            continue
        try:
            keys[name] = _events(text_of(value))
        except ValueError as error:
            file.problems.add(key_node, f"{name} in keys in limits: {error}")
    return LimitRules(
        address=section.read("address", _events, LimitRules().address),
        keys={name: most for name, most in keys.items() if most},
    )


def _events(value: str) -> int:
    """Events a minute; 0 for `off`."""
    if value in (_OFF, "false"):
        return 0
    try:
        return values.whole(1, _MOST)(value)
    except ValueError as error:
        raise ValueError(f"{error} of events a minute, or off") from error
