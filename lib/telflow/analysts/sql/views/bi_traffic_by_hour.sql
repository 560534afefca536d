-- What did each category carry in each hour, for whom?
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
SELECT
  date_trunc('HOUR', window_start) AS hour_start,
  CAST(from_utc_timestamp(date_trunc('HOUR', window_start), '${zone}') AS DATE) AS local_date,
  hour(from_utc_timestamp(date_trunc('HOUR', window_start), '${zone}')) AS local_hour,
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
FROM traffic_by_window
GROUP BY date_trunc('HOUR', window_start), category, direction, plan, region
