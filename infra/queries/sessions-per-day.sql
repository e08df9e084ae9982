-- title: Sessions and containment rate per day
-- description: Last 30 days. Contained are sessions that were not handed to an agent; self-service ones are the part of them that reached their goal.
SELECT
  dt,
  count(*) AS sessions,
  count_if(containment_type = 'selfService') AS self_service,
  count_if(containment_type = 'dropOff') AS drop_off,
  count_if(containment_type = 'agent') AS agent,
  count_if(containment_type = 'unclassified') AS unclassified,
  round(100.0 * count_if(containment_type IN ('selfService', 'dropOff')) / count(*), 1) AS containment_percent,
  round(100.0 * count_if(containment_type = 'selfService') / count(*), 1) AS self_service_percent
FROM sessions
WHERE dt BETWEEN CAST(current_date - INTERVAL '30' DAY AS varchar) AND CAST(current_date AS varchar)
GROUP BY dt
ORDER BY dt DESC;
