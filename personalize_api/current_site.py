"""The site file as it is now, see `schemas.current_site`."""

from schemas.current_site import CurrentSite, Followed

__all__ = ["CurrentSite", "Followed"]
