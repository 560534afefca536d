-- How far do the exporter's labels and the IANA registry agree?
-- agreement: same, differs, or unobserved where the exporter gave no label
-- flows: flow records
-- gigabytes: volume both ways, 10^9 bytes
-- share: part of all volume, 0 to 1
SELECT
  agreement,
  SUM(flows) AS flows,
  SUM(bytes) / 1e9 AS gigabytes,
  try_divide(SUM(bytes), (SELECT SUM(bytes) FROM reclassification)) AS share
FROM reclassification
GROUP BY agreement
ORDER BY gigabytes DESC
