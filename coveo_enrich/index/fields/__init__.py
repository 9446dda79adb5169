"""Before the push: which fields and mapping rules there have to be."""
