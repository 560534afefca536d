-- Records as typed columns, the unsound ones left out, with the labels of the registry.
CREATE OR REPLACE VIEW labelled_flows AS
WITH typed AS (
    SELECT
        ts AS start_time,
        make_timestamp(epoch_us(ts) + CAST(round(td * 1000000) AS BIGINT)) AS end_time,
        ra AS exporter,
        sa AS src_ip,
        da AS dst_ip,
        number AS protocol,
        CASE WHEN number IN (6, 17, 33, 132, 136) THEN sp END AS src_port,
        CASE WHEN number IN (6, 17, 33, 132, 136) THEN CAST(dp AS INTEGER) END AS dst_port,
        CASE WHEN number IN (1, 58) THEN CAST(split_part(dp, '.', 1) AS INTEGER) END AS icmp_type,
        CASE WHEN number IN (1, 58) THEN CAST(split_part(dp, '.', 2) AS INTEGER) END AS icmp_code,
        ibyt AS src_bytes,
        ipkt AS src_packets,
        obyt AS dst_bytes,
        opkt AS dst_packets,
        opkt > 0 AS is_bidirectional,
        CAST(contains(flg, 'F') AS INTEGER) + 2 * CAST(contains(flg, 'S') AS INTEGER)
            + 4 * CAST(contains(flg, 'R') AS INTEGER) + 8 * CAST(contains(flg, 'P') AS INTEGER)
            + 16 * CAST(contains(flg, 'A') AS INTEGER) + 32 * CAST(contains(flg, 'U') AS INTEGER) AS tcp_flags,
        nullif(ismc, '00:00:00:00:00:00') AS src_mac,
        nullif(odmc, '00:00:00:00:00:00') AS dst_mac,
        regexp_matches(sa, getvariable('own_pattern')) AS is_src_own,
        regexp_matches(da, getvariable('own_pattern')) AS is_dst_own
    FROM nfdump
    JOIN protocol_names ON name = pr
    WHERE te >= ts
        AND td BETWEEN 0 AND getvariable('max_duration_seconds')
        AND ts >= getvariable('earliest')
        AND least(ibyt, ipkt, obyt, opkt) >= 0
        AND greatest(ibyt, ipkt, obyt, opkt) <= getvariable('max_record_bytes')
),
keyed AS (
    SELECT *,
        protocol IN (6, 17, 33, 132) AND (src_port IS NOT NULL OR dst_port IS NOT NULL) AS has_ports,
        CASE
            WHEN protocol <> 6 OR is_bidirectional THEN NULL
            WHEN tcp_flags & 18 = 2 THEN 'src'
            WHEN tcp_flags & 31 = 18 AND src_packets = 1 THEN 'dst'
        END AS initiator
    FROM typed
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
