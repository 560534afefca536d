-- What did each category carry on each local day?
-- local_date: day in the provider's zone
-- category: category of the service
-- bytes: bytes both ways
-- flows_started: flows that began on the day
-- customers_estimate: customers seen, estimated within some 2 %; estimates of several rows do not add up
WITH on_days AS (
  SELECT
    *,
    CAST(convert_timezone(
      'UTC', '${zone}', TIMESTAMP_NTZ'1970-01-01 00:00:00' + unix_seconds(window_start) * INTERVAL '1' SECOND
    ) AS DATE) AS local_date
  FROM traffic_by_window
)
SELECT
  local_date,
  category,
  SUM(src_bytes + dst_bytes) AS bytes,
  SUM(flows_started) AS flows_started,
  hll_sketch_estimate(hll_union_agg(customers_sketch)) AS customers_estimate
FROM on_days
GROUP BY local_date, category
