//! The words of a search's answer.

use super::{PLAIN, comment};
use crate::document::v1::{RunDocument, sample};
use crate::report::{console, html};

#[test]
fn a_search_answers_in_a_sentence_over_its_curve() {
    let run = sample::search();
    let text = console::render(&run, PLAIN);
    let top: Vec<&str> = text.split("\n\n").take(3).collect();
    insta::assert_snapshot!(top.join("\n\n"), @"
    chat · org/model-8b on h100 · seed 18446744073709551615
    target http://localhost:8000

    8 req/s is the highest rate that holds TTFT from due ≤ 500 ms for 90% of requests; 8.4 req/s does not.

      level       achieved    good           between  requests  TTFT p50      p99  TPOT p50       p99  holds
      rate=4    7.76 req/s  100.0%  96.0% and 100.0%       100    368 ms  ~533 ms   24.8 ms  ~29.5 ms  yes
      rate=8    7.76 req/s   97.5%   94.0% and 99.3%       200    368 ms  ~536 ms   24.8 ms  ~29.6 ms  yes
      rate=8.4  7.76 req/s   72.5%   65.2% and 79.0%       200    368 ms  ~536 ms   24.8 ms  ~29.6 ms  no
     between: where the true share lies; each bound is wrong with at most 5% probability
     mean E2E by level, from 3,080 ms to 3,080 ms: ▁▁▁
    ");
    assert!(text.contains("rate=8 · 200 requests"), "the level that holds is shown in full");
    let comment = comment(&run);
    insta::assert_snapshot!(comment.split("<details>").next().unwrap(), @r"
    <!-- llm-loadtest key=chat/org/model-8b/h100 -->
    ### Serving gate: chat · org/model-8b on h100
    **8 req/s is the highest rate that holds TTFT from due ≤ 500 ms for 90% of requests; 8.4 req/s does not.**

    500 requests in 2 rounds, 15 failed.

    | level | achieved | good | between | requests | TTFT p50 | p99 | TPOT p50 | p99 | holds |
    |---|--:|--:|--:|--:|--:|--:|--:|--:|---|
    | rate=4 | 7.76 req/s | 100.0% | 96.0% and 100.0% | 100 | 368 ms | \~533 ms | 24.8 ms | \~29.5 ms | yes |
    | rate=8 | 7.76 req/s | 97.5% | 94.0% and 99.3% | 200 | 368 ms | \~536 ms | 24.8 ms | \~29.6 ms | yes |
    | rate=8.4 | 7.76 req/s | 72.5% | 65.2% and 79.0% | 200 | 368 ms | \~536 ms | 24.8 ms | \~29.6 ms | no |
    ");
    insta::assert_snapshot!(crate::report::command::line(&run), @"llm-loadtest run --workload chat --server http://localhost:8000 --model org/model-8b --api chat --arrivals poisson --input-len 512 --output-len 64:128 --goodput ttft_from_due:500 --attainment 90% --search-precision 5% --search-max-levels 20 --search-budget 1800s --seed 18446744073709551615 --find-max-rate");
}

#[test]
fn every_answer_of_a_search_has_its_words() {
    let words = |outcome: &str, stopped: &str, beyond: &str| {
        let mut value = serde_json::to_value(sample::search()).unwrap();
        value["search"]["answer"]["outcome"] = outcome.into();
        value["search"]["stopped"] = stopped.into();
        value["search"]["levels"][2]["standing"] = beyond.into();
        let run: RunDocument = serde_json::from_value(value).unwrap();
        crate::report::search::sentence(&run, run.search.as_ref().unwrap())
    };
    insta::assert_snapshot!(words("found", "precise", "undecided"), @"8 req/s is the highest rate that holds TTFT from due ≤ 500 ms for 90% of requests; at 8.4 req/s it could not be told.");
    insta::assert_snapshot!(words("found", "budget", "invalid"), @"8 req/s is the highest rate that holds TTFT from due ≤ 500 ms for 90% of requests; 8.4 req/s is more than this client can make. The search's budget of 30m00s ended it early.");
    insta::assert_snapshot!(words("at_least", "levels", "held"), @"8 req/s holds TTFT from due ≤ 500 ms for 90% of requests, and nothing above it was measured. Its limit of 20 levels ended the search early.");
    insta::assert_snapshot!(words("none_holds", "idle", "missed"), @"No rate holds TTFT from due ≤ 500 ms for 90% of requests: of 8 requests of a single client on the idle server 8 were good.");
    insta::assert_snapshot!(words("none_holds", "floor", "missed"), @"No rate that was measured holds TTFT from due ≤ 500 ms for 90% of requests; the lowest was 8.4 req/s.");
    insta::assert_snapshot!(words("open", "interrupted", "undecided"), @"No rate was shown to hold TTFT from due ≤ 500 ms for 90% of requests, and none to miss it. The search was interrupted.");
}

#[test]
fn the_page_leads_with_the_load_that_holds() {
    let page = html::render(&sample::search(), None);
    assert!(page.contains("8 req/s is the highest rate that holds"));
    assert!(page.contains("At rate=8, the highest load that holds"));
}
