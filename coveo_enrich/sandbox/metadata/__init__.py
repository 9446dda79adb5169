"""The metadata report: what the items of a source say, and what would become of it."""
