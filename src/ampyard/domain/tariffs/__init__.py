"""Tariffs, and what a charging session costs under them: pure, exact, and with the words of OCPI."""
