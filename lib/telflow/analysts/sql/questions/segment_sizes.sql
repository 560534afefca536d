-- Which kinds of users are there, and how much do they use?
-- segment: name of the segment, as of the newest date
-- customers: customers in it
-- gigabytes_per_day: mean volume of a customer on an active day, both ways, 10^9 bytes
SELECT
  segments.segment,
  COUNT(DISTINCT segments.customer) AS customers,
  AVG(days.bytes) / 1e9 AS gigabytes_per_day
FROM customer_segments AS segments
LEFT JOIN bi_customer_days AS days
  ON days.customer = segments.customer
  AND days.local_date >= date_sub(segments.as_of, segments.window_days)
  AND days.local_date < segments.as_of
WHERE segments.as_of = (SELECT MAX(as_of) FROM customer_segments)
GROUP BY segments.segment
ORDER BY customers DESC
