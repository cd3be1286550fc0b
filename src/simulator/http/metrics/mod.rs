//! `/metrics` in each engine's names, from the same counters.

mod names;

use std::fmt::{Display, Write};

use self::names::{Dialect, Family, Show, dialect};
use super::driver::Snapshot;
use crate::simulator::model::{Histogram, SimSpec};

/// Prometheus' text format of one snapshot, in the names of the engine that is worn.
pub(super) fn render(snapshot: &Snapshot, spec: &SimSpec) -> String {
    let Dialect { prefix, labels, families } = dialect(spec.engine);
    let labels = labels.replace("MODEL", &escaped(&spec.model));
    let mut page = Page { text: String::new(), prefix, labels };
    families.iter().for_each(|family| page.family(family, snapshot, spec));
    page.text
}

struct Page {
    text: String,
    prefix: &'static str,
    labels: String,
}

impl Page {
    fn family(&mut self, family: &Family, snapshot: &Snapshot, spec: &SimSpec) {
        let Family { name, help, show } = family;
        let counters = &snapshot.counters;
        match show {
            Show::Gauge(value) => {
                self.head(name, "gauge", help);
                self.line(name, "", value(snapshot, spec));
            }
            Show::Counter(total) => {
                self.head(name, "counter", help);
                self.line(name, "", total(counters));
            }
            Show::Labelled(label, totals) => {
                self.head(name, "counter", help);
                for (value, total) in *totals {
                    self.line(name, &format!("{label}=\"{value}\""), total(counters));
                }
            }
            Show::Histogram(histogram) => self.histogram(name, help, histogram(counters)),
        }
    }

    fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram) {
        self.head(name, "histogram", help);
        let bucket = format!("{name}_bucket");
        for (bound, count) in histogram.cumulative() {
            self.line(&bucket, &format!("le=\"{bound:?}\""), count);
        }
        self.line(&bucket, "le=\"+Inf\"", histogram.count());
        self.line(&format!("{name}_count"), "", histogram.count());
        self.line(&format!("{name}_sum"), "", histogram.sum());
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let prefix = self.prefix;
        self.write(format_args!("# HELP {prefix}{name} {help}\n# TYPE {prefix}{name} {kind}\n"));
    }

    fn line(&mut self, name: &str, extra: &str, value: impl Display) {
        let (prefix, labels) = (self.prefix, self.labels.clone());
        match (extra, labels.as_str()) {
            ("", "") => self.write(format_args!("{prefix}{name} {value}\n")),
            (one, "") | ("", one) => self.write(format_args!("{prefix}{name}{{{one}}} {value}\n")),
            _ => self.write(format_args!("{prefix}{name}{{{extra},{labels}}} {value}\n")),
        }
    }

    #[expect(clippy::expect_used, reason = "writing into a String cannot fail")]
    fn write(&mut self, text: std::fmt::Arguments<'_>) {
        self.text.write_fmt(text).expect("a String takes any text");
    }
}

/// A label's value may hold anything, once these three are escaped.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
