-- Sellers whose adverts raise an alarm: where to look first. These are single alarms, some of them false.
SELECT
    platform,
    seller,
    count(*) AS adverts,
    count(*) FILTER (subject IS NOT NULL) AS alarms,
    count(*) FILTER (verdict = 'block') AS block,
    count(*) FILTER (contradiction) AS contradictions,
    coalesce(sum(quantity) FILTER (subject IS NOT NULL), 0) AS specimens,
    sum(value) FILTER (subject IS NOT NULL) AS value,
    min(posted) FILTER (subject IS NOT NULL) AS first_day,
    max(posted) FILTER (subject IS NOT NULL) AS last_day,
    count(DISTINCT cluster) AS clusters
FROM adverts
WHERE seller <> ''
GROUP BY platform, seller
HAVING alarms > 0
ORDER BY alarms DESC, block DESC, platform, seller
