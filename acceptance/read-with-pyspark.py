"""Prints every session below a folder as a line of JSON: read-with-pyspark.py FOLDER."""

import json
import sys
from datetime import datetime

from pyspark.sql import SparkSession

spark = (
    SparkSession.builder.master("local[2]")
    .config("spark.ui.enabled", "false")
    .config("spark.driver.host", "127.0.0.1")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.sql.session.timeZone", "UTC")
    # Else the partition key dt becomes a date.
    .config("spark.sql.sources.partitionColumnTypeInference.enabled", "false")
    .getOrCreate()
)


def shown(value):
    """Times to the millisecond, whole numbers as text, so that no reader of the JSON rounds them."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.") + f"{value.microsecond // 1000:03d}"
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


for row in spark.read.parquet(sys.argv[1]).collect():
    print(json.dumps({name: shown(value) for name, value in row.asDict(recursive=True).items()}))
