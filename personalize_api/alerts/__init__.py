"""What is out of its usual range, and who is told (decision 0019)."""
