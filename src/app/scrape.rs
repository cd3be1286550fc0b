//! The server's own metrics around one level: read between warm-up and window, once a second within it, and after its last row.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, sleep_until};

use super::error::AppError;
use super::measure::{lost, spawn};
use crate::base::Nanos;
use crate::config::MetricsSource;
use crate::host::stand_back;
use crate::protocol::Adapter;
use crate::protocol::prometheus::{BODY_MAX, GaugeSample, Gauges, Page, Reading, Track, reading, window};
use crate::record::EngineWindow;
use crate::transport::{Address, Control, HttpOptions, TlsOptions};

/// Between two readings of the gauges: often enough for a course, seldom enough for a page that takes a server time to render.
const EVERY: Duration = Duration::from_secs(1);
/// The first one stands for the first second.
const FIRST: Duration = Duration::from_millis(500);
/// Counters that move when a request ends do so a moment after its last byte: they are read until nothing moves, or for as long
/// as this.
const SETTLE: Duration = Duration::from_secs(2);
const SETTLE_STEP: Duration = Duration::from_millis(50);
/// The engine waits no longer than this for the first reading; a page has three seconds to answer.
const PATIENCE: Duration = Duration::from_secs(6);

/// Whose pages are read.
pub(super) struct Watched<'a> {
    pub(super) source: &'a MetricsSource,
    /// The engine, where it is known: some have their page in a place of their own.
    pub(super) adapter: Option<Adapter>,
    pub(super) servers: &'a [HttpOptions],
    /// The only model that is asked, so that others' numbers can be left out; none where there are several.
    pub(super) model: Option<&'a str>,
}

/// Reads on a thread of its own, from before the warm-up to the end of the level.
pub(super) struct Scraper {
    thread: JoinHandle<Scraped>,
    end: oneshot::Sender<()>,
}

/// What the server said of its window, or why it said nothing.
#[derive(Debug, Default)]
pub(super) struct Scraped {
    pub(super) engine: Option<EngineWindow>,
    pub(super) notes: Vec<String>,
}

/// Where the engine waits between warm-up and window for the first reading.
pub(super) struct Doorstep {
    warm: Option<oneshot::Sender<()>>,
    ready: Receiver<()>,
}

impl Doorstep {
    /// Tells that nothing is in flight any more, and waits until the counters were read. Only the first call does anything.
    pub(super) fn wait(&mut self) {
        if let Some(warm) = self.warm.take()
            && warm.send(()).is_ok()
        {
            // A page that does not answer in time is told of at the end.
            let _late = self.ready.recv_timeout(PATIENCE);
        }
    }
}

impl Scraper {
    pub(super) fn start(watched: &Watched<'_>) -> Result<(Self, Doorstep), AppError> {
        let wanted = wanted(watched);
        let model = watched.model.map(str::to_owned);
        let (warm, warmed) = oneshot::channel();
        let (tell_ready, ready) = sync_channel(1);
        let (end, ended) = oneshot::channel();
        let thread = spawn("scrape", move || {
            stand_back();
            let places = match wanted {
                Ok(places) => places,
                Err(why) => return Scraped { engine: None, notes: vec![why] },
            };
            match runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime.block_on(watch(places, model, (warmed, tell_ready), ended)),
                Err(error) => Scraped { engine: None, notes: vec![error.to_string()] },
            }
        })?;
        Ok((Self { thread, end }, Doorstep { warm: Some(warm), ready }))
    }

    /// Reads once more, when the level's last row is there.
    pub(super) fn finish(self) -> Result<Scraped, AppError> {
        // It may have ended long ago for want of a page.
        let _gone = self.end.send(());
        self.thread.join().map_err(|_| lost("reading the server's metrics"))
    }
}

/// Pages of which one is a server's.
struct Place {
    urls: Vec<String>,
    options: HttpOptions,
}

/// The places to look at, one for each server or each named page; the error is a line on why there are none.
fn wanted(watched: &Watched<'_>) -> Result<Vec<Place>, String> {
    match watched.source {
        MetricsSource::Off => Err("they are turned off (--no-server-metrics)".to_owned()),
        MetricsSource::Pages(pages) => pages
            .iter()
            .map(|url| {
                let options = named(url, watched.servers)?;
                Ok(Place { urls: vec![url.clone()], options })
            })
            .collect(),
        MetricsSource::Auto => Ok(watched
            .servers
            .iter()
            .map(|options| Place { urls: usual(&options.address, watched.adapter), options: options.clone() })
            .collect()),
    }
}

