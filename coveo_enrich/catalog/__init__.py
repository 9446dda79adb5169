"""Products in and out of files. Nothing here knows what becomes of them in between."""

from coveo_enrich.catalog.jsonl import count_products, read_products, write_documents

__all__ = ["count_products", "read_products", "write_documents"]
