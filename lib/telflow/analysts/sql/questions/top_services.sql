-- Which twenty services carry most, over the last 28 days?
-- service: IANA service of the server side
-- category: category of the service
-- gigabytes: volume both ways, 10^9 bytes
-- most_customers_a_day: customers on the day that had most of them, estimated within some 2 %
SELECT
  service,
  category,
  SUM(bytes) / 1e9 AS gigabytes,
  MAX(customers_estimate) AS most_customers_a_day
FROM bi_services_by_day
WHERE event_date > (SELECT date_sub(MAX(event_date), 28) FROM bi_services_by_day)
GROUP BY service, category
ORDER BY gigabytes DESC
LIMIT 20
