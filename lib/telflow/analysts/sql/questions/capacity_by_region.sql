-- Which rate does each region need, month by month?
-- month: first local day of the month
-- region: region
-- p95_mbps: 95th percentile of five-minute rates, both ways, 10^6 bits a second
-- mean_mbps: mean rate, 10^6 bits a second
-- p95_over_mean: how much the percentile stands above the mean
SELECT
  period_start AS month,
  scope AS region,
  p95_mbps,
  mean_mbps,
  try_divide(p95_mbps, mean_mbps) AS p95_over_mean
FROM bi_peak_times
WHERE period_kind = 'month' AND scope_kind = 'region'
ORDER BY month, p95_mbps DESC
