"""The Search API: expressions, matching, results and facets."""
