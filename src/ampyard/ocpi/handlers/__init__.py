"""What answers a request, one file per OCPI module, the same for every version."""
