//! Samples and hand-made bodies.
