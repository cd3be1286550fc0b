//! Pure mathematics: summaries, Student's t, contrasts with their error, multiplicity, binomial bounds.

mod binomial;
mod contrast;
mod multiplicity;
mod series;
mod student;
#[cfg(test)]
mod tests;

pub use binomial::{clopper_pearson, thin_below};
pub use contrast::{Contrast, Part, satterthwaite};
pub use multiplicity::{benjamini_hochberg, holm};
pub use series::{Series, median_variance, pooled_variance};
pub use student::{normal_cdf, normal_quantile, student_cdf, student_quantile};
