-- How many adverts offer each subject in each stratum, corrected; the strata are never pooled.
FROM prevalence ORDER BY stratum, subject
