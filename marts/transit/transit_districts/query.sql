-- How buses kept their time in each district: its stops, added up.
SELECT
  day,
  district_code,
  hours,
  CAST(count(*) AS int) AS stops,
  CAST(sum(calls_planned) AS int) AS calls_planned,
  CAST(sum(calls_timed) AS int) AS calls_timed,
  CAST(sum(calls_early) AS int) AS calls_early,
  CAST(sum(calls_late) AS int) AS calls_late,
  sum(on_time_share * calls_timed) / nullif(sum(calls_timed), 0) AS on_time_share,
  sum(on_time_narrow_share * calls_timed) / nullif(sum(calls_timed), 0) AS on_time_narrow_share,
  sum(delay_mean_s * calls_timed) / nullif(sum(calls_timed), 0) AS delay_mean_s,
  CAST(sum(headways) AS int) AS headways,
  sum(bunched_share * headways) / nullif(sum(headways), 0) AS bunched_share,
  sum(gapped_share * headways) / nullif(sum(headways), 0) AS gapped_share
FROM marts.transit_stops
GROUP BY day, district_code, hours
