-- title: Session tags by containment type
-- description: Last 30 days. How many sessions carry each value of each tag, and how they ended; the 500 most frequent.
SELECT
  tag.name,
  tag.value,
  count(DISTINCT session_id) AS sessions,
  count(DISTINCT session_id) FILTER (WHERE containment_type = 'selfService') AS self_service,
  count(DISTINCT session_id) FILTER (WHERE containment_type = 'dropOff') AS drop_off,
  count(DISTINCT session_id) FILTER (WHERE containment_type = 'agent') AS agent
FROM sessions
CROSS JOIN UNNEST(session_tags) AS tag (name, value)
WHERE dt BETWEEN CAST(current_date - INTERVAL '30' DAY AS varchar) AND CAST(current_date AS varchar)
GROUP BY tag.name, tag.value
ORDER BY sessions DESC, tag.name, tag.value
LIMIT 500;
