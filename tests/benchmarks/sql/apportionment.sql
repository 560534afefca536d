-- Part of a flow, 0 to 1, that had passed at a moment; all in microseconds.
CREATE OR REPLACE MACRO share_passed(moment, began, ended) AS
    CASE
        WHEN moment <= began THEN CAST(0 AS DOUBLE)
        WHEN moment >= ended THEN CAST(1 AS DOUBLE)
        ELSE (moment - began) / (ended - began)
    END;
