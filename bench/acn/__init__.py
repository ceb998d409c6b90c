"""The charging engine against the schedulers of `acnportal` on real sessions, in an environment of its own."""
