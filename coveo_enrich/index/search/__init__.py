"""After the push: what Coveo shows, and what finds it."""
