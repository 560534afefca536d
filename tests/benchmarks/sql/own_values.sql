-- What tokens are made of: each own address and each MAC once.
CREATE OR REPLACE VIEW own_values AS
SELECT DISTINCT 'ip' AS kind, src_ip AS value FROM records WHERE is_src_own
UNION
SELECT 'ip', dst_ip FROM records WHERE is_dst_own
UNION
SELECT 'mac', src_mac FROM records WHERE src_mac IS NOT NULL
UNION
SELECT 'mac', dst_mac FROM records WHERE dst_mac IS NOT NULL;