/// How to reach a page that was named: keys and headers of a server go nowhere but to that server.
fn named(url: &str, servers: &[HttpOptions]) -> Result<HttpOptions, String> {
    let bare = url.split(['?', '#']).next().unwrap_or(url);
    let address = Address::parse(bare).map_err(|error| error.to_string())?;
    let same = |server: &&HttpOptions| {
        server.address.authority() == address.authority() && server.address.tls == address.tls
    };
    Ok(match servers.iter().find(same) {
        Some(server) => server.clone(),
        None => HttpOptions {
            address,
            api_key: None,
            key_header: None,
            headers: Vec::new(),
            tls: servers.first().map_or_else(TlsOptions::default, |server| server.tls.clone()),
            connect_timeout: Nanos::from_secs(3.0),
        },
    })
}

/// Where engines have their pages, the likeliest first.
fn usual(address: &Address, adapter: Option<Adapter>) -> Vec<String> {
    if let Some(Adapter::Ollama | Adapter::Anthropic | Adapter::OpenAi | Adapter::Transformers) = adapter {
        return Vec::new();
    }
    let base = address.url();
    let paths = match adapter {
        // What it has on /metrics is JSON.
        Some(Adapter::TrtLlm) => ["/prometheus/metrics", "/metrics", "/v1/metrics"],
        Some(Adapter::Nim) => ["/v1/metrics", "/metrics", "/prometheus/metrics"],
        _ => ["/metrics", "/v1/metrics", "/prometheus/metrics"],
    };
    let triton = (adapter == Some(Adapter::Triton)).then(|| format!("http://{}:8002/metrics", address.host));
    triton.into_iter().chain(paths.map(|path| format!("{base}{path}"))).collect()
}

/// A page that was found.
struct Source {
    control: Control,
    url: String,
    model: Option<String>,
}

impl Source {
    async fn read(&self) -> Result<Reading, String> {
        let answer = self.control.page(&self.url, BODY_MAX).await;
        let answer = answer.map_err(|why| format!("{}: {why}", self.url))?;
        if !(200..300).contains(&answer.status) {
            return Err(format!("{} answered {}", self.url, answer.status));
        }
        reading(&Page::parse(&answer.body), self.model.as_deref())
            .ok_or_else(|| format!("{} has no metrics of an engine that is known here", self.url))
    }
}

async fn watch(
    places: Vec<Place>,
    model: Option<String>,
    (warmed, ready): (oneshot::Receiver<()>, SyncSender<()>),
    mut ended: oneshot::Receiver<()>,
) -> Scraped {
    let sources = match find(places, model).await {
        Ok(sources) => sources,
        Err(why) => return Scraped { engine: None, notes: vec![why] },
    };
    if warmed.await.is_err() {
        return Scraped::default();
    }
    let first = settled(&sources).await;
    // The engine has given up waiting only if it has waited too long; the window is then a little longer than its readings.
    let _gone = ready.try_send(());
    let mut tracks: Vec<Track> = match first {
        Ok(readings) => readings.into_iter().map(Track::new).collect(),
        Err(why) => return Scraped { engine: None, notes: vec![why] },
    };
    let began = Instant::now();
    let mut samples = Vec::new();
    let mut next = began + FIRST;
    loop {
        tokio::select! {
            _ = &mut ended => break,
            () = sleep_until(next) => {}
        }
        // A page that fails once is asked again a second later.
        if let Ok(readings) = read_all(&sources).await {
            let at = began.elapsed().as_secs_f64();
            keep(&mut tracks, readings, Some((at, &mut samples)));
        }
        next = (next + EVERY).max(Instant::now());
    }
    let seconds = began.elapsed().as_secs_f64();
    match settled(&sources).await {
        Ok(readings) => keep(&mut tracks, readings, None),
        Err(why) => return Scraped { engine: None, notes: vec![format!("at the end of the level, {why}")] },
    }
    Scraped { engine: window(&tracks, &samples, seconds), notes: Vec::new() }
}

/// Eleven hours of readings; beyond them the course of the gauges stands.
const SAMPLES_MAX: usize = 40_000;

