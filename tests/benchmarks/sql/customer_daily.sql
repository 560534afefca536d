-- Each customer's local days. Volumes are shared out by time over hours; what is counted, counts where the flow began.
CREATE OR REPLACE VIEW customer_daily AS
WITH sides AS (
    SELECT start_time, end_time, category, src_ip AS address, dst_ip AS peer, src_mac AS input_mac,
        src_bytes AS bytes_up, dst_bytes AS bytes_down, src_packets AS packets_up, dst_packets AS packets_down
    FROM flows WHERE is_src_own
    UNION ALL
    SELECT start_time, end_time, category, dst_ip, src_ip, dst_mac, dst_bytes, src_bytes, dst_packets, src_packets
    FROM flows WHERE is_dst_own
),
held AS (
    SELECT sides.*, epoch_us(start_time) AS began, epoch_us(end_time) AS ended,
        coalesce(customer, sides.address) AS customer,
        CASE WHEN customer IS NULL THEN 'address' ELSE 'lease' END AS customer_basis,
        coalesce(plan, 'none') AS plan, coalesce(region, 'none') AS region
    FROM sides
    LEFT JOIN lease_spans ON lease_spans.address = sides.address
        AND start_time >= valid_from AND start_time < valid_to
),
begun AS (
    SELECT customer, local_date, count(*) AS connections, count(DISTINCT start_time) AS distinct_start_times,
        list_sort(coalesce(list(DISTINCT input_mac) FILTER (input_mac IS NOT NULL), [])) AS input_macs,
        approx_count_distinct(peer) AS peers
    FROM held
    JOIN local_hours ON hour_index = began // 3600000000
    GROUP BY ALL
),
touched AS (
    SELECT *, unnest(range(began // 3600000000, greatest(began, ended - 1) // 3600000000 + 1)) AS hour_index
    FROM held
),
passed AS (
    SELECT *,
        share_passed(hour_index * 3600000000, began, ended) AS before,
        share_passed((hour_index + 1) * 3600000000, began, ended) AS after
    FROM touched
),
shared AS (
    SELECT customer, customer_basis, plan, region, hour_index, category,
        CAST(floor(bytes_up * after) AS BIGINT) - CAST(floor(bytes_up * before) AS BIGINT) AS bytes_up,
        CAST(floor(bytes_down * after) AS BIGINT) - CAST(floor(bytes_down * before) AS BIGINT) AS bytes_down,
        CAST(floor(packets_up * after) AS BIGINT) - CAST(floor(packets_up * before) AS BIGINT) AS packets_up,
        CAST(floor(packets_down * after) AS BIGINT) - CAST(floor(packets_down * before) AS BIGINT) AS packets_down,
        CAST(floor((ended - began) * after) AS BIGINT) - CAST(floor((ended - began) * before) AS BIGINT) AS flow_micros
    FROM passed
),
cells AS (
    SELECT customer, customer_basis, plan, region, local_date, local_hour, hours_in_day, category,
        CAST(sum(bytes_up) AS BIGINT) AS bytes_up, CAST(sum(bytes_down) AS BIGINT) AS bytes_down,
        CAST(sum(packets_up) AS BIGINT) AS packets_up, CAST(sum(packets_down) AS BIGINT) AS packets_down,
        CAST(sum(flow_micros) AS BIGINT) AS flow_micros
    FROM shared
    JOIN local_hours USING (hour_index)
    GROUP BY ALL
),
by_hour AS (
    SELECT customer, customer_basis, plan, region, local_date, hours_in_day, local_hour,
        CAST(sum(bytes_up) AS BIGINT) AS bytes_up, CAST(sum(bytes_down) AS BIGINT) AS bytes_down,
        CAST(sum(packets_up) AS BIGINT) AS packets_up, CAST(sum(packets_down) AS BIGINT) AS packets_down,
        CAST(sum(flow_micros) AS BIGINT) AS flow_micros
    FROM cells
    GROUP BY ALL
),
carried AS (
    SELECT customer, customer_basis, plan, region, local_date,
        CAST(sum(bytes_up) AS BIGINT) AS bytes_up, CAST(sum(bytes_down) AS BIGINT) AS bytes_down,
        CAST(sum(packets_up) AS BIGINT) AS packets_up, CAST(sum(packets_down) AS BIGINT) AS packets_down,
        sum(flow_micros) / 1000000 AS flow_seconds, CAST(count(*) AS INTEGER) AS active_hours,
        map(list(local_hour), list(bytes_up + bytes_down)) AS bytes_of_hour, any_value(hours_in_day) AS hours_in_day
    FROM by_hour
    GROUP BY customer, customer_basis, plan, region, local_date
),
by_category AS (
    SELECT customer, local_date, map(list(category), list(bytes)) AS bytes_by_category
    FROM (
        SELECT customer, local_date, category, CAST(sum(bytes_up + bytes_down) AS BIGINT) AS bytes
        FROM cells
        GROUP BY ALL
        HAVING bytes > 0
    )
    GROUP BY customer, local_date
)
SELECT carried.local_date, carried.customer, customer_basis, plan, region,
    bytes_up, bytes_down, packets_up, packets_down,
    coalesce(connections, 0) AS connections, coalesce(distinct_start_times, 0) AS distinct_start_times,
    active_hours, flow_seconds, coalesce(input_macs, []) AS input_macs, peers,
    coalesce(bytes_by_category, map()) AS bytes_by_category,
    list_transform(range(hours_in_day), lambda hour: coalesce(bytes_of_hour[hour], 0)) AS bytes_by_hour
FROM carried
LEFT JOIN by_category ON by_category.customer = carried.customer AND by_category.local_date = carried.local_date
LEFT JOIN begun ON begun.customer = carried.customer AND begun.local_date = carried.local_date;
