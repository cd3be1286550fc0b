//! Published measurements against the bound and the expectation. `UPDATE_DOCS=1` writes the table of docs/RECOMMEND.md.

use std::path::Path;

use crate::recommend::{
    Efficiencies, Efficiency, Gpu, KvPrecision, Lengths, Memory, Precision, Replica, Work, named,
};
use crate::report::number::{percent, significant};
use crate::stats::Series;

/// What was published.
#[derive(Clone, Copy, PartialEq)]
enum What {
    /// Output tokens per second of all GPUs, with every sequence of the batch from its first to its last token.
    Throughput,
    /// Milliseconds to the first token.
    Ttft,
}

struct Row {
    source: &'static str,
    model: &'static str,
    gpu: &'static str,
    gpus: u32,
    precision: Precision,
    kv: KvPrecision,
    /// 0 where it was not published: as many as fit, at most 2048, the engine's default.
    batch: u32,
    input: u32,
    output: u32,
    what: What,
    value: f64,
}

const TRT: &str = "T";
const H200: &str = "H";
const LMD: &str = "L";
const FAST: &str = "F";
const QWEN: &str = "Q";
const GQA: &str = "G";
const OVERVIEW: &str = "O";
/// Sources that were not used when the efficiencies were chosen.
const HELD_OUT: [&str; 3] = [H200, GQA, OVERVIEW];

