-- Which files of the newest run need looking after?
-- path: where the file stood
-- status: what became of it
-- lines_read: lines of the file
-- rejected_share: part of them that was rejected, 0 to 1; null for an empty file
-- message: what was wrong and what to do
SELECT path, status, lines_read, rejected_share, message
FROM bi_ingested_files
WHERE ingest_run = (SELECT MAX(ingest_run) FROM bi_ingested_files)
  AND (status NOT IN ('kept', 'duplicate') OR lines_quarantined > 0)
ORDER BY rejected_share DESC NULLS FIRST
