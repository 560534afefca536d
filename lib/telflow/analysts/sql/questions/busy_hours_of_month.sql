-- How busy is each category in its busy hours, month by month?
-- month: first local day of the month
-- scope: category, or all for the network
-- adph_gigabytes: mean over days of each day's own busiest 60 minutes, 10^9 bytes
-- tcbh_local_hour: start of the clock hour that is busiest over all days, hours after midnight
-- tcbh_gigabytes: mean volume of that clock hour, 10^9 bytes
SELECT
  period_start AS month,
  scope,
  adph_bytes / 1e9 AS adph_gigabytes,
  tcbh_local_hour,
  tcbh_bytes / 1e9 AS tcbh_gigabytes
FROM bi_peak_times
WHERE period_kind = 'month' AND scope_kind IN ('network', 'category')
ORDER BY month, adph_gigabytes DESC
