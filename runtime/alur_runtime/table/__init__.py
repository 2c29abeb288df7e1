"""The table's side: rows split by partition into Parquet objects, pending until the commit."""
