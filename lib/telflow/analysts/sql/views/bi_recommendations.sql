-- What should be recommended to each customer, and why, without the numbers behind it?
-- as_of: local day after the last one looked at
-- customer: token of the subscriber
-- rank: 1 for the first to come with
-- kind: retention, plan up, plan down, service or no change
-- service: plan or service
-- reason: why, in words
-- price_difference: change of the monthly price; null where it is not known
-- confidence: probability, 0 to 1; null where a count or a lack is the reason
-- association: categories used, from which the one that rises often follows; null where no such rule supports it
-- association_lift: how much oftener than among all customers
-- ufm_level: level of the newest ufm scores up to as_of; null where not scored
-- is_suppressed: offers of more were held back
-- may_approach: the customer may be approached with it, by the consent that subscribers hold now
SELECT
  as_of,
  customer,
  rank,
  kind,
  service,
  reason,
  price_difference,
  confidence,
  association,
  association_lift,
  ufm_level,
  is_suppressed,
  may_approach AND (kind = 'plan down' OR COALESCE(marketing_consent, FALSE)) AS may_approach
FROM recommendations
LEFT JOIN subscribers USING (customer)
