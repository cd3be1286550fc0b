//! GPUs of other machines, as their DCGM exporters tell of them while a level runs.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime;

use super::measure::spawn;
use crate::base::Nanos;
use crate::host::{RealClock, stand_back};
use crate::protocol::prometheus::{BODY_MAX, Page, dcgm};
use crate::telemetry::GpuCourses;
use crate::transport::{Address, Control, HttpOptions, TlsOptions};

/// Exporters renew their page once in seconds at most.
const PERIOD: Duration = Duration::from_secs(1);

/// Reads until it is told to finish.
pub(super) struct DcgmFollower {
    stop: Sender<()>,
    thread: JoinHandle<GpuCourses>,
}

impl DcgmFollower {
    /// None where there is nothing to read, or no thread left for it.
    pub(super) fn start(urls: &[String], clock: RealClock) -> Option<Self> {
        if urls.is_empty() {
            return None;
        }
        let urls = urls.to_vec();
        let (stop, stopped) = channel();
        let thread = spawn("dcgm", move || {
            stand_back();
            let mut courses = GpuCourses::default();
            let runtime = match runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => {
                    courses.notes.push(error.to_string());
                    return courses;
                }
            };
            loop {
                runtime.block_on(read(&urls, clock, &mut courses));
                if stopped.recv_timeout(PERIOD) != Err(RecvTimeoutError::Timeout) {
                    break;
                }
            }
            runtime.block_on(read(&urls, clock, &mut courses));
            courses
        });
        Some(Self { stop, thread: thread.ok()? })
    }

    /// Reads once more and ends.
    pub(super) fn finish(self) -> GpuCourses {
        drop(self.stop);
        self.thread.join().unwrap_or_default()
    }
}

/// One look at every exporter. What cannot be read is told once.
async fn read(urls: &[String], clock: RealClock, courses: &mut GpuCourses) {
    for url in urls {
        let looked = look(url).await;
        let at = clock.now();
        match looked {
            Ok(page) => {
                let gpus = dcgm(&Page::parse(&page));
                if gpus.is_empty() {
                    note(courses, format!("{url} tells of no GPU: it is no page of a DCGM exporter"));
                }
                for gpu in &gpus {
                    courses.take(at, gpu);
                }
            }
            Err(why) => note(courses, format!("the DCGM exporter at {url} could not be read: {why}")),
        }
    }
}

async fn look(url: &str) -> Result<String, String> {
    let bare = url.split(['?', '#']).next().unwrap_or(url);
    let options = HttpOptions {
        address: Address::parse(bare).map_err(|error| error.to_string())?,
        api_key: None,
        key_header: None,
        headers: Vec::new(),
        tls: TlsOptions::default(),
        connect_timeout: Nanos::from_secs(3.0),
    };
    let control = Control::new(&options).map_err(|error| error.to_string())?;
    let answer = control.page(url, BODY_MAX).await?;
    match answer.status {
        200..=299 => Ok(answer.body),
        status => Err(format!("it answered {status}")),
    }
}

fn note(courses: &mut GpuCourses, words: String) {
    if !courses.notes.contains(&words) {
        courses.notes.push(words);
    }
}
