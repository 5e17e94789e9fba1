-- Specimens by class: in the adverts that raise an alarm, and scaled to all that offer the subject.
SELECT * EXCLUDE (squares, per_alarm, per_alarm_low, per_alarm_high),
    specimens * per_alarm AS offered,
    lowest(specimens, squares, per_alarm, per_alarm_low) AS offered_low,
    highest(specimens, squares, per_alarm, per_alarm_high) AS offered_high
FROM (
    SELECT stratum, subject, answer AS class, count(*) AS alarms, sum(quantity) AS specimens,
        sum(quantity ** 2) AS squares
    FROM adverts
    WHERE subject IS NOT NULL
    GROUP BY ALL
)
JOIN (FROM prevalence SELECT stratum, subject, per_alarm, per_alarm_low, per_alarm_high) USING (stratum, subject)
ORDER BY stratum, subject, specimens DESC, class
