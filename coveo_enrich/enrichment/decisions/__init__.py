"""From what was seen to what a product's fields become: pure functions, which ask and read nothing."""
