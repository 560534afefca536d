-- Which categories rise or fall among customers?
-- category: category of traffic; all for their sum
-- rising: customers whose use of it rises
-- falling: customers whose use of it falls
-- told: customers of whom a trend is told, flat ones too
SELECT
  category,
  COUNT_IF(direction = 'rising') AS rising,
  COUNT_IF(direction = 'falling') AS falling,
  COUNT(direction) AS told
FROM micro_trends
WHERE scope_kind = 'customer' AND as_of = (SELECT MAX(as_of) FROM micro_trends)
GROUP BY category
ORDER BY rising DESC
