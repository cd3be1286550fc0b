//! Pages of benchmarks: filtered, sorted, and each found without reading those before it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, Row as _};

use super::benchmarks::text;
use super::{Database, DatabaseError};
use crate::document::v1::service::{BenchmarkPage, StateDocument};

/// More than any screen shows; a page of them is about a megabyte.
const PAGE_MAX: u32 = 500;

/// Which benchmarks, in which order. What is none is not asked for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Wanted {
    /// Any of these; empty for all.
    pub states: Vec<StateDocument>,
    pub verdict: Option<String>,
    pub workload: Option<String>,
    pub model: Option<String>,
    pub hardware: Option<String>,
    /// A part of title, target, model or commit, in any case.
    pub text: Option<String>,
    pub sort: Sort,
    pub descending: bool,
    /// `next` of the page before.
    pub after: Option<String>,
    /// 1 to 500 on a page; what is beyond is taken for the nearest.
    pub limit: u32,
}

/// What a list is sorted by; the id decides between equals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    #[default]
    Created,
    Ended,
    Title,
    Model,
    Verdict,
}

/// Where a page ended.
#[derive(Serialize, Deserialize)]
struct Cursor {
    sort: Sort,
    descending: bool,
    value: String,
    id: String,
}

impl Sort {
    pub const ALL: [Self; 5] = [Self::Created, Self::Ended, Self::Title, Self::Model, Self::Verdict];

    /// As addresses and tables name it.
    pub fn id(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Ended => "ended",
            Self::Title => "title",
            Self::Model => "model",
            Self::Verdict => "verdict",
        }
    }
}

/// A condition that grows, with its values.
#[derive(Default)]
struct Condition {
    parts: Vec<String>,
    values: Vec<String>,
}

impl Condition {
    fn of(wanted: &Wanted) -> Self {
        let Wanted {
            states,
            verdict,
            workload,
            model,
            hardware,
            text,
            sort: _,
            descending: _,
            after: _,
            limit: _,
        } = wanted;
        let mut condition = Self::default();
        if !states.is_empty() {
            let places: Vec<String> =
                states.iter().map(|state| condition.value(state.id().to_owned())).collect();
            condition.parts.push(format!("state IN ({})", places.join(", ")));
        }
        let columns =
            [("verdict", verdict), ("workload", workload), ("model", model), ("hardware", hardware)];
        for (column, value) in columns {
            if let Some(value) = value {
                let place = condition.value(value.clone());
                condition.parts.push(format!("{column} = {place}"));
            }
        }
        if let Some(part) = text.as_ref().filter(|part| !part.is_empty()) {
            let mut pattern = part.to_lowercase();
            for special in ["\\", "%", "_"] {
                pattern = pattern.replace(special, &format!("\\{special}"));
            }
            let place = condition.value(format!("%{pattern}%"));
            condition.parts.push(format!("words LIKE {place} ESCAPE '\\'"));
        }
        condition
    }

    /// Takes a value and answers with its placeholder.
    fn value(&mut self, value: String) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }

    fn text(&self) -> String {
        if self.parts.is_empty() { String::new() } else { format!("WHERE {}", self.parts.join(" AND ")) }
    }
}

impl Database {
    /// One page of the benchmarks that are wanted.
    pub async fn list(&self, wanted: &Wanted) -> Result<BenchmarkPage, DatabaseError> {
        let failed = |error| self.failed(error);
        let mut condition = Condition::of(wanted);
        let count = format!("SELECT COUNT(*) FROM benchmarks {}", condition.text());
        let mut query = sqlx::query(AssertSqlSafe(count));
        for value in &condition.values {
            query = query.bind(value.clone());
        }
        let total: i64 = query.fetch_one(&self.reads).await.map_err(failed)?.try_get(0).map_err(failed)?;

        let (column, order, beyond) = match (wanted.sort.id(), wanted.descending) {
            (column, true) => (column, "DESC", "<"),
            (column, false) => (column, "ASC", ">"),
        };
        if let Some(after) = &wanted.after {
            let Cursor { value, id, .. } = Cursor::read(after, wanted)?;
            let (value, id) = (condition.value(value), condition.value(id));
            condition.parts.push(format!("({column}, id) {beyond} ({value}, {id})"));
        }
        let limit = wanted.limit.clamp(1, PAGE_MAX) as usize;
        // The page is cut before the documents are joined to it. One more than it holds tells whether another follows.
        let page = format!(
            "SELECT b.id, b.place, d.benchmark, r.kept FROM \
             (SELECT id, {column} AS place FROM benchmarks {} ORDER BY {column} {order}, id {order} LIMIT {}) b \
             JOIN documents d ON d.id = b.id LEFT JOIN requests r ON r.id = b.id \
             ORDER BY b.place {order}, b.id {order}",
            condition.text(),
            limit + 1
        );
        let mut query = sqlx::query(AssertSqlSafe(page));
        for value in condition.values {
            query = query.bind(value);
        }
        let rows = query.fetch_all(&self.reads).await.map_err(failed)?;
        let items = rows.iter().take(limit).map(|row| self.benchmark(row)).collect::<Result<_, _>>()?;
        let next = match rows.get(limit - 1).filter(|_| rows.len() > limit) {
            None => None,
            Some(last) => Some(
                Cursor {
                    sort: wanted.sort,
                    descending: wanted.descending,
                    value: last.try_get("place").map_err(failed)?,
                    id: last.try_get("id").map_err(failed)?,
                }
                .write(),
            ),
        };
        Ok(BenchmarkPage { items, total: total.unsigned_abs(), next })
    }
}

impl Cursor {
    fn write(&self) -> String {
        URL_SAFE_NO_PAD.encode(text(self))
    }

    /// A page goes on in the order in which it began.
    fn read(after: &str, wanted: &Wanted) -> Result<Self, DatabaseError> {
        let bytes = URL_SAFE_NO_PAD.decode(after).ok();
        let cursor: Option<Self> = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        cursor
            .filter(|cursor| cursor.sort == wanted.sort && cursor.descending == wanted.descending)
            .ok_or_else(|| DatabaseError::Cursor { value: after.to_owned() })
    }
}
