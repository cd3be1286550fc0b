//! Rows of a Parquet file, nested columns included.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use serde_json::Value;

use super::container::Take;
use super::error::shown;
use super::{Place, Problem};

/// Hands every row to `take`.
pub(super) fn each(bytes: Vec<u8>, take: Take<'_>) -> Result<(), (Place, Problem)> {
    // The decoder trusts what a file says of itself and may panic on a broken one; that is the file's fault, not a bug here.
    let read = catch_unwind(AssertUnwindSafe(|| rows(bytes, take)));
    read.unwrap_or_else(|_| Err((Place::File, broken(&"the file contradicts itself"))))
}

fn rows(bytes: Vec<u8>, take: Take<'_>) -> Result<(), (Place, Problem)> {
    let at = |place: Place| move |error: parquet::errors::ParquetError| (place, broken(&error));
    let reader = SerializedFileReader::new(Bytes::from(bytes)).map_err(at(Place::File))?;
    let rows = reader.get_row_iter(None).map_err(at(Place::File))?;
    for (number, row) in (1..).zip(rows) {
        let place = Place::Row(number);
        if let Value::Object(fields) = row.map_err(at(place))?.to_json_value() {
            take(fields).map_err(|problem| (place, problem))?;
        }
    }
    Ok(())
}

fn broken(reason: &impl ToString) -> Problem {
    Problem::Parquet { reason: shown(&reason.to_string()) }
}
