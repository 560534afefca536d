-- What did each customer use of each category on each day?
-- local_date: day in the provider's zone
-- customer: token of the customer
-- plan: plan, none where unknown
-- region: region, none where unknown
-- category: category of traffic
-- bytes: bytes both ways
SELECT local_date, customer, plan, region, category, bytes
FROM customer_daily
LATERAL VIEW explode(bytes_by_category) by_category AS category, bytes
