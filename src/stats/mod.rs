//! Pure mathematics: summaries, Student's t, contrasts with their error, multiplicity, binomial bounds, repeated looks,
//! sign flips, power, alarms and change points of a series of nights.

mod binomial;
mod changes;
mod contrast;
mod course;
mod cusum;
mod flip;
mod looks;
mod multiplicity;
mod power;
mod quadrature;
mod series;
mod student;
#[cfg(test)]
mod tests;

pub use binomial::{clopper_pearson, thin_below};
pub use changes::{ChangePoint, ChangePolicy, Splitter, change_points};
pub use contrast::{Contrast, Part, satterthwaite};
pub use cusum::{Alarm, CusumPolicy, alarm, alarms, episodes};
pub use flip::{flip_interval, max_t, sign_flip, trimmed_mean};
pub use looks::Looks;
pub use multiplicity::{benjamini_hochberg, holm, step_down};
pub use power::{
    LookChance, Outlook, Prospect, fewest, noncentral_t_cdf, power, ratio_resolved, rounds_needed,
    shift_power, shift_resolved,
};
pub use series::{Series, median_variance, pooled_variance};
pub use student::{normal_cdf, normal_quantile, student_cdf, student_quantile};
