"""What PostHog's SDKs ask for before, and beside, what they send.

There are no PostHog feature flags here, and the answers say so in the words that stop an SDK from
asking again; feature flags are OpenFeature's (personalize). Nothing that is not collected
(recordings, surveys, heatmaps, dead clicks) is switched on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from ingest.collector.keys import WriteKeys

Cors = Callable[[Request], Mapping[str, str]]

_CONFIG: Mapping[str, Any] = {
    "supportedCompression": ["gzip", "gzip-js"],
    "hasFeatureFlags": False,
    "analytics": {"endpoint": "/e/"},
    "elementsChainAsString": True,
    "autocapture_opt_out": False,
    "autocaptureExceptions": False,
    "captureDeadClicks": False,
    "capturePerformance": False,
    "defaultIdentifiedOnly": True,
    "heatmaps": False,
    "sessionRecording": False,
    "surveys": False,
    "conversations": False,
    "productTours": False,
    "siteApps": [],
    "toolbarParams": {},
    "isAuthenticated": False,
}
_NO_FLAGS: Mapping[str, Any] = {
    "flags": {},
    "featureFlags": {},
    "featureFlagPayloads": {},
    "errorsWhileComputingFlags": False,
    "requestId": "footfall",
}


def add_posthog_settings(app: FastAPI, keys: Callable[[], WriteKeys], cors: Cors) -> None:
    """`keys`: those of now. `cors`: the headers for a page that the site lists."""

    @app.get("/array/{key}/config", tags=["SDK settings"])
    async def posthog_config(key: str, request: Request) -> JSONResponse:
        """What posthog-js asks for when it starts."""
        keys().known(b"", key, b"")
        return JSONResponse({"token": key, **_CONFIG}, headers=dict(cors(request)))

    @app.get("/array/{key}/config.js", tags=["SDK settings"])
    async def posthog_config_script(key: str, request: Request) -> Response:
        """The same, as the script that posthog-js loads from a page's snippet."""
        known = json.dumps(keys().known(b"", key, b"").key)
        config = json.dumps({"token": key, **_CONFIG})
        script = (
            "window._POSTHOG_REMOTE_CONFIG=window._POSTHOG_REMOTE_CONFIG||{};"
            f"window._POSTHOG_REMOTE_CONFIG[{known}]={{config:{config},siteApps:[]}};"
        )
        headers = {**cors(request), "x-content-type-options": "nosniff"}
        return Response(script, media_type="text/javascript", headers=headers)

    @app.post("/flags", tags=["SDK settings"])
    @app.post("/flags/", tags=["SDK settings"], include_in_schema=False)
    @app.post("/decide", tags=["SDK settings"], include_in_schema=False)
    @app.post("/decide/", tags=["SDK settings"])
    async def posthog_flags(request: Request) -> JSONResponse:
        """PostHog's feature flags: there are none. Its older SDKs find their settings here too."""
        return JSONResponse({**_CONFIG, **_NO_FLAGS}, headers=dict(cors(request)))
