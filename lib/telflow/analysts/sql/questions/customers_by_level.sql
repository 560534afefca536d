-- How many customers have which level, as last scored?
-- scheme: rfm, rfm_r or ufm
-- level: segment name of rfm, or ufm level; new or inactive
-- customers: customers
-- gigabytes: their volume in the days looked at, 10^9 bytes
SELECT scheme, level, COUNT(*) AS customers, SUM(monetary_bytes) / 1e9 AS gigabytes
FROM bi_customer_scores
WHERE as_of = (SELECT MAX(as_of) FROM bi_customer_scores)
GROUP BY scheme, level
ORDER BY scheme, customers DESC
