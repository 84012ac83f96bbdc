-- Taps, fares and stops of each day and line.
SELECT
  to_date(tapped_at) AS day,
  line,
  count(*) AS taps,
  sum(fare) AS fares,
  count(DISTINCT stop_code) AS stops
FROM unified.transport_taps
GROUP BY to_date(tapped_at), line
