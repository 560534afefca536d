-- Bytes and packets shared out over five-minute windows by time, in integers that sum to the flow.
CREATE OR REPLACE VIEW traffic_by_window AS
WITH seen AS (
    SELECT service, category, src_bytes, dst_bytes, src_packets, dst_packets, start_time,
        epoch_us(start_time) AS began, epoch_us(end_time) AS ended,
        CASE WHEN is_src_own THEN src_ip WHEN is_dst_own THEN dst_ip END AS address,
        CASE
            WHEN is_src_own AND is_dst_own THEN 'internal'
            WHEN is_src_own THEN 'outbound'
            WHEN is_dst_own THEN 'inbound'
            ELSE 'transit'
        END AS direction
    FROM flows
),
held AS (
    SELECT seen.*, coalesce(customer, seen.address) AS customer,
        coalesce(plan, 'none') AS plan, coalesce(region, 'none') AS region
    FROM seen
    LEFT JOIN lease_spans ON lease_spans.address = seen.address
        AND start_time >= valid_from AND start_time < valid_to
),
touched AS (
    SELECT *, began // 300000000 AS first_window,
        unnest(range(began // 300000000, greatest(began, ended - 1) // 300000000 + 1)) AS window_index
    FROM held
),
passed AS (
    SELECT *,
        share_passed(window_index * 300000000, began, ended) AS before,
        share_passed((window_index + 1) * 300000000, began, ended) AS after
    FROM touched
)
SELECT
    CAST(make_timestamp(window_index * 300000000) AS DATE) AS event_date,
    make_timestamp(window_index * 300000000) AS window_start,
    service, category, direction, plan, region,
    CAST(sum(CAST(floor(src_bytes * after) AS BIGINT) - CAST(floor(src_bytes * before) AS BIGINT)) AS BIGINT) AS src_bytes,
    CAST(sum(CAST(floor(dst_bytes * after) AS BIGINT) - CAST(floor(dst_bytes * before) AS BIGINT)) AS BIGINT) AS dst_bytes,
    CAST(sum(CAST(floor(src_packets * after) AS BIGINT) - CAST(floor(src_packets * before) AS BIGINT)) AS BIGINT) AS src_packets,
    CAST(sum(CAST(floor(dst_packets * after) AS BIGINT) - CAST(floor(dst_packets * before) AS BIGINT)) AS BIGINT) AS dst_packets,
    count(*) FILTER (window_index = first_window) AS flows_started,
    count(*) AS flows_active,
    approx_count_distinct(customer) AS customers
FROM passed
GROUP BY window_index, service, category, direction, plan, region;
