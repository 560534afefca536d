-- How busy is each hour of the week, in the newest month that has all weekdays?
-- weekday: 1 Monday to 7 Sunday
-- hour: hour of the local clock, 0 to 23
-- gigabytes: mean volume of such an hour, 10^9 bytes
SELECT weekday, hour, mean_bytes / 1e9 AS gigabytes
FROM bi_hours_of_week
ORDER BY weekday, hour
