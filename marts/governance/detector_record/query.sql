-- How each detector has done: what it raised, and what became of it.
SELECT
  mart,
  name,
  cast(count(*) AS INT) AS alarms,
  cast(count_if(state = 'open') AS INT) AS open,
  cast(count_if(state = 'acknowledged') AS INT) AS acknowledged,
  cast(count_if(verdict = 'confirmed') AS INT) AS confirmed,
  cast(count_if(verdict = 'refuted') AS INT) AS refuted,
  cast(count_if(closed_by = 'data') AS INT) AS closed_by_data,
  count_if(verdict = 'confirmed') / nullif(count_if(verdict IS NOT NULL), 0) AS confirmed_share,
  avg((unix_micros(closed_at) - unix_micros(raised_at)) / 86400000000) AS open_mean_days,
  min(raised_at) AS first_raised_at,
  max(raised_at) AS last_raised_at
FROM marts.alerts
GROUP BY mart, name
