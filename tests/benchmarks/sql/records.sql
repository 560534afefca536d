-- Records as typed columns, the unsound ones left out.
CREATE OR REPLACE TEMP TABLE records AS
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
    AND greatest(ibyt, ipkt, obyt, opkt) <= getvariable('max_record_bytes');
