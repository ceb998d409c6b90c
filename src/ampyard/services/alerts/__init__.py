"""Alerts: looking for what people should look at, and what people do about it."""
