-- Who is likely to leave, and what are the reasons, a column each?
-- as_of: local day after the last one looked at
-- customer: token of the subscriber
-- label_days: days from as_of on that the probability is about
-- probability: probability to leave in these days, 0 to 1
-- is_at_risk: the probability is at the threshold or above it
-- first_reason: column that moves the probability most, with its value in words
-- second_reason: the next one; null where there is none
-- third_reason: the next one; null where there is none
-- model_version: version of the model
SELECT
  as_of,
  customer,
  label_days,
  probability,
  is_at_risk,
  get(reasons, 0).reason AS first_reason,
  get(reasons, 1).reason AS second_reason,
  get(reasons, 2).reason AS third_reason,
  model_version
FROM churn_scores
