"""Verifying a claim: its files into quarantine, every check again, every number anew in a process without rights."""
