"""Everything known about one visitor, for who answers the telephone and for the visitor."""
