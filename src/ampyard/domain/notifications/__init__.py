"""Notifications: who is told of which alerts, by which way, and when."""
