"""The Platform API: fields, mapping rules, catalogs and what is told of metadata."""
