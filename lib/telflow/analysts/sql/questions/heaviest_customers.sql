-- How much of the traffic do the heaviest tenth of the customers make, over the last 28 days?
-- customers: customers with traffic
-- heavy_customers: those at the 90th percentile of volume or above it
-- heavy_share: part of all volume that is theirs, 0 to 1
WITH used AS (
  SELECT customer, SUM(bytes) AS bytes
  FROM bi_customer_days
  WHERE local_date > (SELECT date_sub(MAX(local_date), 28) FROM bi_customer_days)
  GROUP BY customer
)
SELECT
  COUNT(*) AS customers,
  COUNT_IF(bytes >= cut) AS heavy_customers,
  try_divide(SUM(CASE WHEN bytes >= cut THEN bytes ELSE 0 END), SUM(bytes)) AS heavy_share
FROM used
CROSS JOIN (SELECT percentile(bytes, 0.9) AS cut FROM used) AS cuts
