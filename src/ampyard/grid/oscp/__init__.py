"""OSCP 2.0 (Open Charge Alliance): we are the flexibility provider (FP), the other side is the capacity provider (CP)."""
