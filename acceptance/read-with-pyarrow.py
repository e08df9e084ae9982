"""Prints every session below a folder as a line of JSON: read-with-pyarrow.py FOLDER."""

import json
import sys
from datetime import datetime

import pyarrow as pa
import pyarrow.dataset as ds


def shown(value):
    """Times to the millisecond, whole numbers as text, so that no reader of the JSON rounds them."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.") + f"{value.microsecond // 1000:03d}"
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


keys = pa.schema([("dt", pa.string()), ("containment_type", pa.string())])
dataset = ds.dataset(sys.argv[1], partitioning=ds.partitioning(keys, flavor="hive"))
for row in dataset.to_table().to_pylist():
    print(json.dumps({name: shown(value) for name, value in row.items()}))
