-- Which files need looking after?
-- path: where the file stood
-- ingest_run: run that saw it last
-- status: what became of it
-- lines_read: lines of the file
-- rejected_share: part of them that was rejected, 0 to 1; null for an empty file
-- message: what was wrong and what to do
WITH seen AS (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY path ORDER BY ingest_run DESC) AS place
  FROM bi_ingested_files
)
SELECT path, ingest_run, status, lines_read, rejected_share, message
FROM seen
WHERE
  place = 1
  AND (
    status IN ('cut', 'rejected', 'empty', 'unknown_format', 'unreadable')
    OR (lines_quarantined > 0 AND ingest_run = (SELECT MAX(ingest_run) FROM bi_ingested_files))
  )
ORDER BY ingest_run DESC, rejected_share DESC NULLS FIRST
