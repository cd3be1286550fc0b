//! The dashboard's files.

/// One file.
pub(super) struct Asset {
    pub(super) body: &'static [u8],
    /// Its content type.
    pub(super) kind: &'static str,
    pub(super) etag: &'static str,
}

/// The file at a path, where there is one.
pub(super) fn find(path: &str) -> Option<Asset> {
    (path == "/").then_some(Asset {
        body: b"<!doctype html><title>llm-loadtest</title><p>The API is at /api/v1/openapi.json.</p>",
        kind: "text/html; charset=utf-8",
        etag: "\"0\"",
    })
}
