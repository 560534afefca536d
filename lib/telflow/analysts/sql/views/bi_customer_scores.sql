-- How does each customer score, without the cuts?
-- as_of: local day after the last one looked at
-- scheme: rfm, rfm_r or ufm
-- customer: token of the customer
-- status: scored, new or inactive
-- recency_days: days from the last activity to as_of
-- frequency: active days, or distinct start times in ufm
-- monetary_bytes: bytes both ways
-- score: rfm code such as 543, or the ufm sum 3 to 12
-- level: segment name of rfm, or ufm level; new or inactive
-- value_level: No Value, Low, Medium or High
SELECT
  as_of, scheme, customer, status, recency_days, frequency, monetary_bytes, score, level, value_level
FROM customer_scores
