-- title: Handoffs to an agent by channel
-- description: Last 30 days. Share of each channel's sessions that were handed to an agent, and how long they were by then.
SELECT
  channel,
  count(*) AS sessions,
  count_if(containment_type = 'agent') AS handed_off,
  round(100.0 * count_if(containment_type = 'agent') / count(*), 1) AS handed_off_percent,
  round(avg(messages_exchanged) FILTER (WHERE containment_type = 'agent'), 1) AS messages_of_handed_off,
  round(avg(date_diff('second', start_time, end_time)) FILTER (WHERE containment_type = 'agent')) AS seconds_of_handed_off
FROM sessions
WHERE dt BETWEEN CAST(current_date - INTERVAL '30' DAY AS varchar) AND CAST(current_date AS varchar)
GROUP BY channel
ORDER BY sessions DESC;
