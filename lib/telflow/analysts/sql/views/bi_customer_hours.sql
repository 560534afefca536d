-- What did each customer use in each hour of each day?
-- local_date: day in the provider's zone
-- hour_start: start of the hour, UTC
-- local_hour: hour of the local clock, 0 to 23; where clocks go back, one stands twice
-- customer: token of the customer
-- plan: plan, none where unknown
-- region: region, none where unknown
-- bytes: bytes both ways
SELECT
  local_date,
  to_utc_timestamp(CAST(local_date AS TIMESTAMP), '${zone}') + make_dt_interval(0, elapsed) AS hour_start,
  hour(from_utc_timestamp(
    to_utc_timestamp(CAST(local_date AS TIMESTAMP), '${zone}') + make_dt_interval(0, elapsed), '${zone}'
  )) AS local_hour,
  customer,
  plan,
  region,
  bytes
FROM customer_daily
LATERAL VIEW posexplode(bytes_by_hour) by_hour AS elapsed, bytes
