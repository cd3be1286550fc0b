//! A history in every form, over nights whose truth is known, over hardly any, and over text that means harm.

use super::{HOSTILE, PLAIN};
use crate::document::v1::{
    AnswerOfPairs, BaselineDocument, EffectDocument, HistoryDocument, PairedAnswer, nights,
};
use crate::report::{console, html, markdown};

fn console(history: &HistoryDocument) -> String {
    console::history::render(history, PLAIN)
}

fn comment(history: &HistoryDocument) -> String {
    markdown::history::render(history).replace('\u{200b}', "·")
}

#[test]
fn a_history_on_a_terminal() {
    insta::assert_snapshot!(console(&nights::history()), @"
    ALARM: TTFT p95 is slower since night 36 (2026-02-08, commit c035000000): +8.6%
      chat--model--h100: 40 nights, 2026-01-01 to 2026-02-12

      number             nights        now      usual        last change                     trend, newest right
      TTFT p95               40     485 ms     480 ms  +8.6% at night 36  ▇██▇██▇██│▁▂▁▁▂▂▂▁▁▂▂▂▂▂▁▂▂▂▂▂▂▁│▅▅▅▄▅
      TPOT p95               40    29.1 ms    29.1 ms                  -  ▄▄▃▄▅▃▅▄▃▄▅▄▅▃▂▄▅▅▃▃▅▅▄▄▅▄▄▅▆▅▆▇▄▃▆▃▂▄
      E2E p95                40   3,590 ms   3,590 ms                  -  ▄▄▃▄▅▃▅▄▃▄▅▄▅▃▂▄▅▅▃▃▅▅▄▄▅▄▄▅▆▅▆▇▄▃▆▃▂▄
      Output throughput      40  744 tok/s  745 tok/s                  -  ▄▄▃▄▅▃▅▄▃▄▅▄▅▃▂▄▅▅▃▃▅▅▄▄▅▄▄▅▆▅▆▇▄▃▆▃▂▄
      Goodput                40      87.0%      87.0%                  -  ▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅

    alarm: TTFT p95 is slower since night 36 (2026-02-08, commit c035000000): +8.6%; last good night 35 (2026-02-07, commit c034000000). It needs a paired confirmation

    change: TTFT p95 +8.6% (slower) from night 36 (2026-02-08, commit c035000000) on, last before night 35 (2026-02-07, commit c034000000); confidence 99.8%
    change: TTFT p95 -14.7% (faster) from night 14 (2026-01-14, commit c013000000) on, last before night 13 (2026-01-13, commit c012000000); confidence 99.9%

    Next: Serve the last good build beside tonight's: llm-loadtest history --confirm --baseline-server URL --server URL.
    ");
}

#[test]
fn a_history_as_a_comment() {
    let text = comment(&nights::history());
    let (words, chart) = text.split_once("<details").unwrap();
    insta::assert_snapshot!(words, @"
    ### ❌ Nightly history of 'chat--model--h100': TTFT p95 is slower since night 36 (2026-02-08, commit c035000000): +8.6%
    **Next:** Serve the last good build beside tonight's: llm-loadtest history --confirm --baseline-server URL --server URL.

    40 nights, 2026-01-01 to 2026-02-12 of org/model-8b on h100

    | number | nights | now | usual | last change |
    |---|--:|--:|--:|--:|
    | TTFT p95 | 40 | 485 ms | 480 ms | +8.6% at night 36 |
    | TPOT p95 | 40 | 29.1 ms | 29.1 ms | - |
    | E2E p95 | 40 | 3,590 ms | 3,590 ms | - |
    | Output throughput | 40 | 744 tok/s | 745 tok/s | - |
    | Goodput | 40 | 87.0% | 87.0% | - |

    **Alarms**
    - TTFT p95 is slower since night 36 (2026-02-08, commit c035000000): +8.6%; last good night 35 (2026-02-07, commit c034000000). It needs a paired confirmation

    **Changes**
    - TTFT p95 +8.6% (slower) from night 36 (2026-02-08, commit c035000000) on, last before night 35 (2026-02-07, commit c034000000); confidence 99.8%
    - TTFT p95 -14.7% (faster) from night 14 (2026-01-14, commit c013000000) on, last before night 13 (2026-01-13, commit c012000000); confidence 99.9%
    ");
    let chart = chart.split("</details>").next().unwrap();
    let lines: Vec<&str> = chart.lines().map(|line| line.split(" [").next().unwrap()).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
     open><summary>TTFT p95, night by night</summary>

    ```mermaid
    %%{init: {"themeVariables": {"xyChart": {"plotColorPalette": "steelblue, chocolate"}}}}%%
    xychart-beta
        title "TTFT p95, c=32"
        x-axis "night" 1 --> 40
        y-axis "ms" 428.33 --> 530.31
        line
        line
    ```
    "#);
    let points = |line: &str| line.split(", ").count();
    assert!(chart.lines().filter(|line| line.contains("line [")).all(|line| points(line) == 40), "{chart}");
}

#[test]
fn a_history_as_a_page() {
    let text = html::history::render(&nights::history());
    for part in [
        "<span class=\"badge bad\">ALARM</span>TTFT p95 is slower since night 36",
        "<li class=\"info\"><b>better</b> TTFT p95 -1",
        "class=\"dots dots level bad\"",
        "aria-label=\"TTFT p95, median of the night over night. TTFT p95 is slower since night 36",
        "% c013000</text>",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert_eq!(text.matches("<figure>").count(), nights::history().trends.len());
    assert!(!text.contains("<script") && text.len() < 60_000);
}

#[test]
fn an_alarm_is_confirmed_refuted_or_left_open() {
    let words = |answer: AnswerOfPairs, effect: Option<EffectDocument>| {
        let mut history = nights::history();
        let alarms = history.trends.iter_mut().filter_map(|trend| trend.alarm.as_mut());
        for alarm in alarms {
            alarm.pairs = Some(PairedAnswer { answer, effect });
        }
        let text = console(&history);
        let lines = text.lines().filter(|line| line.starts_with("alarm: ") || line.starts_with("Next: "));
        let head = text.lines().next().unwrap().split(':').next().unwrap();
        let lines = lines.map(|line| line.split(". ").last().unwrap());
        [head].into_iter().chain(lines).collect::<Vec<_>>().join("\n")
    };
    let effect = EffectDocument { change: 0.083, low: Some(0.06), high: None, absolute: false };
    let all = [
        words(AnswerOfPairs::Confirmed, Some(effect)),
        words(AnswerOfPairs::Refuted, Some(EffectDocument { change: 0.001, ..effect })),
        words(AnswerOfPairs::Undecided, None),
    ];
    insta::assert_snapshot!(all.join("\n\n"), @"
    ALARM
    Confirmed in pairs of both builds: +8.3% [+6.0%, ?]
    Next: Find the commit: llm-loadtest bisect --good c034000000 --bad c039000000 --run COMMAND.

    ENVIRONMENT
    Refuted in pairs of both builds: +0.1% [+6.0%, ?]; the environment changed, not the server
    Next: Look at what else changed: machine, driver, neighbours, data.

    ALARM
    Pairs of both builds could not decide
    Next: Confirm again with more pairs (--rounds 12,20) or on a quieter machine.
    ");
}

/// Histories with hardly anything in them.
fn thin() -> Vec<HistoryDocument> {
    let all = nights::baseline();
    let with = |count: usize, change: &dyn Fn(&mut BaselineDocument)| {
        let mut baseline = all.clone();
        baseline.sessions.truncate(count);
        change(&mut baseline);
        nights::history_of(&baseline)
    };
    let zero = |baseline: &mut BaselineDocument| {
        let levels = baseline.sessions.iter_mut().flat_map(|session| &mut session.levels);
        for round in levels.flat_map(|level| &mut level.rounds) {
            round.values.values_mut().for_each(|value| *value = 0.0);
        }
    };
    let gaps = |baseline: &mut BaselineDocument| {
        for session in baseline.sessions.iter_mut().step_by(3) {
            session.levels.clear();
        }
    };
    vec![
        with(0, &|_| {}),
        with(1, &|_| {}),
        with(2, &|_| {}),
        with(40, &zero),
        with(40, &gaps),
        with(3, &|baseline| baseline.sessions[1].levels[0].rounds.clear()),
    ]
}

#[test]
fn hardly_any_nights_are_no_alarm() {
    let heads: Vec<String> =
        thin().iter().map(|history| console(history).lines().next().unwrap().to_owned()).collect();
    insta::assert_snapshot!(heads.join("\n"), @"
    TOO FEW NIGHTS: 0 nights stored, and none of the numbers asked for
    TOO FEW NIGHTS: 1 night stored, 13 more needed before there can be an alarm
    TOO FEW NIGHTS: 2 nights stored, 12 more needed before there can be an alarm
    STEADY: 1 number over 40 nights, none worse than usual tonight
    ALARM: TTFT p95 is slower since night 36 (2026-02-08, commit c035000000): +8.6%
    TOO FEW NIGHTS: 3 nights stored, 12 more needed before there can be an alarm
    ");
    for history in thin() {
        let (comment, page) = (comment(&history), html::history::render(&history));
        assert!(!comment.contains("NaN") && !comment.contains("inf"), "{comment}");
        assert!(!page.contains("NaN") && !page.contains("inf ") && !page.contains("inf\""));
    }
}

#[test]
fn foreign_text_in_a_history_stays_text() {
    let mut history = nights::history();
    let bad = || HOSTILE.to_owned();
    history.name = bad();
    history.tool = bad();
    history.created = bad();
    history.key.workload = bad();
    history.key.model = bad();
    history.key.hardware = bad();
    for night in &mut history.nights {
        (night.id, night.created, night.commit) = (bad(), bad(), Some(bad()));
    }
    for trend in &mut history.trends {
        trend.level = bad();
    }
    history.trends[1].level = "\"]\n  line [1]\n```\n</details><script>".repeat(9);
    history.trends[2].metric = bad();
    let page = html::history::render(&history);
    assert!(!page.contains("<img") && !page.contains("<script") && !page.contains('\u{1b}'), "{page}");
    let comment = markdown::history::render(&history);
    assert!(
        !comment.contains("<img") && !comment.contains("@octocat") && !comment.contains('\u{1b}'),
        "{comment}"
    );
    assert!(!comment.contains("<script"), "{comment}");
    assert_eq!(comment.matches("<details").count(), comment.matches("</details>").count());
    assert_eq!(comment.matches("```").count() % 2, 0);
    let charts = comment.lines().filter(|line| line.trim_start().starts_with("title \""));
    assert!(charts.clone().count() > 0 && charts.into_iter().all(|line| line.matches('"').count() == 2));
    let text = console(&history);
    assert!(!text.contains('\u{1b}') && !text.contains('\u{0}'), "{text}");
}

#[test]
fn a_long_history_of_many_numbers_fits_a_comment() {
    let mut history = nights::history();
    let (trends, nights) = (history.trends.clone(), history.nights.clone());
    for level in 0..40 {
        history.trends.extend(trends.iter().cloned().map(|mut trend| {
            trend.level = format!("c={level}");
            trend
        }));
    }
    for trend in &mut history.trends {
        let values = trend.values.clone();
        (0..20).for_each(|_| trend.values.extend(values.clone()));
    }
    (0..20).for_each(|_| history.nights.extend(nights.clone()));
    let text = markdown::history::render(&history);
    assert!(text.chars().count() <= 60_000, "{}", text.chars().count());
    assert!(text.contains("<sub>llm-loadtest"));
}
