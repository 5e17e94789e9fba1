-- Adverts by verdict in each stratum, and the sellers who wrote them; alarms also with linked adverts counted once.
SELECT
    stratum,
    count(*) AS adverts,
    count(DISTINCT (platform, seller)) FILTER (seller <> '') AS sellers,
    count(*) FILTER (verdict = 'clear') AS clear,
    count(*) FILTER (verdict = 'review') AS review,
    count(*) FILTER (verdict = 'block') AS block,
    count(DISTINCT (cluster, if(cluster IS NULL, id, NULL))) FILTER (subject IS NOT NULL) AS distinct_alarms,
    count(*) FILTER (contradiction) AS contradictions,
    count(*) FILTER (label IS NOT NULL) AS labelled,
    min(posted) AS first_day,
    max(posted) AS last_day
FROM adverts
GROUP BY stratum
ORDER BY stratum
