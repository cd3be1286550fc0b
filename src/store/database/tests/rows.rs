//! Rows of single requests, from the file of a run to a chart.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use serde_json::{Value, json};

use super::{Stage, everywhere, kept};
use crate::document::v1::service::{PointsDocument, StateDocument};
use crate::document::v1::{RowDocument, sample};
use crate::store::{Database, DatabaseError, PointsAsk, Pruned, Retention, RowsForm};

/// Rows of one level, one a millisecond from second 5 on; every hundredth fails.
fn line(index: u64) -> String {
    let fails = index % 100 == 99;
    let row = json!({
        "index": index, "round": 1, "level": "c=32", "phase": if index < 3 { "warmup" } else { "measure" },
        "due_ms": null, "sent_ms": 5000.0 + index as f64, "ttft_ms": (!fails).then_some(10.0 + (index % 50) as f64),
        "e2e_ms": (!fails).then_some(100.0), "done_ms": 5200.0 + index as f64,
        "chunk_ms": if fails { json!([]) } else { json!([10.0, 12.5, 20.0]) },
        "chunk_tokens": (index.is_multiple_of(2) && !fails).then_some([1, 2, 3]),
        "tokens": {"prompt_asked": 512, "prompt": 510, "cached": null, "output_asked": 64, "output": 3, "source": "usage"},
        "server_ms": (index == 1).then(|| json!({"queue": 1.5})),
        "finish_reason": "stop", "outcome": if fails { "http_5xx" } else { "success" },
        "status": fails.then_some(503), "detail": fails.then_some("no \"room\""), "reconnects": 0
    });
    serde_json::from_value::<RowDocument>(row).unwrap().to_line()
}

fn file(stage: &Stage, rows: u64, torn: &str) -> PathBuf {
    let path = stage.folder.path().join("requests.jsonl");
    let text: String = (0..rows).map(line).collect();
    crate::host::files::write_atomic(&path, (text + torn).as_bytes()).unwrap();
    path
}

async fn whole(database: &Database, form: RowsForm) -> Vec<u8> {
    let pieces = database.rows("b00001", form).await.unwrap().unwrap();
    let pieces: Vec<Bytes> = pieces.try_collect().await.unwrap();
    pieces.concat()
}

fn asked(max: u32) -> PointsAsk {
    PointsAsk { level: "c=32".to_owned(), from_s: None, to_s: None, max }
}

async fn points(database: &Database, asked: &PointsAsk) -> PointsDocument {
    database.points("b00001", asked).await.unwrap().unwrap()
}

#[test]
fn rows_come_back_as_lines_as_a_table_and_one_by_one() {
    everywhere(async |stage| {
        let database = stage.open().await;
        database.insert(&kept(1, StateDocument::Finished)).await.unwrap();
        assert!(database.rows("b00001", RowsForm::Jsonl).await.unwrap().is_none());
        assert!(database.points("b00001", &asked(9)).await.unwrap().is_none());
        let path = file(&stage, 9000, "{\"index\": 9000, \"rou");
        assert_eq!(database.put_rows("b00001", &path).await.unwrap(), 9000);
        assert_eq!(database.find("b00001").await.unwrap().unwrap().benchmark.rows, Some(9000));

        let lines = whole(&database, RowsForm::Jsonl).await;
        assert_eq!(lines, (0..9000).map(line).collect::<String>().into_bytes());
        for row in [0, 1023, 1024, 8999] {
            let found = database.row("b00001", row).await.unwrap().unwrap();
            assert_eq!(found.to_line(), line(row));
        }
        assert_eq!(database.row("b00001", 9000).await.unwrap(), None);
        assert_eq!(database.row("none", 0).await.unwrap(), None);

        // The library's own reader of whole rows knows nothing of how we wrote them.
        let table =
            SerializedFileReader::new(Bytes::from(whole(&database, RowsForm::Parquet).await)).unwrap();
        let rows: Vec<Value> =
            table.get_row_iter(None).unwrap().map(|row| row.unwrap().to_json_value()).collect();
        assert_eq!(rows.len(), 9000);
        assert_eq!(
            (&rows[8998]["index"], &rows[8998]["chunk_ms"]),
            (&json!(8998), &json!([10.0, 12.5, 20.0]))
        );
        assert_eq!(
            (&rows[8998]["chunk_tokens"], &rows[8998]["max_stall_ms"]),
            (&json!([1, 2, 3]), &json!(7.5))
        );
        assert_eq!((&rows[1]["chunk_tokens"], &rows[1]["server_queue_ms"]), (&Value::Null, &json!(1.5)));
        let failed = &rows[99];
        assert_eq!(
            (&failed["chunk_ms"], &failed["ttft_ms"], &failed["status"]),
            (&json!([]), &Value::Null, &json!(503))
        );
        assert_eq!((&failed["detail"], &failed["outcome"]), (&json!("no \"room\""), &json!("http_5xx")));
    });
}

