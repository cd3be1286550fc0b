//! Buffers that outlive a response.

/// What a buffer may keep between responses: enough for usual events, little enough for ten thousand connections.
const KEPT_MAX: usize = 16 << 10;

/// Empties a buffer, and gives its memory back where a response has made it large.
pub(super) fn reset(buffer: &mut Vec<u8>) {
    buffer.clear();
    buffer.shrink_to(KEPT_MAX);
}
