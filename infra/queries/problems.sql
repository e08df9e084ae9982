-- title: Problems of the last 30 days
-- description: Each problem that the ledger names: on how many days and sources, when last, and its latest message. docs/runbook.md has an entry for each code.
SELECT
  problem.code,
  count(*) AS days,
  max(ledger.dt) AS latest_day,
  max_by(ledger.source, ledger.dt) AS latest_source,
  max_by(problem.message, ledger.dt) AS latest_message
FROM exports AS ledger
CROSS JOIN UNNEST(ledger.problems) AS problem (code, message)
WHERE ledger.dt BETWEEN CAST(current_date - INTERVAL '30' DAY AS varchar) AND CAST(current_date AS varchar)
GROUP BY problem.code
ORDER BY days DESC, problem.code;
