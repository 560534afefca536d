-- Whose plan is too small or too large, and what would a change be worth?
-- plan: plan the customers have
-- advice: up or down
-- suggested_plan: plan advised
-- customers: customers, as of the newest date
-- monthly_price_difference: change of all their prices a month, in the provider's currency
SELECT
  plan,
  advice,
  suggested_plan,
  COUNT(*) AS customers,
  SUM(price_difference) AS monthly_price_difference
FROM bi_plan_fit
WHERE advice IN ('up', 'down') AND as_of = (SELECT MAX(as_of) FROM bi_plan_fit)
GROUP BY plan, advice, suggested_plan
ORDER BY customers DESC
