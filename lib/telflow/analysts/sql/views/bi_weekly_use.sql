-- How much of each category did each customer, segment or plan use in each week before a date?
-- as_of: local day after the last one looked at
-- scope_kind: customer, segment or plan
-- scope: token of the customer, or name of the segment or plan
-- category: category of traffic; all for their sum
-- direction: trend over all the weeks: rising, falling or flat; null where none is told
-- week_start: first local day of the week
-- bytes: bytes both ways in the week; of a segment or plan, those of a member
SELECT
  as_of,
  scope_kind,
  scope,
  category,
  direction,
  week_start,
  get(weekly_bytes, place) AS bytes
FROM micro_trends
LATERAL VIEW posexplode(week_starts) weeks AS place, week_start
