"""Erasure: `footfall forget`. Decision 0017 says why it is done in this order.

who is it ─▶ remember that ─▶ stages forget, until nothing mentions them ─▶ all is in ClickHouse
  ─▶ what is kept against replays ─▶ rows go ─▶ look again ─▶ what was to be done is forgotten
"""
