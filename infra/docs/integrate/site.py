"""The homepage of a Python site: Footfall says which one; without an answer in time the default."""

import httpx

key = {"Authorization": "Bearer sk_demo"}
footfall = httpx.Client(base_url="http://127.0.0.1:8081", headers=key, timeout=0.1)


def homepage(**visit: str) -> dict[str, object]:
    """`visit`: url, referrer, ip, user_agent, language, consent, gpc, anonymous_id, user_id."""
    try:
        return dict(footfall.post("/v1/homepage", json=visit).raise_for_status().json())
    except (httpx.HTTPError, ValueError):
        return {"variant": "classic", "decision_id": "", "visitor": {"anonymous_id": None}}
