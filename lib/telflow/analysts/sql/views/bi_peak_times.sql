-- When is each scope busiest, on the local clock and in rates?
-- period_start: first local day of the period
-- period_kind: day or month
-- scope_kind: network, category, plan, region or tier
-- scope: which one; all for the network
-- total_bytes: bytes of the period
-- busy_hour_local: start of the 60 minutes of greatest load, local time, without a zone
-- busy_hour_bytes: bytes in them
-- adph_bytes: mean over days of each day's own busy-hour bytes
-- tcbh_local_hour: start of the clock hour that is busiest over all days, hours after midnight
-- tcbh_bytes: mean bytes over days in that clock hour
-- p95_mbps: 95th percentile of the samples, 10^6 bits a second
-- mean_mbps: mean of the samples, 10^6 bits a second
SELECT
  period_start,
  period_kind,
  scope_kind,
  scope,
  total_bytes,
  convert_timezone(
    'UTC', '${zone}', TIMESTAMP_NTZ'1970-01-01 00:00:00' + unix_seconds(busy_hour_start) * INTERVAL '1' SECOND
  ) AS busy_hour_local,
  busy_hour_bytes,
  adph_bytes,
  tcbh_start_minute / 60 AS tcbh_local_hour,
  tcbh_bytes,
  p95_bits_per_second / 1000000 AS p95_mbps,
  mean_bits_per_second / 1000000 AS mean_mbps
FROM peak_times
