"""The messages of VDV 463, in models of our own with the standard's own names."""