type Short = (&'static str, &'static str, &'static str, u32, Precision, u32, u32, u32, f64);

#[expect(clippy::too_many_lines, reason = "a table, a line per published number")]
fn rows() -> Vec<Row> {
    use Precision::{Bf16, Fp8, Int4, Int8};
    const J: &str = "EleutherAI/gpt-j-6b";
    const L7: &str = "meta-llama/Llama-2-7b";
    const L13: &str = "meta-llama/Llama-2-13b";
    const L70: &str = "meta-llama/Llama-2-70b";
    const F180: &str = "tiiuae/falcon-180B";
    const L8: &str = "meta-llama/Llama-3.1-8B";
    const L33: &str = "meta-llama/Llama-3.3-70B";
    const L405: &str = "meta-llama/Llama-3.1-405B";
    let throughput: &[Short] = &[
        (TRT, J, "h100-sxm", 1, Fp8, 120, 128, 2048, 8_011.0),
        (TRT, J, "h100-sxm", 1, Fp8, 64, 2048, 128, 2_551.0),
        (TRT, L7, "h100-sxm", 1, Fp8, 768, 128, 128, 19_694.0),
        (TRT, L7, "h100-sxm", 1, Fp8, 112, 128, 2048, 6_818.0),
        (TRT, L7, "h100-sxm", 1, Fp8, 80, 2048, 128, 2_244.0),
        (TRT, L7, "h100-sxm", 1, Fp8, 48, 2048, 2048, 2_740.0),
        (TRT, L70, "h100-sxm", 2, Fp8, 1024, 128, 128, 2.0 * 2_657.0),
        (TRT, L70, "h100-sxm", 4, Fp8, 480, 128, 2048, 4.0 * 1_486.0),
        (TRT, L70, "h100-sxm", 2, Fp8, 96, 2048, 128, 2.0 * 306.0),
        (TRT, L70, "h100-sxm", 2, Fp8, 64, 2048, 2048, 2.0 * 547.0),
        (TRT, F180, "h100-sxm", 8, Fp8, 1024, 128, 2048, 8.0 * 724.0),
        (TRT, F180, "h100-sxm", 4, Fp8, 64, 2048, 2048, 4.0 * 264.0),
        (TRT, J, "l40s", 1, Fp8, 64, 128, 2048, 1_859.0),
        (TRT, J, "l40s", 1, Fp8, 32, 2048, 128, 616.0),
        (TRT, L7, "l40s", 1, Fp8, 64, 128, 128, 3_240.0),
        (TRT, L7, "l40s", 1, Fp8, 64, 128, 2048, 1_622.0),
        (TRT, L7, "l40s", 1, Fp8, 32, 2048, 128, 581.0),
        (TRT, L7, "l40s", 1, Fp8, 16, 2048, 2048, 531.0),
        (TRT, J, "a100-80g", 1, Bf16, 512, 128, 128, 6_374.0),
        (TRT, L7, "a100-80g", 1, Bf16, 384, 128, 128, 5_586.0),
        (TRT, L7, "a100-80g", 1, Bf16, 60, 128, 2048, 1_928.0),
        (TRT, L7, "a100-80g", 1, Bf16, 52, 2048, 128, 591.0),
        (H200, L13, "h200", 1, Fp8, 1024, 128, 128, 11_819.0),
        (H200, L13, "h200", 1, Fp8, 128, 128, 2048, 4_750.0),
        (H200, L13, "h200", 1, Fp8, 64, 2048, 128, 1_349.0),
        (H200, L70, "h200", 1, Fp8, 512, 128, 128, 3_014.0),
        (H200, L70, "h200", 2, Fp8, 512, 128, 2048, 2.0 * 1_654.0),
        (GQA, L70, "h200", 1, Fp8, 960, 128, 128, 3_803.0),
        (GQA, L70, "h200", 1, Fp8, 192, 128, 2048, 2_941.0),
        (GQA, L70, "h200", 1, Fp8, 96, 128, 4096, 1_946.0),
        (OVERVIEW, L8, "h100-sxm", 1, Fp8, 0, 128, 128, 28_312.0),
        (OVERVIEW, L8, "h100-sxm", 1, Fp8, 0, 128, 2048, 22_714.0),
        (OVERVIEW, L8, "h100-sxm", 1, Fp8, 0, 1000, 1000, 15_220.0),
        (OVERVIEW, L8, "h100-sxm", 1, Fp8, 0, 2048, 128, 3_450.0),
        (OVERVIEW, L8, "h100-sxm", 1, Fp8, 0, 2048, 2048, 9_305.0),
        (OVERVIEW, L8, "h200", 1, Fp8, 0, 1000, 1000, 17_744.0),
        (OVERVIEW, L33, "h100-sxm", 2, Fp8, 0, 128, 2048, 6_651.0),
        (OVERVIEW, L33, "h100-sxm", 2, Fp8, 0, 1000, 1000, 4_205.0),
        (OVERVIEW, L33, "h100-sxm", 2, Fp8, 0, 2048, 128, 762.0),
        (OVERVIEW, L33, "h200", 1, Fp8, 0, 128, 2048, 4_336.0),
        (OVERVIEW, L33, "h200", 1, Fp8, 0, 1000, 1000, 2_909.0),
        (OVERVIEW, L405, "h100-sxm", 8, Fp8, 0, 1000, 1000, 2_919.0),
        (OVERVIEW, L405, "h200", 8, Fp8, 0, 1000, 1000, 3_330.0),
        (LMD, L7, "a100-80g", 1, Bf16, 1, 128, 2048, 98.92),
        (LMD, L7, "a100-80g", 1, Bf16, 64, 128, 2048, 1_852.06),
        (LMD, L13, "a100-80g", 1, Bf16, 32, 128, 2048, 860.14),
        (LMD, "internlm/internlm-20b", "a100-80g", 2, Bf16, 32, 128, 2048, 1_025.62),
        (LMD, L70, "a100-80g", 4, Bf16, 1, 128, 128, 33.63),
        (LMD, L70, "a100-80g", 4, Bf16, 64, 128, 2048, 1_391.8),
        (FAST, L7, "a100-80g", 1, Bf16, 1, 5, 200, 104.9),
        (FAST, L7, "a100-80g", 1, Int8, 1, 5, 200, 155.58),
        (FAST, L7, "a100-80g", 1, Int4, 1, 5, 200, 196.8),
        (FAST, L70, "a100-80g", 2, Bf16, 1, 5, 200, 21.32),
        (FAST, L70, "a100-80g", 4, Bf16, 1, 5, 200, 38.01),
        (FAST, L70, "a100-80g", 8, Bf16, 1, 5, 200, 62.5),
        (FAST, "mistralai/Mixtral-8x7B", "a100-80g", 2, Bf16, 1, 5, 200, 96.67),
        (QWEN, "Qwen/Qwen2.5-0.5B", "a100-80g", 1, Bf16, 1, 1, 2048, 311.55),
        (QWEN, "Qwen/Qwen2.5-1.5B", "a100-80g", 1, Bf16, 1, 1, 2048, 183.33),
        (QWEN, "Qwen/Qwen2.5-7B", "a100-80g", 1, Bf16, 1, 1, 2048, 84.28),
        (QWEN, "Qwen/Qwen2.5-7B", "a100-80g", 1, Int4, 1, 1, 2048, 148.1),
        (QWEN, "Qwen/Qwen2.5-7B", "a100-80g", 1, Bf16, 1, 30_720, 2048, 70.33),
        (QWEN, "Qwen/Qwen2.5-14B", "a100-80g", 1, Bf16, 1, 1, 2048, 46.3),
    ];
    let ttft: &[Short] = &[
        (TRT, L7, "h100-sxm", 1, Fp8, 1, 2048, 1, 36.0),
        (TRT, L70, "h100-sxm", 4, Fp8, 1, 2048, 1, 109.0),
        (TRT, F180, "h100-sxm", 8, Fp8, 1, 2048, 1, 205.0),
        (TRT, L7, "l40s", 1, Fp8, 1, 2048, 1, 73.0),
        (TRT, L7, "a100-80g", 1, Bf16, 1, 2048, 1, 133.0),
        (TRT, L70, "a100-80g", 4, Bf16, 1, 2048, 1, 377.0),
        (TRT, F180, "a100-80g", 8, Bf16, 1, 2048, 1, 509.0),
        (LMD, L13, "a100-80g", 1, Bf16, 1, 2048, 1, 242.0),
    ];
    let row = |what: What| {
        move |&(source, model, gpu, gpus, precision, batch, input, output, value): &Short| Row {
            source,
            model,
            gpu,
            gpus,
            precision,
            // NVIDIA's FP8 engines keep the KV cache in FP8; the others keep it in 16 bits.
            kv: if precision == Fp8 { KvPrecision::Fp8 } else { KvPrecision::Bf16 },
            batch,
            input,
            output,
            what,
            value,
        }
    };
    throughput.iter().map(row(What::Throughput)).chain(ttft.iter().map(row(What::Ttft))).collect()
}

impl Row {
    /// The whole batch is read, then gets its tokens in steps.
    fn told(&self, efficiency: &Efficiency) -> f64 {
        let model = named(self.model).unwrap();
        let replica = Replica {
            model: &model,
            gpu: Gpu::named(self.gpu).unwrap(),
            gpus: self.gpus,
            precision: self.precision,
            kv: self.kv,
        };
        let (input, output) = (f64::from(self.input), f64::from(self.output));
        let batch = match self.batch {
            0 => Memory::of(&replica, efficiency, Lengths { input, output, patches: 0.0 })
                .sequences
                .min(2048.0),
            batch => f64::from(batch),
        };
        let reading = Work { prefill: batch * input, prefill_context: input / 2.0, ..Work::default() };
        let making = Work { decoding: batch, context: input + output / 2.0, ..Work::default() };
        let reading = replica.step(efficiency, &reading);
        match self.what {
            What::Ttft => reading * 1e3,
            What::Throughput => {
                batch * output / (reading + (output - 1.0) * replica.step(efficiency, &making))
            }
        }
    }

    /// Published over told, as a rate, so that above 1 is faster than told.
    fn speed(&self, efficiency: &Efficiency) -> f64 {
        match self.what {
            What::Throughput => self.value / self.told(efficiency),
            What::Ttft => self.told(efficiency) / self.value,
        }
    }

    fn cases(&self) -> Efficiencies {
        Efficiencies::assumed(Gpu::named(self.gpu).unwrap())
    }

    fn error(&self) -> f64 {
        self.told(&self.cases().expected) / self.value - 1.0
    }

    fn line(&self) -> String {
        let Efficiencies { bound, low, expected, high } = self.cases();
        let unit = if self.what == What::Ttft { "ms" } else { "tok/s" };
        format!(
            "| {} | {} | {} × {} | {} | {} | {}+{} | {} {unit} | {} | {} [{}, {}] | {:+.0} % |",
            self.source,
            self.model.rsplit('/').next().unwrap(),
            self.gpus,
            self.gpu,
            self.precision.id(),
            if self.batch == 0 { "fits".to_owned() } else { self.batch.to_string() },
            self.input,
            if self.what == What::Ttft { 0 } else { self.output },
            significant(self.value),
            significant(self.told(&bound)),
            significant(self.told(&expected)),
            significant(self.told(&low)),
            significant(self.told(&high)),
            self.error() * 100.0
        )
    }
}

fn median(rows: &[&Row]) -> f64 {
    Series::new(rows.iter().map(|row| row.error().abs())).unwrap().median()
}

fn summary(rows: &[Row]) -> String {
    let (held, chosen): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| HELD_OUT.contains(&row.source));
    let all: Vec<&Row> = rows.iter().collect();
    let within = rows.iter().filter(|row| {
        let cases = row.cases();
        row.speed(&cases.high) <= 1.0 && row.speed(&cases.low) >= 1.0
    });
    let mut pairs: Vec<(&str, &str)> = rows.iter().map(|row| (row.model, row.gpu)).collect();
    pairs.sort_unstable();
    pairs.dedup();
    format!(
        "{} published numbers of {} pairs of model and GPU; none is beyond its bound; {} lie between the worst and the best efficiency. \
         Median error of the expectation: {} of all, {} of the {} numbers that the efficiencies were chosen by, {} of the {} that were held out (H, G, O). \
         Largest: {}.",
        rows.len(),
        pairs.len(),
        within.count(),
        percent(median(&all)),
        percent(median(&chosen)),
        chosen.len(),
        percent(median(&held)),
        held.len(),
        percent(Series::new(rows.iter().map(|row| row.error().abs())).unwrap().quantile(1.0))
    )
}