fn keep(tracks: &mut [Track], readings: Vec<Reading>, sample: Option<(f64, &mut Vec<GaugeSample>)>) {
    if let Some((at, samples)) = sample.filter(|(_, samples)| samples.len() < SAMPLES_MAX) {
        let gauges: Vec<Gauges> = readings.iter().map(|reading| reading.gauges).collect();
        samples.push(GaugeSample { at, gauges: Gauges::together(&gauges) });
    }
    for (track, reading) in tracks.iter_mut().zip(readings) {
        track.take(reading);
    }
}

/// The first page of each place that has an engine's metrics; the error is why one has none.
async fn find(places: Vec<Place>, model: Option<String>) -> Result<Vec<Arc<Source>>, String> {
    let mut sources = Vec::new();
    for Place { urls, options } in places {
        sources.push(Arc::new(first_page(urls, &options, model.as_deref()).await?));
    }
    Ok(sources)
}

async fn first_page(urls: Vec<String>, options: &HttpOptions, model: Option<&str>) -> Result<Source, String> {
    let control = Control::new(options).map_err(|error| error.to_string())?;
    let mut source = Source { control, url: String::new(), model: model.map(str::to_owned) };
    let mut tried = Vec::new();
    for url in urls {
        source.url = url;
        match source.read().await {
            Ok(_) => return Ok(source),
            Err(why) => tried.push(why),
        }
    }
    Err(match tried.as_slice() {
        [] => "this engine exports no metrics".to_owned(),
        tried => format!("no metrics of the server's own: {}", tried.join(", ")),
    })
}

/// All pages at about the same time; the error is that of the first that failed.
async fn read_all(sources: &[Arc<Source>]) -> Result<Vec<Reading>, String> {
    let asked: Vec<_> = sources
        .iter()
        .map(|source| {
            let source = Arc::clone(source);
            tokio::spawn(async move { source.read().await })
        })
        .collect();
    let mut readings = Vec::with_capacity(asked.len());
    for answer in asked {
        readings.push(answer.await.map_err(|error| error.to_string())??);
    }
    Ok(readings)
}

/// Readings that no longer move, or the last ones when there is no more time for that.
async fn settled(sources: &[Arc<Source>]) -> Result<Vec<Reading>, String> {
    let until = Instant::now() + SETTLE;
    let mut before = read_all(sources).await;
    loop {
        sleep(SETTLE_STEP).await;
        let now = read_all(sources).await;
        let still = matches!((&before, &now), (Ok(before), Ok(now)) if are_still(before, now));
        if still || Instant::now() >= until {
            return now;
        }
        before = now;
    }
}

/// Nothing was counted in between, and nothing is under way.
fn are_still(before: &[Reading], now: &[Reading]) -> bool {
    let idle = |reading: &Reading| reading.gauges.running.is_none_or(|running| running < 0.5);
    before.iter().zip(now).all(|(before, now)| before.counts == now.counts && idle(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(url: &str) -> HttpOptions {
        HttpOptions {
            address: Address::parse(url).unwrap(),
            api_key: Some(crate::base::Secret::new("key")),
            key_header: None,
            headers: vec![("X-Tenant".to_owned(), "blue".to_owned())],
            tls: TlsOptions::default(),
            connect_timeout: Nanos::from_secs(1.0),
        }
    }

    #[test]
    fn keys_and_headers_go_to_their_own_server_alone() {
        let servers = [server("http://llm.example:8000/v1")];
        let sent = |url: &str| {
            let options = named(url, &servers).unwrap();
            (options.api_key.is_some(), options.headers.len())
        };
        assert_eq!(sent("http://llm.example:8000/metrics"), (true, 1));
        for other in [
            "http://llm.example:8002/metrics",
            "https://llm.example:8000/metrics",
            "http://dcgm:9400/metrics",
        ] {
            assert_eq!(sent(other), (false, 0), "{other}");
        }
    }

    #[test]
    fn engines_with_a_place_of_their_own_are_asked_there_first() {
        let address = Address::parse("http://llm.example:8000").unwrap();
        let first = |adapter| usual(&address, adapter).remove(0);
        assert_eq!(first(None), "http://llm.example:8000/metrics");
        assert_eq!(first(Some(Adapter::TrtLlm)), "http://llm.example:8000/prometheus/metrics");
        assert_eq!(first(Some(Adapter::Triton)), "http://llm.example:8002/metrics");
        assert_eq!(first(Some(Adapter::Nim)), "http://llm.example:8000/v1/metrics");
    }
}
