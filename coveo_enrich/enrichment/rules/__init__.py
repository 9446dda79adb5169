"""What fills which field, from what was seen, and for which products: values that are written once and checked."""
