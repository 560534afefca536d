-- Where do the exporter's labels and the IANA registry differ most?
-- observed_application: the exporter's own label
-- service: IANA service of the server side
-- gigabytes: volume both ways, 10^9 bytes
-- share: part of all labelled volume, 0 to 1
SELECT
  observed_application,
  service,
  SUM(bytes) / 1e9 AS gigabytes,
  try_divide(
    SUM(bytes), (SELECT SUM(bytes) FROM reclassification WHERE agreement <> 'unobserved')
  ) AS share
FROM reclassification
WHERE agreement = 'differs'
GROUP BY observed_application, service
ORDER BY gigabytes DESC
LIMIT 20
