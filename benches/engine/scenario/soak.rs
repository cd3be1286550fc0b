//! Two thousand streams for half an hour: memory, threads and sockets stay flat, and every request is accounted for.
//!
//! `MINUTES=30 cargo bench --bench engine -- soak`

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::stage::{Load, Running, Server, Subject, launch, status};
use crate::table::{head, line};

const STREAMS: u32 = 2_000;
const STEP: Duration = Duration::from_secs(10);

/// What the client may grow by over the time after its warm-up, as a share of what it holds.
const GROWTH_MAX: f64 = 0.05;

/// Files that are no streams: standard ones, epoll, outputs.
const FILES_MAX: f64 = 64.0;

/// One look at the client from outside.
#[derive(Debug, Clone, Copy)]
struct Look {
    minutes: f64,
    rss_mb: f64,
    threads: f64,
    files: f64,
}

/// Runs the soak, prints what was seen and stops where it was not flat.
pub(crate) fn run(minutes: u32) {
    let server = Server::start("--ttft 200 --itl 50 --keep false");
    let open = Some(format!("--concurrency {STREAMS} --duration {}s", minutes * 60));
    let load = Load { streams: STREAMS, requests: 0, tokens: 128, rows: false, open };
    let running = launch(Subject::Ours, &server, &load);
    let looks = watch(&running);
    let path = running.rows_path();
    let (_folder, ran) = running.end(false, false);
    let (rows, succeeded) = count(&path);
    let level = &ran.result["levels"][0];
    let offered = level["offered"].as_u64().unwrap();
    let asked = server.truth().iter().filter(|row| is_measured(&row.id)).count() as u64;
    println!(
        "\n{STREAMS} streams for {minutes} min: {offered} requests offered, {rows} rows, {} succeeded, {} failed; the server was asked {asked} times; {:.0} CPU s",
        succeeded,
        rows - succeeded,
        ran.cpu
    );
    assert_eq!(offered, rows, "a request that was offered has no row");
    assert_eq!(level["succeeded"].as_u64(), Some(succeeded), "the summary counts other successes");
    assert_eq!(asked, rows, "the server saw other requests");
    report(&looks);
}

/// Looks at the client until it ends.
fn watch(running: &Running) -> Vec<Look> {
    let (began, process) = (Instant::now(), Path::new("/proc").join(running.child.id().to_string()));
    let mut looks = Vec::new();
    let mut next = STEP;
    while running.runs() {
        std::thread::sleep(Duration::from_millis(100));
        if began.elapsed() >= next
            && let Some(rss) = status(&process, "VmRSS:")
            && let Ok(files) = std::fs::read_dir(process.join("fd"))
        {
            next += STEP;
            looks.push(Look {
                minutes: began.elapsed().as_secs_f64() / 60.0,
                rss_mb: rss / 1024.0,
                threads: status(&process, "Threads:").unwrap_or(0.0),
                files: files.count() as f64,
            });
        }
    }
    looks
}

/// Rows of the measured phase and how many of them succeeded.
fn count(path: &Path) -> (u64, u64) {
    let (mut rows, mut succeeded) = (0, 0);
    for line in BufReader::new(std::fs::File::open(path).unwrap()).lines() {
        let line = line.unwrap();
        if line.contains(r#""phase":"measure""#) {
            rows += 1;
            succeeded += u64::from(line.contains(r#""outcome":"success""#));
        }
    }
    (rows, succeeded)
}

/// Ids are TAG-ROUND-INDEX; the preflight's round is 0 and a warm-up's index begins with `w`.
fn is_measured(id: &str) -> bool {
    let mut parts = id.rsplit('-');
    parts.next().is_some_and(|index| index.parse::<u64>().is_ok()) && parts.next() != Some("0")
}

/// The looks after a warm-up of a fifth of the run, their slope, and whether it is flat.
fn report(looks: &[Look]) {
    head("The client from outside", &["minute", "RSS MB", "threads", "open files"]);
    let step = (looks.len() / 15).max(1);
    for Look { minutes, rss_mb, threads, files } in looks.iter().step_by(step) {
        line(&[format!("{minutes:.1}"), format!("{rss_mb:.1}"), threads.to_string(), files.to_string()]);
    }
    // The last look may see the client writing its result.
    let warm = &looks[looks.len() / 5..looks.len() - 1];
    assert!(warm.len() >= 3, "too short to tell: a look is taken every {STEP:?}");
    let slope = slope(warm);
    let span = warm[warm.len() - 1].minutes - warm[0].minutes;
    let mean = warm.iter().map(|look| look.rss_mb).sum::<f64>() / warm.len() as f64;
    println!(
        "\nRSS {mean:.1} MB, growing by {slope:+.3} MB/min: {:+.1} % in {span:.1} min",
        100.0 * slope * span / mean
    );
    assert!(slope * span <= GROWTH_MAX * mean, "the client's memory grows");
    let most = |of: fn(&Look) -> f64| warm.iter().map(of).fold(0.0, f64::max);
    let least = |of: fn(&Look) -> f64| warm.iter().map(of).fold(f64::INFINITY, f64::min);
    assert!(most(|look| look.threads) <= least(|look| look.threads), "threads come and go");
    assert!(most(|look| look.files) <= f64::from(STREAMS) + FILES_MAX, "sockets are left open");
}

/// Least squares: MB per minute.
fn slope(looks: &[Look]) -> f64 {
    let n = looks.len() as f64;
    let mean = |of: fn(&Look) -> f64| looks.iter().map(of).sum::<f64>() / n;
    let (x, y) = (mean(|look| look.minutes), mean(|look| look.rss_mb));
    let along: f64 = looks.iter().map(|look| (look.minutes - x) * (look.rss_mb - y)).sum();
    along / looks.iter().map(|look| (look.minutes - x).powi(2)).sum::<f64>()
}
