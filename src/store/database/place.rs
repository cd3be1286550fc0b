//! Where a database is: its URL, checked, and what can be shown of it.

use std::fmt;
use std::path::PathBuf;

use super::DatabaseError;

/// Where everything is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    /// `sqlite:PATH` or `postgres://…`. It may hold a password.
    pub url: String,
    /// Where the rows of single requests lie: a folder, `file://`, `s3://`, `gs://` or `az://`.
    pub objects: String,
}

/// Which of the two it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Engine {
    Sqlite,
    Postgres,
}

/// A URL that names a database.
#[derive(Clone)]
pub(super) struct Address {
    pub(super) engine: Engine,
    /// What the driver takes.
    pub(super) url: String,
    /// What messages show.
    pub(super) shown: String,
    /// The file, where it is one.
    pub(super) file: Option<PathBuf>,
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, objects } = self;
        f.debug_struct("Place").field("url", &masked(url)).field("objects", &masked(objects)).finish()
    }
}

impl Engine {
    /// How a transaction that will write begins. SQLite's takes the lock at once: one that read first could not wait for it.
    pub(super) fn begin(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::Postgres => "BEGIN",
        }
    }

    /// A step of the schema in this database's words.
    pub(super) fn words(self, step: &str) -> String {
        match self {
            Self::Sqlite => step.replace("BYTES", "BLOB"),
            Self::Postgres => step.replace("BYTES", "BYTEA").replace("TEXT", "TEXT COLLATE \"C\""),
        }
    }
}

impl Address {
    pub(super) fn parse(url: &str) -> Result<Self, DatabaseError> {
        let shown = masked(url);
        let wrong = |reason: &str| DatabaseError::Url { value: shown.clone(), reason: reason.to_owned() };
        if let Some(path) = url.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() || path.contains(":memory:") {
                return Err(wrong("a file must be named"));
            }
            return Ok(Self {
                engine: Engine::Sqlite,
                url: format!("sqlite:{}?mode=rwc", escaped(path)),
                shown: shown.clone(),
                file: Some(PathBuf::from(path)),
            });
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self { engine: Engine::Postgres, url: url.to_owned(), shown, file: None });
        }
        Err(wrong("it begins with neither sqlite: nor postgres://"))
    }
}

/// The URL without passwords: neither the one before the host nor those among the parameters.
pub fn masked(url: &str) -> String {
    let (head, query) = match url.split_once('?') {
        Some((head, query)) => (head, Some(query)),
        None => (url, None),
    };
    let mut shown = head.to_owned();
    if let Some((scheme, rest)) = head.split_once("://") {
        let authority = rest.split('/').next().unwrap_or_default();
        // A password may hold an at sign that should have been escaped: what is before the last one is no host.
        let at = rest.rfind('@').filter(|at| *at < authority.len() || rest[..*at].contains(':'));
        if let Some(at) = at {
            let user = rest[..at].split(':').next().unwrap_or_default();
            let stars = if rest[..at].contains(':') { ":***" } else { "" };
            shown = format!("{scheme}://{user}{stars}@{}", &rest[at + 1..]);
        }
    }
    let Some(query) = query else { return shown };
    let parts: Vec<String> = query
        .split('&')
        .map(|part| match part.split_once('=') {
            Some((name, _)) if is_secret(name) => format!("{name}=***"),
            _ => part.to_owned(),
        })
        .collect();
    format!("{shown}?{}", parts.join("&"))
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["password", "secret", "token", "key", "sig"].iter().any(|word| name.contains(word))
}

/// What a URL would take for something else.
fn escaped(path: &str) -> String {
    let escape = |c: char| match c {
        '%' | '?' | '#' | ' ' | '\\' => format!("%{:02X}", u32::from(c)),
        _ => c.to_string(),
    };
    path.chars().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_never_shown() {
        let shown = |url: &str| masked(url);
        assert_eq!(shown("postgres://ann:s3cret@db:5432/x"), "postgres://ann:***@db:5432/x");
        assert_eq!(shown("postgres://ann:p@ss/w@db/x"), "postgres://ann:***@db/x");
        assert_eq!(shown("postgres://ann@db/x?sslmode=require"), "postgres://ann@db/x?sslmode=require");
        assert_eq!(
            shown("postgres://db/x?user=ann&password=s3cret"),
            "postgres://db/x?user=ann&password=***"
        );
        assert_eq!(shown("sqlite:a/b@c.db"), "sqlite:a/b@c.db");
        assert_eq!(shown("s3://bucket/a@b"), "s3://bucket/a@b");
        let place = Place { url: "postgres://ann:s3cret@db/x".to_owned(), objects: "objects".to_owned() };
        assert!(!format!("{place:?}").contains("s3cret"));
    }

    #[test]
    fn only_the_two_databases_have_addresses() {
        for wrong in ["", "history.db", "mysql://db", "sqlite:", "sqlite::memory:"] {
            assert!(Address::parse(wrong).is_err(), "{wrong}");
        }
        let odd = Address::parse("sqlite:/tmp/a b?c#d%.db").unwrap();
        assert_eq!(odd.url, "sqlite:/tmp/a%20b%3Fc%23d%25.db?mode=rwc");
        assert_eq!(odd.file, Some(PathBuf::from("/tmp/a b?c#d%.db")));
        assert_eq!(Address::parse("postgresql://db/x").unwrap().engine, Engine::Postgres);
    }
}
