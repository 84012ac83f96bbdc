-- Outpatient visits of each day, beside that day's weather.
-- A day of which no visit is on record keeps its weather, and no figure: whether nobody came or
-- nothing was delivered, these rows can't tell.
SELECT
  w.date AS day,
  w.weather,
  w.temp_max_c,
  w.temp_min_c,
  w.precipitation_mm,
  v.visits,
  v.patients,
  v.respiratory_visits,
  v.mean_age_years
FROM unified.meteorology_daily AS w
LEFT JOIN (
  SELECT
    to_date(visited_at) AS day,
    count(*) AS visits,
    count(DISTINCT citizen_id) AS patients,
    -- Chapter X of ICD-10: diseases of the respiratory system.
    count_if(diagnosis_code LIKE 'J%') AS respiratory_visits,
    round(avg(age_years), 1) AS mean_age_years
  FROM unified.health_visits
  GROUP BY to_date(visited_at)
) AS v ON v.day = w.date
