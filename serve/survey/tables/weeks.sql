-- Alarms by the week that they were posted in (its Monday), and scaled to all adverts that offer the subject.
SELECT * EXCLUDE (per_alarm, per_alarm_low, per_alarm_high),
    alarms * per_alarm AS offers,
    lowest(alarms, alarms, per_alarm, per_alarm_low) AS offers_low,
    highest(alarms, alarms, per_alarm, per_alarm_high) AS offers_high
FROM (
    SELECT stratum, subject, date_trunc('week', posted)::DATE AS week, count(*) AS alarms
    FROM adverts
    WHERE subject IS NOT NULL AND posted IS NOT NULL
    GROUP BY ALL
)
JOIN (FROM prevalence SELECT stratum, subject, per_alarm, per_alarm_low, per_alarm_high) USING (stratum, subject)
ORDER BY stratum, subject, week
