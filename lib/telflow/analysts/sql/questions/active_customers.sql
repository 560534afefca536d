-- How many customers are active on each day?
-- day: local day
-- customers: customers with traffic
-- subscribers: those of them that a lease tells
-- hours: mean of their active hours
SELECT
  local_date AS day,
  COUNT(DISTINCT customer) AS customers,
  COUNT(DISTINCT CASE WHEN customer_basis = 'lease' THEN customer END) AS subscribers,
  AVG(active_hours) AS hours
FROM bi_customer_days
GROUP BY local_date
ORDER BY day
