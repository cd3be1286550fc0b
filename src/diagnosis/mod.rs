//! What is wrong with a server or with the way to it: facts in, checks with causes and remedies out.

mod check;
mod facts;
mod load;
mod place;
mod reach;
mod service;
mod stream;
#[cfg(test)]
mod tests;

pub use check::{Check, Diagnosis, Standing};
pub use facts::{
    Facts, Kind, Models, Parallel, Piece, Place, Reach, Repeat, Service, Speed, Streamed, Told, Whole,
};

/// Every check, in the order in which an expert would make them. What could not be looked at is skipped, with the reason.
pub fn diagnose(facts: &Facts) -> Vec<Check> {
    let Facts { url, place, reach, service, whole, stream, repeat, parallel } = facts;
    let mut checks = place::checks(place);
    checks.extend(reach::checks(url, reach, place));
    checks.extend(service.iter().flat_map(|service| service::checks(url, service)));
    checks.extend(whole.iter().map(|whole| service::whole(url, whole)));
    checks.extend(stream.iter().flat_map(|stream| stream::checks(url, stream)));
    checks.extend(stream.iter().zip(repeat).map(|(first, again)| stream::cache(first, again)));
    checks.extend(parallel.iter().flat_map(load::checks));
    let missing =
        [("request", whole.is_none()), ("stream", stream.is_none()), ("parallel", parallel.is_none())];
    let why = match reach {
        Reach::Open { .. } => "something before it failed, or this API has no such thing",
        _ => "the server was not reached",
    };
    checks.extend(
        missing.into_iter().filter(|(_, missing)| *missing).map(|(name, _)| Check::skipped(name, why)),
    );
    checks
}
