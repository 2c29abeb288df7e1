"""What is done to each file's rows before they are written: Arrow table in and out."""

import pyarrow as pa
import pyarrow.compute as pc


def clean(table: pa.Table) -> pa.Table:
    """Trim the customers' names: the shop's form keeps blanks that people type."""
    place = table.schema.get_field_index("customer")
    return table.set_column(place, table.schema.field(place), pc.utf8_trim_whitespace(table["customer"]))
