"""Benchmarks: each prints a figure and its ratio to a baseline run in the same process."""
