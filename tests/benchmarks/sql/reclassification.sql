-- What the exporter calls the traffic against what the registry says. nfdump names nothing, so no aliases are needed.
CREATE OR REPLACE VIEW reclassification AS
SELECT *,
    CASE
        WHEN observed_application = 'none' THEN 'unobserved'
        WHEN observed_application = lower(service) THEN 'same'
        ELSE 'differs'
    END AS agreement
FROM (
    SELECT event_date, coalesce(nullif(lower(trim(observed_application)), ''), 'none') AS observed_application,
        service, category, registry_version,
        count(*) AS flows, CAST(sum(src_bytes + dst_bytes) AS BIGINT) AS bytes
    FROM flows
    GROUP BY ALL
);
