-- Which files came in, and what became of their lines?
-- ingest_run: run that read the file
-- logged_at: when, UTC
-- path: where the file stood
-- source_format: format found or given
-- status: kept, cut, interim, rejected, empty, unknown_format, unreadable, duplicate or outgrown
-- size_bytes: size on disk
-- lines_read: lines of the file
-- lines_kept: lines that are rows of flows
-- lines_quarantined: lines that were rejected
-- rejected_share: lines_quarantined over lines_read, 0 to 1; null for an empty file
-- message: what was wrong and what to do, where anything was
SELECT
  ingest_run,
  logged_at,
  path,
  source_format,
  status,
  size_bytes,
  lines_read,
  lines_kept,
  lines_quarantined,
  try_divide(lines_quarantined, lines_read) AS rejected_share,
  message
FROM ingest_log
