"""Notifications: channels are set up, alerts are queued for them, deliveries are made."""
