-- The schemes rfm, rfm_r and ufm for the day after the last one.
CREATE OR REPLACE MACRO level_above(value, cuts) AS
    CASE WHEN value IS NOT NULL THEN 1 + len(list_filter(cuts, lambda cut: value > cut)) END;
CREATE OR REPLACE MACRO level_from(value, cuts) AS
    CASE WHEN value IS NOT NULL THEN 1 + len(list_filter(cuts, lambda cut: value >= cut)) END;
CREATE OR REPLACE VIEW customer_scores AS
WITH told AS (
    SELECT min(local_date) AS lake_start, max(local_date) FILTER (connections > 0) + 1 AS as_of FROM customer_days
),
days AS (
    SELECT customer_days.*, lake_start, as_of, local_date >= as_of - getvariable('window_days') AS is_in_window
    FROM customer_days, told
    WHERE local_date >= as_of - getvariable('window_days') - getvariable('known_days') AND local_date < as_of
),
measures AS (
    SELECT customer, any_value(as_of) AS as_of, any_value(lake_start) AS lake_start, min(local_date) AS first_day,
        any_value(as_of) - max(local_date) AS recency_days,
        count(*) FILTER (is_in_window) AS active_days,
        CAST(coalesce(sum(distinct_start_times) FILTER (is_in_window), 0) AS BIGINT) AS start_times,
        CAST(coalesce(sum(bytes_up + bytes_down) FILTER (is_in_window), 0) AS BIGINT) AS monetary_bytes,
        CAST(coalesce(len(list_distinct(flatten(list(input_macs) FILTER (is_in_window)))), 0) AS BIGINT) AS connections
    FROM days
    GROUP BY customer
),
statuses AS (
    SELECT measures.*,
        CASE
            WHEN active_days = 0 THEN 'inactive'
            WHEN least(signup_date, CASE WHEN first_day > lake_start THEN first_day END)
                >= as_of - getvariable('new_days') THEN 'new'
            ELSE 'scored'
        END AS status
    FROM measures
    LEFT JOIN customers USING (customer)
),
cuts AS (
    SELECT
        quantile_disc(recency_days, [0.2, 0.4, 0.6, 0.8]) AS rfm_recency,
        quantile_disc(active_days, [0.2, 0.4, 0.6, 0.8]) AS rfm_frequency,
        quantile_disc(monetary_bytes, [0.2, 0.4, 0.6, 0.8]) AS rfm_monetary,
        list_transform(quantile_cont(recency_days, [0.2, 0.4, 0.6, 0.8]), lambda cut: cut + 1) AS rfm_r_recency,
        list_transform(quantile_cont(active_days, [0.2, 0.4, 0.6, 0.8]), lambda cut: cut + 1) AS rfm_r_frequency,
        list_transform(quantile_cont(monetary_bytes, [0.2, 0.4, 0.6, 0.8]), lambda cut: cut + 1) AS rfm_r_monetary,
        quantile_cont(start_times, [0.25, 0.5, 0.75]) AS ufm_frequency,
        quantile_cont(monetary_bytes, [0.25, 0.5, 0.75]) AS ufm_monetary,
        quantile_cont(connections, [0.25, 0.5, 0.75]) AS ufm_connections
    FROM statuses
    WHERE status = 'scored'
),
-- what is cut, null where a customer is not scored
eligible AS (
    SELECT statuses.*,
        CASE WHEN status = 'scored' THEN recency_days END AS recency,
        CASE WHEN status = 'scored' THEN active_days END AS active,
        CASE WHEN status = 'scored' THEN start_times END AS starts,
        CASE WHEN status = 'scored' THEN monetary_bytes END AS monetary,
        CASE WHEN status = 'scored' THEN connections END AS macs
    FROM statuses
),
digits AS (
    SELECT 'rfm' AS scheme, eligible.*, active_days AS frequency,
        6 - level_above(recency, rfm_recency) AS recency_score,
        level_above(active, rfm_frequency) AS frequency_score,
        level_above(monetary, rfm_monetary) AS monetary_score,
        NULL AS connections_score
    FROM eligible, cuts
    UNION ALL
    SELECT 'rfm_r', eligible.*, active_days,
        6 - level_from(recency, rfm_r_recency),
        level_from(active, rfm_r_frequency),
        level_from(monetary, rfm_r_monetary),
        NULL
    FROM eligible, cuts
    UNION ALL
    SELECT 'ufm', eligible.*, start_times,
        NULL,
        level_above(starts, ufm_frequency),
        level_above(monetary, ufm_monetary),
        level_above(macs, ufm_connections)
    FROM eligible, cuts
),
scored AS (
    SELECT *,
        CASE
            WHEN scheme = 'ufm' THEN monetary_score + frequency_score + connections_score
            ELSE recency_score * 100 + frequency_score * 10 + monetary_score
        END AS score
    FROM digits
),
score_cuts AS (
    SELECT quantile_cont(score, [0.25, 0.5, 0.75]) AS ufm_score FROM scored WHERE scheme = 'ufm'
)
SELECT as_of, scheme, customer, status, recency_days, frequency, monetary_bytes, connections,
    recency_score, frequency_score, monetary_score, connections_score, score,
    CASE
        WHEN score IS NULL THEN status
        WHEN scheme = 'ufm' THEN CASE
            WHEN score >= 10 THEN 'Require Upgrade'
            WHEN score >= 7 THEN 'Potential Sales'
            WHEN score >= 4 THEN 'Needs Attention'
            ELSE 'Possible Customer Loss'
        END
        ELSE coalesce(segments.name, 'Others')
    END AS level,
    CASE
        WHEN score IS NULL OR scheme <> 'ufm' THEN NULL
        ELSE ['No Value', 'Low', 'Medium', 'High'][1 + len(list_filter(ufm_score, lambda cut: score > cut))]
    END AS value_level
FROM scored
CROSS JOIN score_cuts
LEFT JOIN segments USING (scheme, score);
