"""Before and after the push: which items the catalog of the source lets searches find."""
