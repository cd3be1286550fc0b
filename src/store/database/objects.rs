//! Where the rows of single requests lie: a folder of this machine, or a bucket.

use std::fmt;
use std::ops::Range;
use std::path::Path as File;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{Error, ObjectStore, ObjectStoreExt as _, WriteMultipart};

use super::{DatabaseError, masked};
use crate::host::{env, files};

/// An object store, and what messages call it.
#[derive(Clone)]
pub(super) struct Objects {
    store: Arc<dyn ObjectStore>,
    shown: Arc<str>,
    /// Where it is a folder of this machine.
    folder: Option<Arc<File>>,
}

impl fmt::Debug for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Objects").field(&self.shown).finish()
    }
}

impl Objects {
    /// A folder, or a URL whose credentials come from the environment, as each cloud names them.
    pub(super) fn open(place: &str) -> Result<Self, DatabaseError> {
        let shown = masked(place);
        let wrong = |reason: String| DatabaseError::ObjectsUrl { place: shown.clone(), reason };
        let folder = match place.split_once("://") {
            None => Some(place.to_owned()),
            Some(("file", path)) => Some(path.to_owned()),
            Some(_) => None,
        };
        let store: Arc<dyn ObjectStore> = if let Some(folder) = &folder {
            if folder.is_empty() {
                return Err(wrong("a folder must be named".to_owned()));
            }
            std::fs::create_dir_all(folder).map_err(|error| wrong(error.to_string()))?;
            let store = LocalFileSystem::new_with_prefix(folder).map_err(|error| wrong(error.to_string()))?;
            Arc::new(store.with_fsync(true).with_automatic_cleanup(true))
        } else {
            let url = place.parse().map_err(|_| wrong("it is not a URL".to_owned()))?;
            let options = env::vars().into_iter().map(|(name, value)| (name.to_lowercase(), value));
            let (store, path) =
                object_store::parse_url_opts(&url, options).map_err(|error| wrong(error.to_string()))?;
            Arc::new(PrefixStore::new(store, path))
        };
        let folder = folder.map(|folder| File::new(&folder).into());
        Ok(Self { store, shown: shown.into(), folder })
    }

    /// Whether it answers. There need not be anything in it.
    pub(super) async fn ready(&self) -> Result<(), DatabaseError> {
        match self.store.head(&Path::from("ready")).await {
            Ok(_) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failed("look for", "ready", &error)),
        }
    }

    /// Begins an object that grows.
    pub(super) async fn begin(&self, name: &str) -> Result<WriteMultipart, DatabaseError> {
        let upload = self.store.put_multipart(&Path::from(name)).await;
        Ok(WriteMultipart::new(upload.map_err(|error| self.failed("write", name, &error))?))
    }

    /// A part of an object.
    pub(super) async fn part(&self, name: &str, range: Range<u64>) -> Result<Bytes, DatabaseError> {
        let read = self.store.get_range(&Path::from(name), range).await;
        read.map_err(|error| self.failed("read", name, &error))
    }

    /// Several parts of an object; those that lie close together are fetched at once.
    pub(super) async fn parts(&self, name: &str, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, DatabaseError> {
        let read = self.store.get_ranges(&Path::from(name), ranges).await;
        read.map_err(|error| self.failed("read", name, &error))
    }

    /// Removes everything in a folder; what is not there is as good as removed.
    pub(super) async fn remove(&self, folder: &str) -> Result<(), DatabaseError> {
        if let Some(root) = &self.folder {
            // Not by listing: what an upload was about to become has a name that is never listed.
            let inside = root.join(folder);
            files::remove_folder(&inside)?;
            // The benchmark's own folder goes with the last one in it.
            drop(inside.parent().map(std::fs::remove_dir));
            return Ok(());
        }
        let failed = |error: Error| self.failed("remove", folder, &error);
        let found: Vec<_> = self.store.list(Some(&Path::from(folder))).try_collect().await.map_err(failed)?;
        for object in found {
            match self.store.delete(&object.location).await {
                Ok(()) | Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(())
    }

    pub(super) fn failed(&self, action: &'static str, name: &str, error: &Error) -> DatabaseError {
        if is_full(error) {
            return DatabaseError::Full { place: self.shown.to_string() };
        }
        DatabaseError::Objects {
            action,
            name: name.to_owned(),
            place: self.shown.to_string(),
            reason: error.to_string(),
        }
    }

    pub(super) fn damaged(&self, name: &str, reason: impl fmt::Display) -> DatabaseError {
        DatabaseError::Object {
            name: name.to_owned(),
            place: self.shown.to_string(),
            reason: reason.to_string(),
        }
    }
}

/// Whether a full disk is among the causes.
fn is_full(error: &Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        if matches!(kind, Some(std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)) {
            return true;
        }
        cause = error.source();
    }
    false
}
