//! A thread that reads on in a server's log while a level runs.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use crate::base::Nanos;
use crate::host::{RealClock, stand_back};
use crate::metrics::Window;
use crate::protocol::logs::{LogReading, LogSource, log_line};
use crate::record::{Course, LogWindow};

/// A line is booked when it is seen, so this is how late it may be.
const PERIOD: Duration = Duration::from_millis(100);
/// More is not read at one look: a server that says more than this in a tenth of a second says nothing of use.
const LOOK_MAX: u64 = 4 << 20;
/// Longer lines are cut; those that are read have some 300 bytes.
const LINE_MAX: usize = 4_096;
/// Readings that are kept. When there are more, every second one goes.
const READINGS_MAX: usize = 16_384;

/// Reads on until it is told to finish. Dropping it ends the thread, too.
pub struct LogFollower {
    stop: Sender<()>,
    thread: JoinHandle<LogCourse>,
}

/// What a log said, by the instant at which it was seen.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LogCourse {
    readings: Vec<(Nanos, LogSource, LogReading)>,
    /// Why the log could not be read.
    pub note: Option<String>,
}

impl LogFollower {
    /// From the log's present end on. None where the system has no thread left for it.
    pub fn start(path: PathBuf, clock: RealClock) -> Option<Self> {
        let (stop, stopped) = channel();
        let follow = move || {
            stand_back();
            follow(&path, &stopped, clock)
        };
        let thread = Builder::new().name("log".to_owned()).spawn(follow).ok()?;
        Some(Self { stop, thread })
    }

    /// Takes a last look and ends.
    pub fn finish(self) -> LogCourse {
        drop(self.stop);
        self.thread.join().unwrap_or_default()
    }
}

impl LogCourse {
    fn add(&mut self, at: Nanos, line: &str) {
        let Some((source, reading)) = log_line(line) else { return };
        self.readings.push((at, source, reading));
        if self.readings.len() > READINGS_MAX {
            let mut keep = false;
            self.readings.retain(|_| {
                keep = !keep;
                keep
            });
        }
    }

    /// What the lines of the window say, each alike; none where there was no such line.
    pub fn window(&self, window: Window) -> Option<LogWindow> {
        let within = |at: Nanos| window.start <= at && at <= window.end;
        let seen: Vec<(LogSource, LogReading)> = self
            .readings
            .iter()
            .filter(|(at, ..)| within(*at))
            .map(|(_, source, reading)| (*source, *reading))
            .collect();
        let (source, _) = seen.first()?;
        let course = |pick: fn(&LogReading) -> Option<f64>| {
            let values: Vec<f64> = seen.iter().filter_map(|(_, reading)| pick(reading)).collect();
            (!values.is_empty()).then(|| Course {
                mean: values.iter().sum::<f64>() / values.len() as f64,
                min: values.iter().copied().fold(f64::INFINITY, f64::min),
                max: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            })
        };
        Some(LogWindow {
            source: source.id().to_owned(),
            lines: seen.len() as u64,
            prompt_throughput: course(|reading| reading.prompt_throughput),
            generation_throughput: course(|reading| reading.generation_throughput),
            request_speed: course(|reading| reading.request_speed),
            running: course(|reading| reading.running),
            waiting: course(|reading| reading.waiting),
            kv_usage: course(|reading| reading.kv_usage),
            prefix_hits: course(|reading| reading.prefix_hits),
        })
    }
}

fn follow(path: &Path, stopped: &Receiver<()>, clock: RealClock) -> LogCourse {
    let mut course = LogCourse::default();
    let mut tail = match Tail::open(path) {
        Ok(tail) => tail,
        Err(error) => {
            course.note = Some(format!("the server's log {} could not be read: {error}", path.display()));
            return course;
        }
    };
    loop {
        let ended = stopped.recv_timeout(PERIOD) != Err(RecvTimeoutError::Timeout);
        let at = clock.now();
        if let Err(error) = tail.read_on(|line| course.add(at, line)) {
            course.note = Some(format!("the server's log {} could not be read on: {error}", path.display()));
            return course;
        }
        if ended {
            return course;
        }
    }
}

/// A file of which the end is read as it grows.
struct Tail {
    file: File,
    at: u64,
    /// The line that has not ended.
    line: Vec<u8>,
}

