"""The Platform API: fields, mapping rules, catalogs and privileges."""
