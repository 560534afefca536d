-- When was the network busiest on each day, and how busy?
-- day: local day
-- busy_hour_local: start of the busiest 60 minutes, local time
-- gigabytes: volume of them, 10^9 bytes
-- share_of_day: part of the day's volume, 0 to 1
SELECT
  period_start AS day,
  busy_hour_local,
  busy_hour_bytes / 1e9 AS gigabytes,
  try_divide(busy_hour_bytes, total_bytes) AS share_of_day
FROM bi_peak_times
WHERE period_kind = 'day' AND scope_kind = 'network'
ORDER BY day
