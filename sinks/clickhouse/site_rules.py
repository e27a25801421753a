"""What the texts of views say in words of their own.

Of the site: `{seconds_of_active}`, `{tier_of_top}`, and `{site_money(revenue, currency)}`, that
money in the site's own; null where nobody knows the rate. And `{session_field(by)}`: the field of
`sessions` that the view's parameter `by` names, as text.
"""

from __future__ import annotations

import re

from schemas.site import SESSION_FIELDS, Site

_BORDER = re.compile(r"\{seconds_of_(active|silent|asleep)\}")
_TIER = re.compile(r"\{tier_of_(top|large|medium)\}")
_MONEY = re.compile(r"\{site_money\(([^{},]+), ([^{},]+)\)\}")
_FIELD = re.compile(r"\{session_field\((\w+)\)\}")


def with_rules(text: str, site: Site) -> str:
    """The text in SQL alone."""
    text = _FIELD.sub(lambda m: _field(m[1]), text)
    text = _BORDER.sub(lambda m: str(getattr(site.lifecycle, f"{m[1]}_ms") // 1000), text)
    text = _TIER.sub(lambda m: str(getattr(site.value_tiers, m[1])), text)
    return _MONEY.sub(lambda m: _money(m[1], m[2], site), text)


def _field(parameter: str) -> str:
    """SQL, String; an error of ClickHouse where the parameter names no field."""
    asked = f"{{{parameter}:String}}"
    cases = "".join(f"{asked} = '{field}', toString({field}), " for field in SESSION_FIELDS)
    unknown = f"toString(throwIf(true, '{parameter} is no field of sessions it can be'))"
    return f"multiIf({cases}{unknown})"


def _money(amount: str, currency: str, site: Site) -> str:
    """SQL, Nullable(Decimal(38, 4)). Money without a currency is taken for the site's own."""
    if not site.currency:
        return "CAST(NULL, 'Nullable(Decimal(38, 4))')"
    cases = [f"{currency} IN ('', '{site.currency}'), toNullable(toDecimal128('1', 8))"]
    cases += [
        f"{currency} = '{other}', toNullable(toDecimal128('{rate}', 8))"
        for other, rate in sorted(site.currencies.items())
    ]
    return f"toDecimal128(round({amount} * multiIf({', '.join(cases)}, NULL), 4), 4)"
