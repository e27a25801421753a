"""Synthetic shoppers with known truth: which person and which visit made every event.

`history` plays a past week as Segment messages, `weblog` as a web server's log, `live` plays
shoppers now, against running services. `truth` keeps who they really were, and `oracle` says what
the identity rules must make of what they sent.
"""
