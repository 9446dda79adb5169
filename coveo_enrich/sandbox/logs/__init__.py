"""Coveo's logs."""
