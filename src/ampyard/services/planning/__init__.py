"""Plans in the product: read from what is known, solved in a process of their own, kept while they are fresh, shown."""
