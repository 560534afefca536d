-- How many left in each month, and how many of them had complained in the four weeks before?
-- month: first day of the month
-- leavers: subscribers who left
-- complained: those of them with a complaint in the 28 days up to their last
SELECT
  trunc(churn_date, 'MONTH') AS month,
  COUNT(DISTINCT churn_events.customer) AS leavers,
  COUNT(DISTINCT complaints.customer) AS complained
FROM churn_events
LEFT JOIN complaints
  ON complaints.customer = churn_events.customer
  AND complaints.complaint_date > date_sub(churn_events.churn_date, 28)
  AND complaints.complaint_date <= churn_events.churn_date
GROUP BY ALL
ORDER BY month
