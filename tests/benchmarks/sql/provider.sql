-- Who is who, by token.
CREATE OR REPLACE TABLE customers AS
SELECT subscribers.*, token AS customer FROM subscribers JOIN tokens ON value = subscriber_id;
-- Who held which address when: of overlapping leases the one that began last.
CREATE OR REPLACE TABLE lease_spans AS
WITH delivered AS (
    SELECT of_address.token AS address, of_subscriber.token AS customer,
        valid_from, coalesce(valid_to, TIMESTAMP '9999-12-31') AS valid_to
    FROM leases
    JOIN tokens AS of_address ON of_address.value = address
    JOIN tokens AS of_subscriber ON of_subscriber.value = subscriber_id
),
edges AS (
    SELECT DISTINCT address, unnest([valid_from, valid_to]) AS span_from FROM delivered
),
spans AS (
    SELECT address, span_from, lead(span_from) OVER (PARTITION BY address ORDER BY span_from) AS span_to FROM edges
),
held AS (
    SELECT spans.address, span_from, span_to,
        arg_max(customer, {'began': delivered.valid_from, 'customer': customer}) AS customer
    FROM spans
    JOIN delivered ON delivered.address = spans.address
        AND delivered.valid_from <= span_from AND delivered.valid_to >= span_to
    GROUP BY ALL
)
SELECT address, customer, coalesce(plan, 'none') AS plan, coalesce(region, 'none') AS region,
    span_from AS valid_from, span_to AS valid_to
FROM held
LEFT JOIN customers USING (customer);
