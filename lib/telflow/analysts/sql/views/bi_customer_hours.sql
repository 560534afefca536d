-- What did each customer use in each hour of each day?
-- local_date: day in the provider's zone
-- hour_start: start of the hour, UTC
-- local_hour: hour of the local clock, 0 to 23; where clocks go back, one stands twice
-- customer: token of the customer
-- plan: plan, none where unknown
-- region: region, none where unknown
-- bytes: bytes both ways
WITH in_hours AS (
  SELECT
    *,
    convert_timezone('${zone}', 'UTC', CAST(local_date AS TIMESTAMP_NTZ)) + make_dt_interval(0, elapsed) AS utc_time
  FROM customer_daily
  LATERAL VIEW posexplode(bytes_by_hour) by_hour AS elapsed, bytes
)
SELECT
  local_date,
  timestamp_seconds(
    86400L * unix_date(CAST(utc_time AS DATE)) + 3600 * hour(utc_time) + 60 * minute(utc_time) + second(utc_time)
  ) AS hour_start,
  hour(convert_timezone('UTC', '${zone}', utc_time)) AS local_hour,
  customer,
  plan,
  region,
  bytes
FROM in_hours
