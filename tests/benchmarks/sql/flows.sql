-- The records with tokens in the place of own addresses and MACs, and with the labels of the registry.
CREATE OR REPLACE VIEW labelled_flows AS
WITH keyed AS (
    SELECT records.* REPLACE (
            coalesce(src_end_token.token, src_ip) AS src_ip, coalesce(dst_end_token.token, dst_ip) AS dst_ip,
            src_mac_token.token AS src_mac, dst_mac_token.token AS dst_mac
        ),
        protocol IN (6, 17, 33, 132) AND (src_port IS NOT NULL OR dst_port IS NOT NULL) AS has_ports,
        CASE
            WHEN protocol <> 6 OR is_bidirectional THEN NULL
            WHEN tcp_flags & 18 = 2 THEN 'src'
            WHEN tcp_flags & 31 = 18 AND src_packets = 1 THEN 'dst'
        END AS initiator
    FROM records
    LEFT JOIN tokens AS src_end_token ON is_src_own AND src_end_token.value = records.src_ip
    LEFT JOIN tokens AS dst_end_token ON is_dst_own AND dst_end_token.value = records.dst_ip
    LEFT JOIN tokens AS src_mac_token ON src_mac_token.value = records.src_mac
    LEFT JOIN tokens AS dst_mac_token ON dst_mac_token.value = records.dst_mac
    WHERE coalesce(src_port, 0) BETWEEN 0 AND 65535 AND coalesce(dst_port, 0) BETWEEN 0 AND 65535
),
found AS (
    SELECT keyed.*, src_end.name AS src_name, dst_end.name AS dst_name,
        src_end.category AS src_category, dst_end.category AS dst_category,
        initiator IS NOT NULL AS tells_responder
    FROM keyed
    LEFT JOIN known AS src_end ON src_end.key = CASE WHEN has_ports THEN protocol * 65536 + src_port END
    LEFT JOIN known AS dst_end ON dst_end.key = CASE WHEN has_ports THEN protocol * 65536 + dst_port ELSE -1 - protocol END
),
decided AS (
    SELECT *,
        CASE
            WHEN NOT has_ports THEN true
            WHEN tells_responder THEN initiator = 'src'
            WHEN (src_name IS NOT NULL) <> (dst_name IS NOT NULL) THEN dst_name IS NOT NULL
            ELSE coalesce(dst_port <= src_port, dst_port IS NOT NULL)
        END AS is_dst_server
    FROM found
),
served AS (
    SELECT *, CASE WHEN has_ports THEN CASE WHEN is_dst_server THEN dst_port ELSE src_port END END AS server_port
    FROM decided
)
SELECT
    CAST(start_time AS DATE) AS event_date, start_time, end_time, exporter, src_ip, dst_ip, src_port, dst_port,
    protocol, src_bytes, src_packets, dst_bytes, dst_packets, is_bidirectional, tcp_flags, icmp_type, icmp_code,
    src_mac, dst_mac, 1 AS sampling_rate, CAST(NULL AS VARCHAR) AS observed_application,
    'nfdump_csv48' AS source_format, is_src_own, is_dst_own, initiator,
    src_name AS src_service,
    CASE WHEN has_ports THEN dst_name END AS dst_service,
    coalesce(
        CASE WHEN is_dst_server THEN dst_name ELSE src_name END,
        CASE WHEN server_port >= 49152 THEN 'dynamic' ELSE 'unassigned' END
    ) AS service,
    CASE
        WHEN NOT has_ports THEN 'protocol'
        WHEN tells_responder THEN 'initiator'
        WHEN (src_name IS NOT NULL) <> (dst_name IS NOT NULL) THEN 'only_registered_end'
        WHEN src_name IS NULL THEN CASE WHEN least(src_port, dst_port) >= 49152 THEN 'dynamic' ELSE 'unassigned' END
        WHEN (src_port < 1024) <> (dst_port < 1024) THEN 'system_port'
        WHEN src_port <> dst_port THEN 'lower_port'
        ELSE 'destination'
    END AS service_basis,
    CASE
        WHEN server_port < 1024 THEN 'system'
        WHEN server_port < 49152 THEN 'user'
        WHEN server_port IS NOT NULL THEN 'dynamic'
        ELSE 'none'
    END AS port_class,
    coalesce(
        CASE WHEN is_dst_server THEN dst_category ELSE src_category END,
        CASE WHEN server_port >= 49152 THEN 'dynamic' ELSE 'unassigned' END
    ) AS category,
    getvariable('registry_version') AS registry_version
FROM served;
