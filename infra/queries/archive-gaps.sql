-- title: Gaps in the archive
-- description: Last 60 days, from each source's first exported day to yesterday: days that are missing or incomplete, and why.
WITH days AS (
  SELECT CAST(day AS varchar) AS dt
  FROM UNNEST(sequence(current_date - INTERVAL '60' DAY, current_date - INTERVAL '1' DAY, INTERVAL '1' DAY)) AS t (day)
),
ledger AS (
  SELECT dt, source, status, finished_at, array_join(transform(problems, problem -> problem.code), ', ') AS problems
  FROM exports
  WHERE dt BETWEEN CAST(current_date - INTERVAL '60' DAY AS varchar) AND CAST(current_date - INTERVAL '1' DAY AS varchar)
),
sources AS (
  SELECT source, min(dt) AS first_dt
  FROM ledger
  GROUP BY source
)
SELECT days.dt, sources.source, coalesce(ledger.status, 'missing') AS status, ledger.problems, ledger.finished_at
FROM sources
JOIN days ON days.dt >= sources.first_dt
LEFT JOIN ledger ON ledger.dt = days.dt AND ledger.source = sources.source
WHERE ledger.status IS NULL OR ledger.status = 'incomplete'
ORDER BY days.dt DESC, sources.source;
