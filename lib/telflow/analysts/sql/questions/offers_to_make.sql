-- Which offers can be made to how many customers now?
-- kind: retention, plan up, plan down or service
-- service: plan or service to offer
-- customers: customers who may be approached with it
-- median_confidence: median of the offers' confidence, 0 to 1; null where a count is the reason
SELECT kind, service, COUNT(*) AS customers, percentile(confidence, 0.5) AS median_confidence
FROM bi_recommendations
WHERE may_approach AND as_of = (SELECT MAX(as_of) FROM bi_recommendations)
GROUP BY kind, service
ORDER BY customers DESC
