"""Limits and prices from outside: OSCP 2.0 and OpenADR 3."""
