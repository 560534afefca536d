-- How busy is each hour of the week, in the newest month that has all weekdays?
-- month: first local day of the month
-- weekday: 1 Monday to 7 Sunday
-- hour: hour of the local clock, 0 to 23
-- mean_bytes: mean bytes of such an hour, both ways
SELECT month, weekday, hour, mean_bytes
FROM hour_by_weekday
WHERE
  scope_kind = 'network'
  AND month = (
    SELECT month FROM hour_by_weekday GROUP BY month ORDER BY COUNT(DISTINCT weekday) DESC, month DESC LIMIT 1
  )
