-- At which hours of the day do the customers of each plan use the network, over the last 28 days?
-- plan: plan, none where unknown
-- local_hour: hour of the local clock, 0 to 23
-- share: part of the plan's volume, 0 to 1
WITH hours AS (
  SELECT plan, local_hour, SUM(bytes) AS bytes
  FROM bi_customer_hours
  WHERE local_date > (SELECT date_sub(MAX(local_date), 28) FROM bi_customer_hours)
  GROUP BY plan, local_hour
)
SELECT hours.plan, local_hour, try_divide(bytes, all_bytes) AS share
FROM hours
INNER JOIN (SELECT plan, SUM(bytes) AS all_bytes FROM hours GROUP BY plan) AS plans ON plans.plan = hours.plan
ORDER BY hours.plan, local_hour
