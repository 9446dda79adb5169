"""After the push: what Coveo accepted, by its logs."""
