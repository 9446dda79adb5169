"""One word for one thing: the values that a field may hold, and the words that mean them."""
