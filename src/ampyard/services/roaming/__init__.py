"""What roaming partners and we do for each other: one use case, one unit of work."""
