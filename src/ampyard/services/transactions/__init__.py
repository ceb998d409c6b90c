"""Transactions: as charge points report them, and what is made of that afterwards."""

from ampyard.services.transactions.charging import authorize_tag, end, keep_unknown_end, measured, start
from ampyard.services.transactions.report import Outcome, Report

__all__ = ["Outcome", "Report", "authorize_tag", "end", "keep_unknown_end", "measured", "start"]
