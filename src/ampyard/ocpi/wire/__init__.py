"""OCPI objects as they travel: what all versions share. A version's own package narrows or extends it."""
