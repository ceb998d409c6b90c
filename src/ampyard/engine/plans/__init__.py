"""Compiled execution: an operation becomes straight-line Python, edges are resolved level by level. See README.md beside this file."""

from ampyard.engine.plans.plan import Plan, Plans
from ampyard.engine.plans.run import Run

__all__ = ["Plan", "Plans", "Run"]
