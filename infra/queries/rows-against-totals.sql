-- title: Rows against the totals that Kore reported
-- description: Last 30 days. Rows in the table, rows in the ledger and Kore's own total for each day and source; unexplained is 0 when every session is accounted for.
WITH held AS (
  SELECT dt, regexp_extract("$path", '([^/]+)-part-[0-9]+\.parquet$', 1) AS source, count(*) AS session_count
  FROM sessions
  WHERE dt BETWEEN CAST(current_date - INTERVAL '30' DAY AS varchar) AND CAST(current_date AS varchar)
  GROUP BY 1, 2
)
SELECT
  ledger.dt,
  ledger.source,
  ledger.status,
  coalesce(held.session_count, 0) AS rows_in_table,
  ledger.archived.total AS rows_in_ledger,
  ledger.reported.total AS reported_by_kore,
  ledger.edges.total AS of_other_days,
  ledger.rejected,
  ledger.reported.total - ledger.edges.total - ledger.archived.total - ledger.rejected AS unexplained
FROM exports AS ledger
LEFT JOIN held ON held.dt = ledger.dt AND held.source = ledger.source
WHERE ledger.dt BETWEEN CAST(current_date - INTERVAL '30' DAY AS varchar) AND CAST(current_date AS varchar)
ORDER BY ledger.dt DESC, ledger.source;
