-- Alarms by the place that sellers state, and scaled to all adverts that offer the subject.
SELECT * EXCLUDE (per_alarm, per_alarm_low, per_alarm_high),
    alarms * per_alarm AS offers,
    lowest(alarms, alarms, per_alarm, per_alarm_low) AS offers_low,
    highest(alarms, alarms, per_alarm, per_alarm_high) AS offers_high
FROM (
    SELECT stratum, subject, location, median(latitude) AS latitude, median(longitude) AS longitude,
        count(*) AS alarms
    FROM adverts
    WHERE subject IS NOT NULL AND location <> ''
    GROUP BY ALL
)
JOIN (FROM prevalence SELECT stratum, subject, per_alarm, per_alarm_low, per_alarm_high) USING (stratum, subject)
ORDER BY stratum, subject, alarms DESC, location
