"""Looking at the pictures of products: which they are, who is asked about them, and what came of it."""
