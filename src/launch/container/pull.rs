//! The image of a server, fetched where that is wanted.

use std::collections::BTreeMap;
use std::time::Duration;

use bollard::models::CreateImageInfo;
use bollard::query_parameters::CreateImageOptions;
use futures_util::StreamExt as _;

use super::engine::Engine;
use crate::base::Nanos;
use crate::config::{Image, Pull};
use crate::host::RealClock;
use crate::launch::{LaunchError, Onlooker};

/// How often the wish to stop is asked for.
const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// A sign of life.
const SAY_AGAIN: Nanos = Nanos(15_000_000_000);

pub(super) async fn pull(
    engine: &Engine,
    image: &Image,
    onlooker: &mut Onlooker<'_>,
) -> Result<(), LaunchError> {
    let name = &image.name;
    let is_there = engine.docker.inspect_image(name).await.is_ok();
    match image.pull {
        Pull::Missing | Pull::Never if is_there => return Ok(()),
        Pull::Never => {
            return Err(LaunchError::engine(
                format!("the image {name} is not there, and --server-pull never forbids to fetch it"),
                "pull or build it before, or leave out --server-pull never",
            ));
        }
        Pull::Missing | Pull::Always => {}
    }
    (onlooker.say)(&format!("pulling {name}"));
    let options = CreateImageOptions {
        from_image: Some(name.clone()),
        // Without a tag the engine would fetch all there are.
        tag: (!has_version(name)).then(|| "latest".to_owned()),
        ..CreateImageOptions::default()
    };
    let failed = |why: String| {
        LaunchError::engine(
            format!("cannot pull {name}: {why}"),
            "check the name and the way to the registry; a private image must be pulled before, where `docker login` was done: --server-pull never",
        )
    };
    let mut news = engine.docker.create_image(Some(options), None, None);
    let mut layers = BTreeMap::new();
    let (clock, mut said) = (RealClock::start(), Nanos::ZERO);
    loop {
        if (onlooker.is_stopped)() {
            return Err(LaunchError::Interrupted);
        }
        match tokio::time::timeout(LOOK_AGAIN, news.next()).await {
            Ok(None) => return Ok(()),
            Ok(Some(Ok(CreateImageInfo { error_detail: Some(error), .. }))) => {
                return Err(failed(error.message.unwrap_or_default()));
            }
            Ok(Some(Ok(CreateImageInfo { id, progress_detail, .. }))) => {
                let bytes =
                    |count: Option<i64>| count.and_then(|count| u64::try_from(count).ok()).unwrap_or(0);
                if let (Some(id), Some(progress)) = (id, progress_detail)
                    && progress.total.is_some()
                {
                    layers.insert(id, (bytes(progress.current), bytes(progress.total)));
                }
            }
            Ok(Some(Err(error))) => return Err(failed(error.to_string())),
            Err(_) => {}
        }
        if clock.now() - said >= SAY_AGAIN {
            said = clock.now();
            let sum = |pick: fn(&(u64, u64)) -> u64| layers.values().map(pick).sum::<u64>() as f64 / 1e9;
            (onlooker.say)(&format!(
                "pulling {name}: {:.1} of {:.1} GB so far",
                sum(|done| done.0),
                sum(|done| done.1)
            ));
        }
    }
}

/// Whether a name says which version is meant; the colon of a registry's port does not.
fn has_version(name: &str) -> bool {
    name.rsplit('/').next().is_some_and(|last| last.contains([':', '@'])) || name.contains('@')
}

#[cfg(test)]
mod tests {
    #[test]
    fn versions_are_told_from_ports() {
        let with = ["a:1", "r:5000/a:1", "r/a@sha256:00", "r:5000/a@sha256:00"];
        let without = ["a", "r:5000/a", "r/b/a"];
        assert!(with.iter().all(|name| super::has_version(name)));
        assert!(!without.iter().any(|name| super::has_version(name)));
    }
}
