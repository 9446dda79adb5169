"""Streams and containers: what is uploaded, and what a call says of it."""
