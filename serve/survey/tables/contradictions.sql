-- Adverts whose words claim another material than their pictures show.
SELECT stratum, id, seller, answer AS class, verdict, score
FROM adverts
WHERE contradiction
ORDER BY score DESC, stratum, id
