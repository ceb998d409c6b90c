"""OpenADR 3 (3.0.1, OpenADR Alliance): we are the virtual end node (VEN), the other side is the virtual top node (VTN)."""
