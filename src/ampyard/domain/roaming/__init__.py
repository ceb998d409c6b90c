"""Roaming: partners that other people's OCPI platforms are, and what is exchanged with them."""
