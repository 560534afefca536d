-- One row a registered port, keyed by protocol and port; protocols without ports stand under a negative key.
CREATE OR REPLACE TABLE known AS
SELECT key, name, coalesce(category, 'other') AS category
FROM (
    SELECT protocol * 65536 + unnest(range(port_from, port_to + 1)) AS key, service AS name FROM iana_services
    UNION ALL
    SELECT -1 - number, keyword FROM iana_protocols WHERE keyword IS NOT NULL
)
LEFT JOIN categories ON service = name;