#[test]
fn no_published_number_beats_its_bound_and_the_page_shows_them_all() {
    let rows = rows();
    for row in &rows {
        assert!(row.speed(&row.cases().bound) <= 1.0, "beyond the bound: {}", row.line());
    }
    let header = "| | Model | GPUs | Weights | Batch | Tokens | Published | Bound | Expected [worst, best] | Error |\n| --- | --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |";
    let table: Vec<String> = rows.iter().map(Row::line).collect();
    let wanted = format!("{}\n\n{header}\n{}\n", summary(&rows), table.join("\n"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/RECOMMEND.md");
    let text = crate::host::files::read_text(&path, 1 << 20).unwrap();
    let (before, rest) = text.split_once("<!-- published: begin -->\n").expect("a begin");
    let (found, after) = rest.split_once("<!-- published: end -->").expect("an end");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let new = format!("{before}<!-- published: begin -->\n{wanted}<!-- published: end -->{after}");
        crate::host::files::write_atomic(&path, new.as_bytes()).unwrap();
        return;
    }
    assert!(
        found == wanted,
        "docs/RECOMMEND.md is not what the code says: UPDATE_DOCS=1 cargo test --lib published"
    );
}

#[test]
fn the_expectation_is_near_what_was_published() {
    let rows = rows();
    let (held, chosen): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| HELD_OUT.contains(&row.source));
    assert!(median(&chosen) < 0.20, "{}", summary(&rows));
    assert!(median(&held) < 0.25, "{}", summary(&rows));
}
