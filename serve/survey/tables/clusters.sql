-- Linked adverts of which one at least raises an alarm.
SELECT
    cluster,
    count(*) AS adverts,
    count(*) FILTER (subject IS NOT NULL) AS alarms,
    count(DISTINCT (platform, seller)) FILTER (seller <> '') AS sellers,
    string_agg(DISTINCT platform, ', ' ORDER BY platform) AS platforms,
    min(posted) AS first_day,
    max(posted) AS last_day
FROM adverts
WHERE cluster IS NOT NULL
GROUP BY cluster
HAVING alarms > 0
ORDER BY alarms DESC, adverts DESC, cluster
