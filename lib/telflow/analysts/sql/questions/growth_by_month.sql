-- By how much does traffic grow from month to month?
-- month: first local day of the month
-- days: local days with samples
-- gigabytes_per_day: mean volume of a day, both ways, 10^9 bytes
-- growth: change of gigabytes_per_day against the month before, as a part of it; null for the first
WITH months AS (
  SELECT
    trunc(local_date, 'MONTH') AS month,
    COUNT(DISTINCT local_date) AS days,
    SUM(bytes) / 1e9 / COUNT(DISTINCT local_date) AS gigabytes_per_day
  FROM scope_load
  WHERE scope_kind = 'network'
  GROUP BY ALL
)
SELECT
  now.month,
  now.days,
  now.gigabytes_per_day,
  try_divide(now.gigabytes_per_day, before.gigabytes_per_day) - 1 AS growth
FROM months AS now
LEFT JOIN months AS before ON before.month = add_months(now.month, -1)
ORDER BY now.month
