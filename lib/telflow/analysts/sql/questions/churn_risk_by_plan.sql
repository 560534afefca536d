-- How many customers of each plan will probably leave soon?
-- plan: plan, as delivered last
-- customers: subscribers scored on the newest date
-- at_risk: those at the threshold or above it
-- expected_leavers: sum of their probabilities, customers
SELECT
  subscribers.plan,
  COUNT(*) AS customers,
  COUNT_IF(churn.is_at_risk) AS at_risk,
  SUM(churn.probability) AS expected_leavers
FROM bi_churn_scores AS churn
INNER JOIN subscribers ON subscribers.customer = churn.customer
WHERE churn.as_of = (SELECT MAX(as_of) FROM bi_churn_scores)
GROUP BY subscribers.plan
ORDER BY expected_leavers DESC
