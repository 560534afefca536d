-- What did each customer use on each day, in plain columns?
-- local_date: day in the provider's zone
-- customer: token of the customer
-- customer_basis: lease, address or source: how the customer was found
-- plan: plan, none where unknown
-- region: region, none where unknown
-- bytes_up: bytes the customer sent
-- bytes_down: bytes the customer received
-- bytes: bytes both ways
-- connections: flows that began on the day
-- active_hours: hours with any traffic
-- flow_seconds: seconds its flows lasted, added up
-- devices: distinct input MAC addresses
-- peers_estimate: other ends, estimated within some 2 %
SELECT
  local_date,
  customer,
  customer_basis,
  plan,
  region,
  bytes_up,
  bytes_down,
  bytes_up + bytes_down AS bytes,
  connections,
  active_hours,
  flow_seconds,
  size(coalesce(input_macs, array())) AS devices,
  hll_sketch_estimate(peers_sketch) AS peers_estimate
FROM customer_daily
