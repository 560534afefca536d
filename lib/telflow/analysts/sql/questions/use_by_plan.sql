-- How much do customers of each plan use in a day, over the last 28 days?
-- plan: plan, none where unknown
-- customers: customers with traffic
-- median_gigabytes: median of their days, both ways, 10^9 bytes
-- p95_gigabytes: 95th percentile of their days, 10^9 bytes
-- up_share: part of the volume that they sent, 0 to 1
SELECT
  plan,
  COUNT(DISTINCT customer) AS customers,
  percentile(bytes, 0.5) / 1e9 AS median_gigabytes,
  percentile(bytes, 0.95) / 1e9 AS p95_gigabytes,
  try_divide(SUM(bytes_up), SUM(bytes)) AS up_share
FROM bi_customer_days
WHERE local_date > (SELECT date_sub(MAX(local_date), 28) FROM bi_customer_days)
GROUP BY plan
ORDER BY p95_gigabytes DESC
