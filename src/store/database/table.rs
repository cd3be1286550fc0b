//! Rows as a Parquet table: one column a field, so that a chart reads few of them.

use std::io;
use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type};
use parquet::errors::{ParquetError, Result};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use super::pack::Pipe;
use crate::document::v1::RowDocument;

/// As `requests.jsonl` names its fields, and `max_stall_ms` besides: the longest gap between two chunks.
const SCHEMA: &str = "message requests {
    required int64 index; required int32 round; required binary level (UTF8); optional binary arm (UTF8);
    required binary phase (UTF8);
    optional double due_ms; optional double sent_ms; optional double ttft_ms; optional double e2e_ms;
    required double done_ms; optional double max_stall_ms;
    optional int32 prompt_tokens_asked; optional int32 prompt_tokens; optional int32 cached_tokens;
    optional int32 output_tokens_asked; required int32 output_tokens; required binary output_tokens_source (UTF8);
    optional double server_queue_ms; optional double server_load_ms; optional double server_prefill_ms;
    optional double server_decode_ms; optional double server_total_ms;
    optional binary finish_reason (UTF8); required binary outcome (UTF8); optional int32 status;
    optional binary detail (UTF8); required int32 reconnects;
    required group chunk_ms (LIST) { repeated group list { required double element; } }
    optional group chunk_tokens (LIST) { repeated group list { required int32 element; } }
}";

/// A table that grows by groups of rows.
pub(super) struct Table<'a> {
    writer: SerializedFileWriter<Pipe<'a>>,
}

impl<'a> Table<'a> {
    pub(super) fn new(pipe: Pipe<'a>) -> io::Result<Self> {
        let schema = Arc::new(parse_message_type(SCHEMA).map_err(io::Error::other)?);
        let properties =
            WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
        let writer =
            SerializedFileWriter::new(pipe, schema, Arc::new(properties)).map_err(io::Error::other)?;
        Ok(Self { writer })
    }

    /// Writes rows as one group.
    pub(super) fn add(&mut self, rows: &[RowDocument]) -> io::Result<()> {
        let mut group = self.writer.next_row_group().map_err(io::Error::other)?;
        columns(&mut group, rows).map_err(io::Error::other)?;
        group.close().map_err(io::Error::other)?;
        Ok(())
    }

    /// Ends the table; answers with its bytes.
    pub(super) fn close(mut self) -> io::Result<u64> {
        self.writer.finish().map_err(io::Error::other)?;
        Ok(self.writer.inner().sent)
    }
}

type Group<'a, 'b> = SerializedRowGroupWriter<'a, Pipe<'b>>;

