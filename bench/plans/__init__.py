"""What the database does for every list, edge, chart and board of the internal graph, and how long it takes."""
