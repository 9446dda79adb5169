"""CHECK: what Coveo makes of a source's items. Knows nothing of how they were sent."""
