"""Products in and out of files. Nothing here knows what becomes of them in between."""

from coveo_enrich.catalog.changes import write_changes
from coveo_enrich.catalog.jsonl import write_documents
from coveo_enrich.catalog.merging import MergedChanges, merge_changes
from coveo_enrich.catalog.path_mapping import MappedProducts, PathMapping
from coveo_enrich.catalog.reading import ProductReader, count_products, read_products

__all__ = [
    "MappedProducts",
    "MergedChanges",
    "PathMapping",
    "ProductReader",
    "count_products",
    "merge_changes",
    "read_products",
    "write_changes",
    "write_documents",
]