#[test]
fn objects_go_with_what_they_belong_to() {
    everywhere(async |stage| {
        let database = stage.open().await;
        database.insert(&kept(1, StateDocument::Finished)).await.unwrap();
        let path = file(&stage, 10, "");
        let missing = database.put_rows("none", &path).await.unwrap_err();
        assert!(matches!(missing, DatabaseError::Missing { .. }), "{missing}");
        assert_eq!(stage.objects(), 0);
        database.put_rows("b00001", &path).await.unwrap();
        // Again, and the earlier ones go.
        database.put_rows("b00001", &file(&stage, 20, "")).await.unwrap();
        assert_eq!((stage.objects(), database.row("b00001", 19).await.unwrap().is_some()), (2, true));

        let broken = file(&stage, 5, "{\"index\": 5}\n");
        let error = database.put_rows("b00001", &broken).await.unwrap_err();
        assert!(error.to_string().contains("requests.jsonl: line 6 is not a row"), "{error}");
        let absent = database.put_rows("b00001", Path::new("/none/requests.jsonl")).await.unwrap_err();
        assert!(absent.to_string().contains("/none/requests.jsonl"), "{absent}");
        assert_eq!((stage.objects(), database.row("b00001", 19).await.unwrap().is_some()), (2, true));

        database.insert(&kept(4, StateDocument::Finished)).await.unwrap();
        let policy = Retention { rows_days: Some(1), ..Retention::default() };
        let pruned = database.prune(&policy, "2026-01-20T00:00:00Z").await.unwrap();
        assert_eq!(pruned, Pruned { benchmarks: 0, rows: 1 });
        assert_eq!(stage.objects(), 0);
        assert_eq!(database.find("b00001").await.unwrap().unwrap().benchmark.rows, None);

        database.put_rows("b00004", &file(&stage, 20, "")).await.unwrap();
        assert!(database.delete("b00004").await.unwrap());
        assert_eq!(stage.objects(), 0);
        // No rows at all are rows, too.
        assert_eq!(database.put_rows("b00001", &file(&stage, 0, "")).await.unwrap(), 0);
        assert!(whole(&database, RowsForm::Jsonl).await.is_empty());
        assert_eq!(points(&database, &asked(9)).await.total, 0);
    });
}

#[test]
fn objects_that_are_damaged_or_gone_are_told() {
    everywhere(async |stage| {
        let database = stage.open().await;
        database.insert(&kept(1, StateDocument::Finished)).await.unwrap();
        database.put_rows("b00001", &file(&stage, 2000, "")).await.unwrap();
        let folder =
            fs::read_dir(stage.folder.path().join("objects/b00001")).unwrap().next().unwrap().unwrap().path();
        for name in ["requests.jsonl.zst", "requests.parquet"] {
            let mut bytes = fs::read(folder.join(name)).unwrap();
            let middle = bytes.len() / 2;
            bytes[4..middle].fill(0x5a);
            crate::host::files::write_atomic(&folder.join(name), &bytes).unwrap();
        }
        let row = database.row("b00001", 0).await.unwrap_err();
        assert!(matches!(row, DatabaseError::Object { .. }), "{row}");
        let chart = database.points("b00001", &asked(9)).await.unwrap_err();
        assert!(matches!(chart, DatabaseError::Object { .. }), "{chart}");
        fs::remove_dir_all(&folder).unwrap();
        let row = database.row("b00001", 0).await.unwrap_err();
        assert!(matches!(row, DatabaseError::Objects { .. }), "{row}");
        assert!(database.find("b00001").await.unwrap().is_some());
    });
}

#[test]
fn charts_get_measured_requests_since_the_windows_start() {
    everywhere(async |stage| {
        let database = stage.open().await;
        database.insert(&kept(1, StateDocument::Finished)).await.unwrap();
        database.put_rows("b00001", &file(&stage, 9000, "")).await.unwrap();
        // Without a result the first measured request begins the window.
        let all = points(&database, &asked(20_000)).await;
        assert_eq!((all.total, all.thinned, all.row.len()), (8997, false, 8997));
        assert_eq!(
            (all.row[0], all.at_s[0], all.ttft_ms[0], all.max_stall_ms[0]),
            (3, 0.0, Some(13.0), Some(7.5))
        );
        assert_eq!((all.prompt_tokens[0], all.output_tokens[0]), (Some(510), 3));
        let failed = all.row.iter().position(|row| *row == 99).unwrap();
        assert_eq!(
            (all.outcome[failed].as_str(), all.ttft_ms[failed], all.e2e_ms[failed]),
            ("http_5xx", None, Some(200.0))
        );

        let mut run = sample::run();
        run.rounds[0].levels[0].label = "c=32".to_owned();
        run.rounds[0].levels[0].window.start_s = 4.0;
        database.put_result("b00001", &run).await.unwrap();
        let span = PointsAsk { from_s: Some(1.01), to_s: Some(1.02), ..asked(100) };
        let some = points(&database, &span).await;
        assert_eq!((some.total, some.at_s[0], some.at_s[10]), (11, 1.01, 1.02));
        let other = PointsAsk { level: "c=64".to_owned(), ..asked(9) };
        assert_eq!(points(&database, &other).await.total, 0);

        let thin = points(&database, &asked(300)).await;
        assert_eq!((thin.total, thin.thinned, thin.row.len()), (8997, true, 300));
        assert_eq!(thin.outcome.iter().filter(|outcome| *outcome == "http_5xx").count(), 90);
        for extreme in [10.0, 59.0] {
            assert!(thin.ttft_ms.iter().filter(|ttft| **ttft == Some(extreme)).count() > 40, "{extreme}");
        }
        assert!(thin.at_s.is_sorted());
        assert!(thin.at_s[0] < 1.01 && thin.at_s[299] > 9.9);
        assert_eq!(points(&database, &asked(1)).await.row.len(), 1);
    });
}