/// In the order of the schema.
fn columns(group: &mut Group<'_, '_>, rows: &[RowDocument]) -> Result<()> {
    required::<Int64Type>(group, rows.iter().map(|row| row.index.cast_signed()))?;
    required::<Int32Type>(group, rows.iter().map(|row| row.round.cast_signed()))?;
    required::<ByteArrayType>(group, rows.iter().map(|row| word(&row.level)))?;
    optional::<ByteArrayType>(group, rows.iter().map(|row| row.arm.as_deref().map(word)))?;
    required::<ByteArrayType>(group, rows.iter().map(|row| word(&row.phase)))?;
    optional::<DoubleType>(group, rows.iter().map(|row| row.due_ms))?;
    optional::<DoubleType>(group, rows.iter().map(|row| row.sent_ms))?;
    optional::<DoubleType>(group, rows.iter().map(|row| row.ttft_ms))?;
    optional::<DoubleType>(group, rows.iter().map(|row| row.e2e_ms))?;
    required::<DoubleType>(group, rows.iter().map(|row| row.done_ms))?;
    optional::<DoubleType>(group, rows.iter().map(max_stall))?;
    let count = |tokens: Option<u32>| tokens.map(u32::cast_signed);
    optional::<Int32Type>(group, rows.iter().map(|row| count(row.tokens.prompt_asked)))?;
    optional::<Int32Type>(group, rows.iter().map(|row| count(row.tokens.prompt)))?;
    optional::<Int32Type>(group, rows.iter().map(|row| count(row.tokens.cached)))?;
    optional::<Int32Type>(group, rows.iter().map(|row| count(row.tokens.output_asked)))?;
    required::<Int32Type>(group, rows.iter().map(|row| row.tokens.output.cast_signed()))?;
    required::<ByteArrayType>(group, rows.iter().map(|row| word(&row.tokens.source)))?;
    let server = |row: &RowDocument| row.server_ms.clone();
    optional::<DoubleType>(group, rows.iter().map(|row| server(row)?.queue))?;
    optional::<DoubleType>(group, rows.iter().map(|row| server(row)?.load))?;
    optional::<DoubleType>(group, rows.iter().map(|row| server(row)?.prefill))?;
    optional::<DoubleType>(group, rows.iter().map(|row| server(row)?.decode))?;
    optional::<DoubleType>(group, rows.iter().map(|row| server(row)?.total))?;
    optional::<ByteArrayType>(group, rows.iter().map(|row| row.finish_reason.as_deref().map(word)))?;
    required::<ByteArrayType>(group, rows.iter().map(|row| word(&row.outcome)))?;
    optional::<Int32Type>(group, rows.iter().map(|row| row.status.map(i32::from)))?;
    optional::<ByteArrayType>(group, rows.iter().map(|row| row.detail.as_deref().map(word)))?;
    required::<Int32Type>(group, rows.iter().map(|row| row.reconnects.cast_signed()))?;
    lists::<DoubleType>(group, rows.iter().map(|row| Some(row.chunk_ms.clone())), false)?;
    let tokens = |row: &RowDocument| {
        let tokens = row.chunk_tokens.as_ref()?;
        Some(tokens.iter().map(|count| count.cast_signed()).collect())
    };
    lists::<Int32Type>(group, rows.iter().map(tokens), true)
}

fn word(text: impl AsRef<str>) -> ByteArray {
    text.as_ref().into()
}

fn max_stall(row: &RowDocument) -> Option<f64> {
    row.chunk_ms.windows(2).map(|pair| ((pair[1] - pair[0]) * 1e3).round() / 1e3).reduce(f64::max)
}

fn required<T: DataType>(group: &mut Group<'_, '_>, values: impl Iterator<Item = T::T>) -> Result<()> {
    let values: Vec<T::T> = values.collect();
    write::<T>(group, &values, None, None)
}

fn optional<T: DataType>(
    group: &mut Group<'_, '_>,
    values: impl Iterator<Item = Option<T::T>>,
) -> Result<()> {
    let values: Vec<Option<T::T>> = values.collect();
    let there: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
    let values: Vec<T::T> = values.into_iter().flatten().collect();
    write::<T>(group, &values, Some(&there), None)
}

/// Lists in the levels of Dremel: how deep a value is defined, and whether it goes on with a list.
fn lists<T: DataType>(
    group: &mut Group<'_, '_>,
    lists: impl Iterator<Item = Option<Vec<T::T>>>,
    nullable: bool,
) -> Result<()> {
    let (mut values, mut depths, mut goes_on) = (Vec::new(), Vec::new(), Vec::new());
    let empty = i16::from(nullable);
    for list in lists {
        match list {
            Some(list) if !list.is_empty() => {
                goes_on.extend((0..list.len()).map(|at| i16::from(at > 0)));
                depths.extend(list.iter().map(|_| empty + 1));
                values.extend(list);
            }
            nothing => {
                goes_on.push(0);
                depths.push(if nothing.is_some() { empty } else { 0 });
            }
        }
    }
    write::<T>(group, &values, Some(&depths), Some(&goes_on))
}

fn write<T: DataType>(
    group: &mut Group<'_, '_>,
    values: &[T::T],
    depths: Option<&[i16]>,
    goes_on: Option<&[i16]>,
) -> Result<()> {
    let Some(mut column) = group.next_column()? else {
        return Err(ParquetError::General("there are more columns than the schema has".to_owned()));
    };
    column.typed::<T>().write_batch(values, depths, goes_on)?;
    column.close()
}
