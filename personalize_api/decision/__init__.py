"""Which homepage a visitor gets, and everything on the way of one such request."""
