-- Prices asked, by currency and (`all`) together in the one currency of the rates, in which median and highest are then,
-- too: as alarms ask, and scaled to all offers. A price is taken as that of the whole advert, whatever its quantity.
SELECT * EXCLUDE (asked_squares, value_squares, per_alarm, per_alarm_low, per_alarm_high),
    asked * per_alarm AS offered,
    lowest(asked, asked_squares, per_alarm, per_alarm_low) AS offered_low,
    highest(asked, asked_squares, per_alarm, per_alarm_high) AS offered_high,
    value * per_alarm AS value_offered,
    lowest(value, value_squares, per_alarm, per_alarm_low) AS value_offered_low,
    highest(value, value_squares, per_alarm, per_alarm_high) AS value_offered_high
FROM (
    SELECT stratum, subject, currency, count(*) AS priced, median(price) AS median_price, max(price) AS highest_price,
        sum(price) AS asked, sum(price ** 2) AS asked_squares, sum(value) AS value, sum(value ** 2) AS value_squares
    FROM adverts
    WHERE subject IS NOT NULL AND price IS NOT NULL
    GROUP BY ALL
    UNION ALL
    SELECT stratum, subject, 'all', count(*), median(value), max(value), NULL, NULL, sum(value), sum(value ** 2)
    FROM adverts
    WHERE subject IS NOT NULL AND value IS NOT NULL
    GROUP BY stratum, subject
)
JOIN (FROM prevalence SELECT stratum, subject, per_alarm, per_alarm_low, per_alarm_high) USING (stratum, subject)
ORDER BY stratum, subject, currency <> 'all', priced DESC, currency
