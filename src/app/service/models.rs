//! The models that a server says it has, for whoever is about to choose one.

use crate::app::error::AppError;
use crate::app::place::{Found, find};
use crate::config::Resolved;
use crate::protocol::models::Listing;
use crate::transport::Control;

/// Asks the plan's main server for its list. A simulated one is started for the question.
pub async fn models(resolved: &Resolved) -> Result<Vec<String>, AppError> {
    let plan = &resolved.plan;
    let main: Vec<String> = plan.target.base_urls.iter().take(1).cloned().collect();
    // The simulators live until the answer is there.
    let Found { servers, simulators: _simulators, route: _ } = find(resolved, &main, 0)?;
    let Some(options) = servers.first() else {
        return Err(AppError::usage(
            "no server is given",
            "name one, for example ?server=http://localhost:8000",
        ));
    };
    let listing = Listing::of(plan.api);
    let answer = Control::new(options)?.models(listing).await?;
    listing.parse(answer.body.as_bytes()).map_err(|why| {
        AppError::environment(
            format!("the server's list of models is unreadable: {why}"),
            "name the model yourself",
        )
    })
}
