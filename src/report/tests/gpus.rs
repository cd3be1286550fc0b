//! GPUs in every report: one, several, many, and none.

use super::{PLAIN, comment};
use crate::document::v1::{
    CourseDocument, EnergyDocument, GpuWindowDocument, ObservedDocument, RunDocument, sample,
};
use crate::report::{console, html};

fn card(index: u32) -> GpuWindowDocument {
    let course = |mean: f64| Some(CourseDocument { mean, min: mean * 0.8, max: mean * 1.1 });
    let spent =
        |joules: f64, seconds: f64| Some(EnergyDocument { joules, seconds, source: "counter".to_owned() });
    GpuWindowDocument {
        index,
        name: "NVIDIA H100 80GB HBM3".to_owned(),
        samples: 125,
        seconds: 12.5,
        utilization: course(0.87),
        memory_used_bytes: course(61.2e9),
        memory_total_bytes: Some(85_520_809_984),
        power_w: course(512.0),
        power_limit_w: Some(700.0),
        energy: spent(6_400.0, 12.5),
        warmup_energy: spent(210.0, 0.8),
        steady_energy: spent(5_200.0, 10.0),
        temperature_c: course(61.0),
        sm_clock_mhz: course(1_755.0),
        ..GpuWindowDocument::default()
    }
}

fn seen(gpus: Vec<GpuWindowDocument>) -> RunDocument {
    let mut run = sample::run();
    let level = &mut run.levels[0];
    let notes = vec!["GPU 9 could not be read: ||<b>".to_owned()];
    level.observed = Some(ObservedDocument { gpus, engine: None, log: None, notes });
    level.values.insert("energy_per_token".to_owned(), 0.687);
    level.values.insert("tokens_per_joule".to_owned(), 1.455);
    level.values.insert("tokens_per_watt".to_owned(), 1.455);
    run
}

/// The lines of a console's report that are about GPUs.
fn table(gpus: Vec<GpuWindowDocument>) -> String {
    let text = console::render(&seen(gpus), PLAIN);
    let words = ["GPU", "Energy", "H100"];
    text.lines().filter(|line| words.iter().any(|word| line.contains(word))).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_card_is_a_row() {
    let hot = GpuWindowDocument {
        throttled: Some([("hw_thermal".to_owned(), 0.12), ("sync_boost".to_owned(), 0.001)].into()),
        mig: Some(true),
        lost: true,
        ..card(0)
    };
    insta::assert_snapshot!(table(vec![hot]), @"
    Energy: 687 mJ/token, 1.46 tokens/J, 1.46 tok/s/W, 6,400 J in the window, 5,200 J in its steady state, 210 J in the warm-up (by the hardware's counter)
     GPU                      utilisation           memory  power (peak)  limit   energy   SM clock  °C max
     0 NVIDIA H100 80GB HBM3        87.0%  61.2 of 85.5 GB   512 W (563)  700 W  6,400 J  1,760 MHz    67.1
    GPU 0: stopped answering; clocks lowered: hw_thermal 12.0%; cut into MIG instances
    GPU 9 could not be read: ||<b>
    ");
}

#[test]
fn several_cards_have_their_sum_and_many_only_that() {
    let silent = GpuWindowDocument { power_w: None, energy: None, ..card(1) };
    insta::assert_snapshot!(table(vec![card(0), silent]), @"
    Energy: 687 mJ/token, 1.46 tokens/J, 1.46 tok/s/W, 10.4 kJ in its steady state, 420 J in the warm-up (by the hardware's counter)
     GPU                        utilisation           memory  power (peak)    limit   energy   SM clock  °C max
     0 NVIDIA H100 80GB HBM3          87.0%  61.2 of 85.5 GB   512 W (563)    700 W  6,400 J  1,760 MHz    67.1
     1 NVIDIA H100 80GB HBM3          87.0%  61.2 of 85.5 GB             -    700 W        -  1,760 MHz    67.1
     2 × NVIDIA H100 80GB HBM3        87.0%    122 of 171 GB             -  1,400 W        -  1,760 MHz    67.1
    GPU 9 could not be read: ||<b>
    ");
    insta::assert_snapshot!(table((0..16).map(card).collect()), @"
    Energy: 687 mJ/token, 1.46 tokens/J, 1.46 tok/s/W, 102 kJ in the window, 83.2 kJ in its steady state, 3,360 J in the warm-up (by the hardware's counter)
     GPU                         utilisation           memory  power (peak)     limit  energy   SM clock  °C max
     16 × NVIDIA H100 80GB HBM3        87.0%  979 of 1,370 GB       8,190 W  11,200 W  102 kJ  1,760 MHz    67.1
    GPU 9 could not be read: ||<b>
    ");
}

#[test]
fn markdown_folds_them_and_html_has_a_section() {
    let run = seen(vec![card(0)]);
    let text = comment(&run);
    let fold = text.split("<details>").find(|fold| fold.contains("Hardware and server")).unwrap();
    insta::assert_snapshot!(fold, @r"
    <summary>Hardware and server</summary>

    | GPU | utilisation | memory | power (peak) | limit | energy | SM clock | °C max |
    |---|--:|--:|--:|--:|--:|--:|--:|
    | 0 NVIDIA H100 80GB HBM3 | 87.0% | 61.2 of 85.5 GB | 512 W (563) | 700 W | 6,400 J | 1,760 MHz | 67.1 |

    Energy: 687 mJ/token, 1.46 tokens/J, 1.46 tok/s/W, 6,400 J in the window, 5,200 J in its steady state, 210 J in the warm-up (by the hardware's counter)

    GPU 9 could not be read: \|\|&lt;b&gt;

    </details>
    ");
    let page = html::render(&run, None);
    assert!(
        page.contains("<h2 id=\"gpus\">Hardware and server</h2>") && page.contains("||&lt;b&gt;"),
        "{page}"
    );
}

#[test]
fn nothing_is_said_where_nothing_was_seen() {
    let run = sample::run();
    assert!(!comment(&run).contains("Hardware and server"));
    assert!(!html::render(&run, None).contains("id=\"gpus\""));
    assert!(!console::render(&run, PLAIN).contains("Energy"));
}
