//! Ledgers: what was measured for a question stays, so that asking again adds to it.

use std::path::PathBuf;
use std::sync::Arc;

use super::StoreError;
use super::name::ledger_name;
use super::shelf::{Folder, Shelf, change};
use crate::document::v1::{Key, LedgerDocument};

/// Ledgers, a text for each question. A missing folder is an empty one.
#[derive(Debug, Clone)]
pub struct Ledgers {
    pub(super) shelf: Arc<dyn Shelf>,
}

impl Ledgers {
    pub fn open(folder: impl Into<PathBuf>) -> Self {
        Self { shelf: Arc::new(Folder(folder.into())) }
    }

    /// Where the evidence of a question lies, whether or not there is any.
    pub fn path(&self, key: &Key, head: &str, base: &str) -> PathBuf {
        self.shelf.path(&ledger_name(key, head, base))
    }

    /// The evidence of a question; none where nothing was gathered yet.
    pub fn find(&self, key: &Key, head: &str, base: &str) -> Result<Option<LedgerDocument>, StoreError> {
        let name = ledger_name(key, head, base);
        let text = self.shelf.read(&name)?;
        Ok(text.map(|text| LedgerDocument::from_json(&self.shelf.path(&name), &text.body)).transpose()?)
    }

    /// Writes the evidence of a question, whole or not at all. Blocks that others have added meanwhile stay.
    pub fn write(&self, ledger: &LedgerDocument) -> Result<PathBuf, StoreError> {
        let name = ledger_name(&ledger.key, &ledger.head, &ledger.base);
        let path = self.shelf.path(&name);
        change(&*self.shelf, &name, |text| {
            let stored = text.map(|text| LedgerDocument::from_json(&path, text)).transpose()?;
            let mut blocks = stored.map(|stored| stored.blocks).unwrap_or_default();
            for block in &ledger.blocks {
                if !blocks.contains(block) {
                    blocks.push(block.clone());
                }
            }
            Ok((Some(LedgerDocument { blocks, ..ledger.clone() }.to_json()), ()))
        })?;
        Ok(path)
    }

    /// Every readable ledger whose key is wanted.
    pub fn matching(&self, wanted: impl Fn(&Key) -> bool) -> Result<Vec<LedgerDocument>, StoreError> {
        let mut found = Vec::new();
        for name in self.shelf.names()? {
            // One that cannot be read is no evidence, and whoever asks its question is told.
            let text = self.shelf.read(&name).ok().flatten();
            let ledger =
                text.and_then(|text| LedgerDocument::from_json(&self.shelf.path(&name), &text.body).ok());
            found.extend(ledger.filter(|ledger| wanted(&ledger.key)));
        }
        Ok(found)
    }
}
