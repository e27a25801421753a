"""What happens now, in counts: funnels, visitors, events; one computation for all who watch."""
