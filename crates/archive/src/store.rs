//! Objects by name.

use std::sync::Arc;

use alloy_primitives::{B256, hex};
use futures::{StreamExt, TryStreamExt};
use object_store::{Error, ObjectMeta, ObjectStore, ObjectStoreExt, PutPayload, path::Path};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use tokio::runtime::{Builder, Runtime};

use tulou_place::Place;

use crate::error::ArchiveError;

/// Changes with the layout.
const FORMAT: u32 = 1;
/// The object that says whose archive it is.
const IDENTITY: &str = "ledger.json";
/// Bytes of a list, a manifest or an index that are read.
pub(crate) const MAX_JSON: u64 = 64 << 20;

/// An archive of one ledger. One process writes to it at a time; any number may read.
pub struct Archive {
    store: Arc<dyn ObjectStore>,
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    chain_id: u64,
    genesis: B256,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity {
    format: u32,
    chain_id: u64,
    genesis: B256,
}

impl Archive {
    /// Opens the archive of a ledger, or makes it.
    ///
    /// # Errors
    /// - [`ArchiveError::Place`]: the place cannot be used.
    /// - [`ArchiveError::OtherLedger`]: it holds another ledger's archive.
    /// - [`ArchiveError::Damaged`], [`ArchiveError::Store`]: the store.
    pub fn open(config: &Place, chain_id: u64, genesis: B256) -> Result<Self, ArchiveError> {
        let archive = Self::connect(config, chain_id, genesis)?;
        let ours = Identity { format: FORMAT, chain_id, genesis };
        match archive.json::<Identity>(IDENTITY) {
            Ok(found) if found == ours => Ok(archive),
            Ok(found) if found.format != FORMAT => {
                let reason = format!("format {}, this program reads {FORMAT}", found.format);
                Err(ArchiveError::damaged(IDENTITY, reason))
            }
            Ok(found) => {
                Err(ArchiveError::OtherLedger { chain_id: found.chain_id, genesis: found.genesis })
            }
            Err(ArchiveError::Missing(_)) => {
                archive.put_json(IDENTITY, &ours)?;
                Ok(archive)
            }
            Err(error) => Err(error),
        }
    }

    /// Opens an archive whose ledger is not known yet: all else was lost. The ledger is the one that the
    /// archive names; compare [`Archive::genesis`] with what you know of it.
    ///
    /// # Errors
    /// - [`ArchiveError::Place`]: the place cannot be used.
    /// - [`ArchiveError::Missing`]: there is no archive.
    /// - [`ArchiveError::Damaged`], [`ArchiveError::Store`]: the store.
    pub fn find(config: &Place) -> Result<Self, ArchiveError> {
        let found: Identity = Self::connect(config, 0, B256::ZERO)?.json(IDENTITY)?;
        Self::open(config, found.chain_id, found.genesis)
    }

    fn connect(config: &Place, chain_id: u64, genesis: B256) -> Result<Self, ArchiveError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("archive")
            .enable_all()
            .build()
            .map_err(|error| ArchiveError::Store(error.to_string()))?;
        Ok(Self { store: config.store()?, runtime: Some(runtime), chain_id, genesis })
    }

    /// Chain id of its ledger.
    pub fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// Genesis hash of its ledger.
    pub fn genesis(&self) -> B256 {
        self.genesis
    }

    fn wait<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, ArchiveError> {
        let Some(runtime) = &self.runtime else {
            return Err(ArchiveError::Store("it is closed".into()));
        };
        runtime.block_on(work).map_err(|error| match error {
            Error::NotFound { path, .. } => ArchiveError::Missing(path),
            other => ArchiveError::Store(other.to_string()),
        })
    }

    pub(crate) fn put(&self, name: &str, bytes: Vec<u8>) -> Result<(), ArchiveError> {
        self.wait(self.store.put(&Path::from(name), PutPayload::from(bytes))).map(|_| ())
    }

    /// Puts what is named by its content, unless it is there.
    pub(crate) fn put_once(&self, name: &str, bytes: Vec<u8>) -> Result<bool, ArchiveError> {
        if self.size(name)? == Some(bytes.len() as u64) {
            return Ok(false);
        }
        self.put(name, bytes).map(|()| true)
    }

    pub(crate) fn size(&self, name: &str) -> Result<Option<u64>, ArchiveError> {
        match self.wait(self.store.head(&Path::from(name))) {
            Ok(meta) => Ok(Some(meta.size)),
            Err(ArchiveError::Missing(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The bytes of an object, at most `limit`.
    pub(crate) fn get(&self, name: &str, limit: u64) -> Result<Vec<u8>, ArchiveError> {
        let path = Path::from(name);
        let read = async {
            let found = self.store.get(&path).await?;
            let size = found.meta.size;
            if size > limit {
                return Ok(Err(size));
            }
            found.bytes().await.map(Ok)
        };
        match self.wait(read)? {
            Ok(bytes) => Ok(bytes.to_vec()),
            Err(size) => Err(ArchiveError::damaged(name, format!("it has {size} bytes"))),
        }
    }

    /// The bytes of an object that has this length and digest.
    pub(crate) fn get_checked(
        &self,
        name: &str,
        bytes: u64,
        sha256: &str,
    ) -> Result<Vec<u8>, ArchiveError> {
        let found = self.get(name, bytes)?;
        if found.len() as u64 != bytes {
            return Err(ArchiveError::damaged(name, "it has another length"));
        }
        if digest(&found) != sha256 {
            return Err(ArchiveError::damaged(name, "its digest is another"));
        }
        Ok(found)
    }

    pub(crate) fn json<T: DeserializeOwned>(&self, name: &str) -> Result<T, ArchiveError> {
        let bytes = self.get(name, MAX_JSON)?;
        serde_json::from_slice(&bytes).map_err(|error| ArchiveError::damaged(name, error))
    }

    pub(crate) fn put_json<T: Serialize>(&self, name: &str, what: &T) -> Result<(), ArchiveError> {
        let mut bytes =
            serde_json::to_vec_pretty(what).map_err(|error| ArchiveError::damaged(name, error))?;
        bytes.push(b'\n');
        self.put(name, bytes)
    }

    /// Objects in a folder, in order of their names.
    pub(crate) fn list(&self, folder: &str) -> Result<Vec<(String, ObjectMeta)>, ArchiveError> {
        let prefix = Path::from(folder);
        let found = self.wait(self.store.list(Some(&prefix)).try_collect::<Vec<_>>())?;
        let mut named: Vec<_> = found
            .into_iter()
            .filter_map(|meta| Some((meta.location.filename()?.to_owned(), meta)))
            .collect();
        named.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(named)
    }

    /// Takes objects away. One that is not there is no failure.
    pub(crate) fn delete(&self, names: Vec<Path>) -> Result<usize, ArchiveError> {
        let count = names.len();
        let locations = futures::stream::iter(names.into_iter().map(Ok)).boxed();
        let deleted = self.store.delete_stream(locations);
        let all = deleted.filter_map(|result| async {
            match result {
                Ok(_) | Err(Error::NotFound { .. }) => None,
                Err(error) => Some(Err::<(), _>(error)),
            }
        });
        self.wait(all.try_collect::<Vec<()>>())?;
        Ok(count)
    }
}

impl Drop for Archive {
    fn drop(&mut self) {
        // Waiting for it would panic where the archive is dropped by an asynchronous task.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// SHA-256 in hexadecimal.
pub(crate) fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
