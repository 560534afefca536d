-- What did each service carry on each day?
-- event_date: UTC day
-- service: IANA service of the server side
-- category: category of the service
-- bytes: bytes both ways
-- flows_started: flows that began on the day
-- customers_estimate: customers seen, estimated within some 2 %; estimates of several rows do not add up
SELECT
  event_date,
  service,
  category,
  SUM(src_bytes + dst_bytes) AS bytes,
  SUM(flows_started) AS flows_started,
  hll_sketch_estimate(hll_union_agg(customers_sketch)) AS customers_estimate
FROM traffic_by_window
GROUP BY event_date, service, category
