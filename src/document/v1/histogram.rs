//! Histograms as text: `HdrHistogram` V2, deflated, base64, which its ports in other languages read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer};

#[expect(clippy::expect_used, reason = "a Vec takes every byte, and counts of samples stay under i64::MAX")]
pub(super) fn encode(histogram: &Histogram<u64>) -> String {
    let mut bytes = Vec::new();
    V2DeflateSerializer::new().serialize(histogram, &mut bytes).expect("writing a histogram to memory");
    STANDARD.encode(bytes)
}

/// The histogram again, or what is wrong with the text.
pub(super) fn decode(text: &str) -> Result<Histogram<u64>, String> {
    let bytes = STANDARD.decode(text).map_err(|error| error.to_string())?;
    Deserializer::new().deserialize(&mut bytes.as_slice()).map_err(|error| error.to_string())
}

/// All samples of several histograms in one; none when there is nothing to merge or a text cannot be read.
pub(super) fn merge<'a>(texts: impl Iterator<Item = &'a str>) -> Option<Histogram<u64>> {
    let mut all: Option<Histogram<u64>> = None;
    for text in texts {
        let mut part = decode(text).ok()?;
        match &mut all {
            None => {
                part.auto(true);
                all = Some(part);
            }
            Some(all) => all.add(&part).ok()?,
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn merging_the_texts_equals_recording_all(parts in prop::collection::vec(prop::collection::vec(1_u64..1_000_000, 1..50), 1..4)) {
            let record = |values: &[u64]| {
                let mut histogram = Histogram::<u64>::new(3).unwrap();
                for value in values {
                    histogram.record(*value).unwrap();
                }
                histogram
            };
            let texts: Vec<String> = parts.iter().map(|part| encode(&record(part))).collect();
            prop_assert_eq!(merge(texts.iter().map(String::as_str)).unwrap(), record(&parts.concat()));
        }
    }

    #[test]
    fn damage_is_an_error_not_a_panic() {
        assert!(decode("not base64!").is_err());
        assert!(decode("AAAA").is_err());
        assert!(merge(std::iter::empty()).is_none());
    }
}