impl Tail {
    fn open(path: &Path) -> std::io::Result<Self> {
        let mut file = File::open(path)?;
        let at = file.seek(SeekFrom::End(0))?;
        Ok(Self { file, at, line: Vec::new() })
    }

    fn read_on(&mut self, mut each: impl FnMut(&str)) -> std::io::Result<()> {
        let length = self.file.metadata()?.len();
        if length < self.at {
            // It was cut, as rotation by copying does.
            (self.at, self.line) = (0, Vec::new());
        }
        if length - self.at > LOOK_MAX {
            (self.at, self.line) = (length - LOOK_MAX, Vec::new());
        }
        self.file.seek(SeekFrom::Start(self.at))?;
        let mut bytes = Vec::new();
        self.at += (&mut self.file).take(LOOK_MAX).read_to_end(&mut bytes)? as u64;
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = LINE_MAX.saturating_sub(self.line.len());
            self.line.extend(piece.iter().take(room));
            if piece.ends_with(b"\n") {
                each(&String::from_utf8_lossy(&std::mem::take(&mut self.line)));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const LINE: &str = "Engine 000: Avg prompt throughput: 4.0 tokens/s, Avg generation throughput: 10.0 tokens/s, Running: 2 reqs, Waiting: 0 reqs\n";

    fn course_of(points: &[(f64, &str)]) -> LogCourse {
        let mut course = LogCourse::default();
        for (seconds, line) in points {
            course.add(Nanos::from_secs(*seconds), line);
        }
        course
    }

    #[test]
    fn only_lines_of_the_window_count() {
        let fast = LINE.replace("10.0", "30.0");
        let course =
            course_of(&[(0.5, LINE), (1.5, LINE), (2.0, "nothing of use"), (2.5, &fast), (3.5, LINE)]);
        let window = Window { start: Nanos::from_secs(1.0), end: Nanos::from_secs(3.0) };
        let seen = course.window(window).unwrap();
        assert_eq!((seen.source.as_str(), seen.lines), ("vllm", 2));
        assert_eq!(seen.generation_throughput, Some(Course { mean: 20.0, min: 10.0, max: 30.0 }));
        assert_eq!((seen.running.unwrap().max, seen.kv_usage), (2.0, None));
        assert_eq!(course.window(Window { start: Nanos::from_secs(9.0), end: Nanos::from_secs(10.0) }), None);
    }

    #[test]
    fn readings_are_bounded() {
        let mut course = LogCourse::default();
        for second in 0..3 * READINGS_MAX {
            course.add(Nanos::from_secs(second as f64), LINE);
        }
        assert!((READINGS_MAX / 2..=READINGS_MAX).contains(&course.readings.len()));
    }

    #[test]
    fn a_log_is_read_on_from_its_end_however_it_is_written_and_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.log");
        crate::host::files::write_atomic(&path, LINE.as_bytes()).unwrap();
        let mut tail = Tail::open(&path).unwrap();
        let mut file = File::options().append(true).open(&path).unwrap();
        let read_on = |tail: &mut Tail| {
            let mut lines = Vec::new();
            tail.read_on(|line| lines.push(line.trim_end().to_owned())).unwrap();
            lines
        };
        assert_eq!(read_on(&mut tail), Vec::<String>::new());
        file.write_all(b"one\ntw").unwrap();
        assert_eq!(read_on(&mut tail), ["one"]);
        file.write_all(b"o\n").unwrap();
        file.write_all(&vec![b'x'; 3 * LINE_MAX]).unwrap();
        file.write_all(b"\n").unwrap();
        assert_eq!(read_on(&mut tail), ["two".to_owned(), "x".repeat(LINE_MAX)]);
        file.set_len(0).unwrap();
        file.write_all(b"anew\n").unwrap();
        assert_eq!(read_on(&mut tail), ["anew"]);
    }

    #[test]
    fn a_log_that_is_not_there_is_a_note() {
        let course =
            LogFollower::start(PathBuf::from("/nowhere/server.log"), RealClock::start()).unwrap().finish();
        assert!(course.note.unwrap().contains("/nowhere/server.log could not be read"));
    }
}
