-- Is each customer's plan the right size, in plain columns?
-- as_of: local day after the last one looked at
-- customer: token of the subscriber
-- plan: plan on the day before as_of
-- pace_gigabytes: volume of a billing cycle as it goes now, 10^9 bytes
-- utilisation: pace over the volume of the plan; null for unlimited
-- utilisation_p50: the same, of the median week
-- utilisation_p95: the same, of the week that nineteen in twenty do not exceed
-- over_limit_weeks: latest weeks in a row above the limit of the plan's volume
-- most_over_limit_weeks: longest such row since the plan was first seen
-- advice: up, down or stay; null where nothing is advised
-- suggested_plan: plan advised
-- price_difference: its price a month less that of the own plan
-- confidence: probability that the advice is right, 0 to 1
-- causes: what is too small, the surest first, separated by commas; empty where nothing is
-- untold_reason: why nothing is advised
SELECT
  as_of,
  customer,
  plan,
  pace_gigabytes,
  utilisation,
  utilisation_p50,
  utilisation_p95,
  over_limit_weeks,
  most_over_limit_weeks,
  advice,
  suggested_plan,
  price_difference,
  confidence,
  array_join(coalesce(upsize_causes, array()), ', ') AS causes,
  untold_reason
FROM plan_fit
