-- Who are the customers as of today: a row each, with the newest of all that is told of them?
-- customer: token of the subscriber
-- plan: plan, as delivered last
-- region: region of the subscriber
-- contract: month-to-month, one-year or two-year
-- signup_date: start of the subscription
-- marketing_consent: may be approached with offers
-- ufm_level: level of the newest ufm scores; null where not scored
-- segment: newest segment; null where in none
-- churn_probability: newest probability to leave, 0 to 1
-- is_at_risk: the same as a decision
-- plan_advice: newest advice on the plan: up, down or stay
-- suggested_plan: plan advised
SELECT
  subscribers.customer,
  subscribers.plan,
  subscribers.region,
  subscribers.contract,
  subscribers.signup_date,
  subscribers.marketing_consent,
  scores.level AS ufm_level,
  segments.segment,
  churn.probability AS churn_probability,
  churn.is_at_risk,
  fit.advice AS plan_advice,
  fit.suggested_plan
FROM subscribers
LEFT JOIN customer_scores AS scores
  ON scores.customer = subscribers.customer
  AND scores.scheme = 'ufm'
  AND scores.as_of = (SELECT MAX(as_of) FROM customer_scores)
LEFT JOIN customer_segments AS segments
  ON segments.customer = subscribers.customer
  AND segments.as_of = (SELECT MAX(as_of) FROM customer_segments)
LEFT JOIN churn_scores AS churn
  ON churn.customer = subscribers.customer
  AND churn.as_of = (SELECT MAX(as_of) FROM churn_scores)
LEFT JOIN plan_fit AS fit
  ON fit.customer = subscribers.customer
  AND fit.as_of = (SELECT MAX(as_of) FROM plan_fit)
