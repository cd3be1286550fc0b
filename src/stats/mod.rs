//! Pure mathematics: quantiles, tests, intervals, multiplicity, power.
