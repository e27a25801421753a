"""Who is in which arm, and what came of it until now."""
