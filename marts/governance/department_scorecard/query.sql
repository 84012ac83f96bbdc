-- What each department delivered of what was due on a day, beside its own weeks before.
WITH brought AS (  -- a batch is loaded again: its last try counts
  SELECT dataset, batch_id, max_by(read, started_at) AS read, max_by(quarantined, started_at) AS set_aside
  FROM ops.batches
  WHERE status IN ('merged', 'held')
  GROUP BY dataset, batch_id
),
corrections AS (
  SELECT dataset, batch_id, sum(rows) AS corrected
  FROM ops.outcomes
  WHERE step = 'kind' AND outcome = 'corrected'
  GROUP BY dataset, batch_id
),
readers AS (
  SELECT split_part(outcome, '.', 1) AS department, count(DISTINCT dataset) AS read_by
  FROM ops.outcomes
  WHERE step = 'reads'
  GROUP BY 1
),
due AS (
  SELECT
    split_part(d.dataset, '.', 1) AS department,
    to_date(d.due_at) AS day,
    d.dataset,
    d.state IN ('delivered', 'empty') AS is_on_time,
    b.read,
    b.set_aside,
    coalesce(c.corrected, 0) AS corrected,
    percentile(b.read, 0.5) OVER (
      PARTITION BY d.dataset ORDER BY to_date(d.due_at)
      RANGE BETWEEN INTERVAL 28 DAYS PRECEDING AND INTERVAL 1 DAY PRECEDING
    ) AS usual
  FROM ops.deliveries AS d
  LEFT JOIN brought AS b ON b.dataset = d.dataset AND b.batch_id = d.batch_id
  LEFT JOIN corrections AS c ON c.dataset = d.dataset AND c.batch_id = d.batch_id
  WHERE d.dataset NOT LIKE 'marts.%' AND d.dataset NOT LIKE 'link.%'
),
days AS (
  SELECT
    department,
    day,
    count(*) AS due,
    count_if(is_on_time) AS on_time,
    count_if(usual IS NOT NULL) AS compared,
    -- Half of the usual number is no whole delivery, and nothing is none.
    count_if(usual IS NOT NULL AND coalesce(read, 0) >= usual / 2) AS complete,
    coalesce(sum(read), 0) AS rows_read,
    coalesce(sum(set_aside), 0) AS rows_set_aside,
    sum(corrected) AS rows_corrected
  FROM due
  GROUP BY department, day
)
SELECT
  y.department,
  y.day,
  cast(y.due AS INT) AS due,
  cast(y.on_time AS INT) AS on_time,
  y.on_time / y.due AS on_time_share,
  sum(y.on_time) OVER past / sum(y.due) OVER past AS on_time_before_share,
  cast(y.compared AS INT) AS compared,
  cast(y.complete AS INT) AS complete,
  y.complete / nullif(y.compared, 0) AS complete_share,
  y.rows_read,
  y.rows_set_aside,
  1 - y.rows_set_aside / nullif(y.rows_read, 0) AS valid_share,
  1 - sum(y.rows_set_aside) OVER past / nullif(sum(y.rows_read) OVER past, 0) AS valid_before_share,
  y.rows_corrected,
  y.rows_corrected / nullif(y.rows_read, 0) AS corrected_share,
  cast(coalesce(r.read_by, 0) AS INT) AS read_by
FROM days AS y
LEFT JOIN readers AS r ON r.department = y.department
WINDOW past AS (
  PARTITION BY y.department ORDER BY y.day
  RANGE BETWEEN INTERVAL 28 DAYS PRECEDING AND INTERVAL 1 DAY PRECEDING
)
