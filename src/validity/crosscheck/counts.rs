//! Requests and tokens, which both sides count.

use super::{Checked, Fact, Sides};
use crate::record::TokenSource;

/// Engines differ by a stop token of each answer; more of a difference is another load.
const TOKENS_APART: f64 = 0.01;

/// The server must have ended at least our successes well, and must not have had more requests than we sent. Without failures
/// these are one number.
pub(super) fn requests(sides: &Sides<'_>) -> Checked {
    if !sides.check.one_to_one {
        return Checked::Unknown("requests");
    }
    let Some(ended) = sides.engine.requests else { return Checked::Unknown("requests") };
    let had = ended + sides.engine.failed.unwrap_or(0.0);
    let (succeeded, sent) = (sides.summary.succeeded, sides.sent());
    if sides.check.whole_load && had > sent as f64 + 0.5 {
        let message = format!(
            "the server had {had:.0} requests in the window and this client sent {sent}: {:.0} came from somebody else, whose load is in every number",
            had - sent as f64
        );
        let fact = Fact::new(sides.doubt, "other_load", message).hint(
            "keep other clients away from the server while it is measured, its monitoring's probes, too",
        );
        return Checked::Differs(fact);
    }
    if ended < succeeded as f64 - 0.5 {
        let message = format!(
            "the server ended {ended:.0} requests well and this client had {succeeded} good answers: {:.0} came from elsewhere",
            succeeded as f64 - ended
        );
        let fact = Fact::new(sides.doubt, "server_requests", message).hint(
            "is a proxy, a cache or a second server behind this address? Name every server's page with --metrics-url",
        );
        return Checked::Differs(fact);
    }
    if sides.is_clean() {
        return Checked::Agrees(format!("requests {succeeded} = {ended:.0}"));
    }
    Checked::Agrees(format!("requests {succeeded} good of {sent} sent, {ended:.0} there"))
}

pub(super) fn output_tokens(sides: &Sides<'_>) -> Checked {
    let tokens = &sides.summary.tokens;
    if tokens.source == TokenSource::Chunks {
        return Checked::Unknown("output tokens");
    }
    let by = match tokens.source {
        TokenSource::Usage => "its answers' usage",
        _ => "the local tokenizer",
    };
    let ours = Ours { what: "output tokens", code: "server_output_tokens", count: tokens.output, by };
    tokens_apart(sides, &ours, sides.engine.output_tokens, "")
}

pub(super) fn prompt_tokens(sides: &Sides<'_>) -> Checked {
    let tokens = &sides.summary.tokens;
    let ours = Ours {
        what: "prompt tokens",
        code: "server_prompt_tokens",
        count: tokens.prompt,
        by: "its answers' usage",
    };
    tokens_apart(sides, &ours, sides.engine.prompt_tokens, &format!(" ({} asked for)", tokens.prompt_asked))
}

/// A number of the client's, and whose word it is.
struct Ours {
    what: &'static str,
    code: &'static str,
    count: u64,
    by: &'static str,
}

/// Requests that failed have tokens that only the server saw, and so has another part of the load: then it may have more.
fn tokens_apart(sides: &Sides<'_>, ours: &Ours, theirs: Option<f64>, asked: &str) -> Checked {
    let Ours { what, code, count, by } = *ours;
    let Some(theirs) = theirs.filter(|_| count > 0) else { return Checked::Unknown(what) };
    let off = theirs / count as f64 - 1.0;
    let same = sides.is_clean() && sides.check.whole_load;
    if off >= -TOKENS_APART && (off <= TOKENS_APART || !same) {
        let sign = if off.abs() < 1e-9 { "=".to_owned() } else { format!("and ({:+.2} %)", off * 100.0) };
        return Checked::Agrees(format!("{what} {count} {sign} {theirs:.0}{asked}"));
    }
    let meaning = if off < 0.0 {
        "so some tokens were made elsewhere, or are counted in another way"
    } else {
        "so the server did work that no answer shows: requests of others, or tokens that were generated and thrown away"
    };
    let message = format!(
        "the server counted {theirs:.0} {what} and the client, by {by}, {count}{asked} ({:+.1} %; bound {:.0} %), {meaning}",
        off * 100.0,
        TOKENS_APART * 100.0
    );
    let fact = Fact::new(sides.doubt, code, message)
        .hint("compare one request's usage with the server's log; several choices per request and speculative decoding count differently in some engines");
    Checked::Differs(fact)
}
