-- Which kinds of traffic fill the network, over the last 28 days?
-- category: category of traffic
-- gigabytes: volume both ways, 10^9 bytes
-- share: part of all, 0 to 1
-- flows: flows that began
SELECT
  category,
  SUM(src_bytes + dst_bytes) / 1e9 AS gigabytes,
  try_divide(
    SUM(src_bytes + dst_bytes),
    (
      SELECT SUM(src_bytes + dst_bytes) FROM traffic_by_window
      WHERE event_date > (SELECT date_sub(MAX(event_date), 28) FROM traffic_by_window)
    )
  ) AS share,
  SUM(flows_started) AS flows
FROM traffic_by_window
WHERE event_date > (SELECT date_sub(MAX(event_date), 28) FROM traffic_by_window)
GROUP BY category
ORDER BY gigabytes DESC
