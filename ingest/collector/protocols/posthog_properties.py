"""What of a PostHog event's properties is kept, and how the others are read.

PostHog's browser SDK sends some seventy properties of its own with each event. What has a column
(address, referrer, campaign, language, browser) is in that column; what only PostHog's own server
or debugging needs, and every identifier, is left out. What the site said is kept as it was sent,
and so is what PostHog says about the page, the click or the feature flag itself.
"""

from __future__ import annotations

import msgspec

from ingest.collector.json_text import one_line
from schemas.event import EMPTY_PROPERTIES

_decoder: msgspec.json.Decoder[dict[str, msgspec.Raw]] = msgspec.json.Decoder(
    dict[str, msgspec.Raw]
)

CAMPAIGN = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")

_CLICK_IDS = (
    *("gclid", "gclsrc", "dclid", "gbraid", "wbraid", "fbclid", "msclkid", "twclid", "li_fat_id"),
    *("igshid", "ttclid", "rdt_cid", "epik", "qclid", "sccid", "irclid", "oppref", "bfcid", "_kx"),
    *("gad_source", "mc_cid"),
)
_IDENTIFIERS = (
    *("distinct_id", "token", "api_key", "$device_id", "$user_id", "$anon_distinct_id"),
    *("$session_id", "$window_id", "$pageview_id", "$prev_pageview_id", "$insert_id", "$ip"),
    *("$raw_user_agent", "$useragent", "$user_agent", "$is_identified", "$geoip_disable"),
    *("$process_person_profile", "$cookieless_mode", "$ignore_sent_at", "$is_server"),
)
_IN_COLUMNS = (
    *("$current_url", "$host", "$pathname", "$referrer", "$referring_domain"),
    *("$browser_language", "$browser_language_prefix", "$browser", "$browser_version"),
    *("$os", "$os_version", "$device_type", "$device", "$search_engine", "$browser_type"),
    *("decision_id", "consent", "gpc"),
)
_OF_THE_SDK = (
    *("$time", "$initialization_time", "$configured_session_timeout_ms", "$recording_status"),
    *("$sdk_dist_channel", "$config_defaults", "$last_posthog_reset", "$timezone_offset"),
    *("$python_runtime", "$python_version", "$os_distro", "$set", "$set_once", "$unset"),
    *("$feature_flag_request_id", "$ce_version"),
)
_DROPPED = frozenset((*CAMPAIGN, *_CLICK_IDS, *_IDENTIFIERS, *_IN_COLUMNS, *_OF_THE_SDK))
_DROPPED_SUFFIX = "_server_side"  # what our own answer at /array has switched off
_DROPPED_PREFIXES = ("$sdk_debug_", "$session_entry_", "$initial_", "$lib_custom_", "$lib_rate_")


def kept(properties: msgspec.Raw, *also_left_out: str, personal: bool = True) -> msgspec.Raw:
    """The properties without what is left out; their values byte for byte.

    `properties` has been read once (`json_text.read_properties`), so it is an object. Unless
    `personal`, only what the site said: PostHog's own hold its session ids anywhere within.
    """
    members = _decoder.decode(properties)
    own = {
        name: value
        for name, value in members.items()
        if name not in _DROPPED
        and not name.startswith(_DROPPED_PREFIXES)
        and not name.endswith(_DROPPED_SUFFIX)
        and name not in also_left_out
        and (personal or not name.startswith("$"))
    }
    if len(own) == len(members):
        return properties
    return one_line(msgspec.json.encode(own)) if own else EMPTY_PROPERTIES


def text_of(properties: dict[str, object], name: str) -> str:
    """'' where it is not there, or no text."""
    value = properties.get(name)
    return value if isinstance(value, str) else ""


def number_of(properties: dict[str, object], name: str) -> float:
    """0 where it is not there, or no number."""
    value = properties.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        return 0.0
    try:
        return float(value)
    except OverflowError:
        return 0.0
