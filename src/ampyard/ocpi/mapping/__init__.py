"""From our entities to OCPI objects, one file per module."""
