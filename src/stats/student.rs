//! Student's t with fractional degrees of freedom (Student 1908), and its limit, the normal.

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// From here on t and normal quantiles at 0.999 differ by less than one part in a million.
const NORMAL_FROM: f64 = 1e7;

/// P(T ≤ x). Not a number when `freedom` is not above zero or `x` is not a number.
pub fn student_cdf(x: f64, freedom: f64) -> f64 {
    if x.is_nan() {
        return f64::NAN;
    }
    match law(freedom) {
        Some(Law::Student(law)) => law.cdf(x),
        Some(Law::Normal(law)) => law.cdf(x),
        None => f64::NAN,
    }
}

/// The x with P(T ≤ x) = p. Not a number when `freedom` is not above zero or `p` lies outside `0..=1`.
pub fn student_quantile(p: f64, freedom: f64) -> f64 {
    if !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    match law(freedom) {
        _ if p <= 0.0 => f64::NEG_INFINITY,
        _ if p >= 1.0 => f64::INFINITY,
        Some(Law::Student(law)) => law.inverse_cdf(p),
        Some(Law::Normal(law)) => law.inverse_cdf(p),
        None => f64::NAN,
    }
}

/// P(Z ≤ x) of the standard normal.
pub fn normal_cdf(x: f64) -> f64 {
    student_cdf(x, f64::INFINITY)
}

/// The x with P(Z ≤ x) = p. Not a number when `p` lies outside `0..=1`.
pub fn normal_quantile(p: f64) -> f64 {
    student_quantile(p, f64::INFINITY)
}

enum Law {
    Student(StudentsT),
    Normal(Normal),
}

fn law(freedom: f64) -> Option<Law> {
    if freedom >= NORMAL_FROM {
        Normal::new(0.0, 1.0).ok().map(Law::Normal)
    } else {
        StudentsT::new(0.0, 1.0, freedom).ok().map(Law::Student)
    }
}
