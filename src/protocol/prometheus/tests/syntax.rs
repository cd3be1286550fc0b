//! The text format's own rules, and any text at all.

use proptest::prelude::*;

use super::super::{Page, Series};

fn one(line: &str) -> Option<String> {
    let page = Page::parse(line);
    let Series { name, labels, value } = page.series.first()?;
    let labels: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    Some(format!("{name} [{}] {value}", labels.join("|")))
}

#[test]
fn lines_of_every_form_are_read() {
    let read = [
        ("up 1", "up [] 1"),
        ("vllm:x{} 1.5e3", "vllm:x [] 1500"),
        ("a{b=\"c\",d=\"\",} NaN", "a [b=c|d=] NaN"),
        ("a{le=\"+Inf\"} +Inf 1700000000000", "a [le=+Inf] inf"),
        ("a{ b = \"c\" , d=\"e\" } -1 1700000000.5", "a [b=c|d=e] -1"),
        (r#"a{p="C:\\x \"y\"\n\z, }"} 2"#, "a [p=C:\\x \"y\"\n\\z, }] 2"),
        ("a_bucket{le=\"0.1\"} 7 # {trace_id=\"x\"} 0.05 1.2", "a_bucket [le=0.1] 7"),
        ("a{b=\"c\"}3 1 # {t=\"x\"} 1", "a [b=c] 3"),
    ];
    for (line, wanted) in read {
        assert_eq!(one(line).as_deref(), Some(wanted), "{line}");
    }
}

#[test]
fn what_is_no_series_is_counted() {
    let junk = [
        "9up 1",
        "up",
        "up one",
        "a{b=\"c} 1",
        "a{b=c} 1",
        "a{=\"c\"} 1",
        "a{b=\"c\" d=\"e\"} 1",
        "{\"a\"} 1",
    ];
    for line in junk {
        assert_eq!(Page::parse(line), Page { series: Vec::new(), skipped: 1 }, "{line}");
    }
    let page = Page::parse("# HELP a b\r\n# TYPE a counter\r\na 1\r\n\r\nb two\n# EOF");
    assert_eq!((page.series.len(), page.skipped), (1, 1));
}

fn written(name: &str, labels: &[(String, String)], value: f64) -> String {
    let escape = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let labels: Vec<String> =
        labels.iter().map(|(key, text)| format!("{key}=\"{}\"", escape(text))).collect();
    format!("{name}{{{}}} {value:?}", labels.join(","))
}

proptest! {
    #[test]
    fn what_was_written_is_read(
        name in "[a-z_:][a-z0-9_:]{0,20}",
        labels in prop::collection::vec(("[a-z_][a-z0-9_]{0,8}", "[^\r]{0,12}"), 0..5),
        value in prop::num::f64::NORMAL,
    ) {
        let line = written(&name, &labels, value);
        let page = Page::parse(&line);
        prop_assert_eq!((page.series.len(), page.skipped), (1, 0));
        let Series { name: read, labels: seen, value: number } = &page.series[0];
        prop_assert_eq!((*read, *number), (name.as_str(), value));
        let seen: Vec<(String, String)> =
            seen.iter().map(|(key, text)| ((*key).to_owned(), text.to_string())).collect();
        prop_assert_eq!(seen, labels);
    }

    #[test]
    fn any_text_is_survived(text in "(?s).{0,200}") {
        let page = Page::parse(&text);
        prop_assert!(page.series.len() as u64 + page.skipped <= text.lines().count() as u64);
    }

    #[test]
    fn text_like_a_page_is_survived(text in "[a{}=\",\\\\ 1#\n+I]{0,60}") {
        let page = Page::parse(&text);
        prop_assert!(page.series.len() as u64 + page.skipped <= text.lines().count() as u64);
    }
}
