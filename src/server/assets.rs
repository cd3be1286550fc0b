//! The dashboard's files, which are part of the binary. What is not in this table does not exist.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};

/// One file.
pub(super) struct Asset {
    pub(super) body: &'static [u8],
    /// Its content type.
    pub(super) kind: &'static str,
    /// Of its content, with quotes: it changes when a byte does.
    pub(super) etag: &'static str,
}

/// The file at a path of the server, where there is one: `/` is the page, `/assets/…` what it loads.
pub(super) fn find(path: &str) -> Option<Asset> {
    let name = if path == "/" { "index.html" } else { path.strip_prefix("/assets/")? };
    let at = FILES.iter().position(|(known, _)| *known == name)?;
    Some(Asset { body: FILES[at].1, kind: kind(name), etag: ETAGS.get(at)? })
}

/// Paths of text only, so that every kind is known.
fn kind(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    }
}

static ETAGS: LazyLock<Vec<String>> = LazyLock::new(|| FILES.iter().map(|(_, body)| etag(body)).collect());

fn etag(body: &[u8]) -> String {
    let digest: [u8; 32] = Sha256::digest(body).into();
    format!("\"{:016x}\"", digest.first_chunk().map_or(0, |first| u64::from_be_bytes(*first)))
}

/// Names and contents; a name is the path under the folder.
macro_rules! files {
    ($($name:literal)*) => { &[$(($name, include_bytes!(concat!("assets/", $name)))),*] };
}

const FILES: &[(&str, &[u8])] = files! {
    "api.js"
    "app.js"
    "charts/course.js"
    "charts/curve.js"
    "charts/plot.js"
    "charts/quantiles.js"
    "charts/scatter.js"
    "charts/spark.js"
    "charts/trend.js"
    "format.js"
    "i18n.js"
    "i18n/en-results.js"
    "i18n/en.js"
    "i18n/ko-results.js"
    "i18n/ko.js"
    "icon.svg"
    "index.html"
    "keys.js"
    "live.js"
    "metrics.js"
    "pages.css"
    "pages/compare.js"
    "pages/gpu.js"
    "pages/history.js"
    "pages/key.js"
    "pages/live.js"
    "pages/new.js"
    "pages/recommend.js"
    "pages/run.js"
    "pages/runs.js"
    "prefs.js"
    "result/actions.js"
    "result/latency.js"
    "result/levels.js"
    "result/over.js"
    "result/requests.js"
    "result/result.js"
    "result/server.js"
    "result/setup.js"
    "result/verdict.js"
    "shell.js"
    "style.css"
    "theme.js"
    "ui.js"
    "vendor/LICENSE-htm"
    "vendor/LICENSE-preact"
    "vendor/LICENSE-uplot"
    "vendor/README.md"
    "vendor/htm-preact.js"
    "vendor/uPlot.iife.min.js"
    "vendor/uPlot.min.css"
};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use super::*;

    fn on_disk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { on_disk(&path, found) } else { found.push(path) }
        }
    }

    fn names() -> BTreeSet<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/server/assets");
        let mut found = Vec::new();
        on_disk(&folder, &mut found);
        found.iter().map(|path| path.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn every_file_of_the_folder_is_served() {
        let served: BTreeSet<String> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(served.len(), FILES.len(), "a name stands twice");
        assert_eq!(names(), served);
    }

    #[test]
    fn a_path_is_a_name_of_the_table_or_nothing() {
        assert_eq!(find("/").unwrap().kind, "text/html; charset=utf-8");
        assert_eq!(find("/assets/app.js").unwrap().kind, "text/javascript; charset=utf-8");
        for path in
            ["", "/app.js", "/assets/", "/assets/../Cargo.toml", "/assets//app.js", "/assets/nothing.js"]
        {
            assert!(find(path).is_none(), "{path}");
        }
    }

    #[test]
    fn etags_follow_the_content() {
        assert_ne!(find("/assets/app.js").unwrap().etag, find("/assets/api.js").unwrap().etag);
        assert_ne!(etag(b"a"), etag(b"b"));
        assert!(find("/").unwrap().etag.starts_with('"'));
    }

    #[test]
    fn modules_are_small_and_say_what_they_are() {
        for (name, body) in FILES.iter().filter(|(name, _)| !name.starts_with("vendor/")) {
            let text = std::str::from_utf8(body).unwrap();
            assert!(text.lines().count() < 400, "{name}");
            if name.rsplit('.').next() == Some("js") {
                assert!(text.starts_with("// "), "{name} does not say what it is");
            }
            for forbidden in ["innerHTML", "style=\"", "eval(", "new Function", "https://", "http://"] {
                let namespace = name.rsplit('.').next() == Some("svg") && forbidden == "http://";
                assert!(namespace || !text.contains(forbidden), "{name} has {forbidden}");
            }
        }
    }
}
