-- What did each category carry in each hour of the local clock, for whom?
-- hour_start: start of the hour, UTC
-- local_date: day of the provider's zone that the hour begins on
-- local_hour: hour of the local clock, 0 to 23
-- category: category of the service
-- direction: outbound, inbound, internal or transit
-- plan: plan of the customer, none where there is no customer
-- region: region of the customer, likewise
-- src_bytes: bytes from source
-- dst_bytes: bytes from destination
-- bytes: bytes both ways
-- packets: packets both ways
-- flows_started: flows that began in the hour
-- customers_estimate: customers seen, estimated within some 2 %; estimates of several rows do not add up
WITH on_the_clock AS (
  SELECT
    *,
    convert_timezone(
      'UTC', '${zone}', TIMESTAMP_NTZ'1970-01-01 00:00:00' + unix_seconds(window_start) * INTERVAL '1' SECOND
    ) AS local_time
  FROM traffic_by_window
),
in_hours AS (
  SELECT
    *,
    timestamp_seconds(unix_seconds(window_start) - 60 * minute(local_time) - second(local_time)) AS hour_start,
    CAST(local_time AS DATE) AS local_date,
    hour(local_time) AS local_hour
  FROM on_the_clock
)
SELECT
  hour_start,
  local_date,
  local_hour,
  category,
  direction,
  plan,
  region,
  SUM(src_bytes) AS src_bytes,
  SUM(dst_bytes) AS dst_bytes,
  SUM(src_bytes + dst_bytes) AS bytes,
  SUM(src_packets + dst_packets) AS packets,
  SUM(flows_started) AS flows_started,
  hll_sketch_estimate(hll_union_agg(customers_sketch)) AS customers_estimate
FROM in_hours
GROUP BY hour_start, local_date, local_hour, category, direction, plan, region
