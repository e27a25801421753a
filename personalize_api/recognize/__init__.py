"""Who is calling, by the states that the stream keeps in Redis."""
