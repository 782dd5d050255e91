//! Objects by name in a folder or a bucket.

use std::{future::Future, sync::Arc};

use futures::TryStreamExt;
use object_store::{
    Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, path::Path,
};
use tokio::runtime::{Builder, Runtime};
use tulou_place::Place;

use crate::VaultError;

/// A store of objects and what waits for it.
pub(crate) struct Objects {
    store: Arc<dyn ObjectStore>,
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
}

impl Objects {
    /// A place, whose folder is made where there is none. What is put is durable when the call returns.
    ///
    /// # Errors
    /// In words.
    pub(crate) fn at(place: &Place) -> Result<Self, String> {
        let store = place.store().map_err(|error| error.reason)?;
        let mut runtime = Builder::new_multi_thread();
        runtime.worker_threads(1).thread_name("vault").enable_all();
        let runtime = runtime.build().map_err(|error| error.to_string())?;
        Ok(Self { store, runtime: Some(runtime) })
    }

    pub(crate) fn put(&self, name: &str, bytes: Vec<u8>, mode: PutMode) -> Result<(), VaultError> {
        let (path, options) = (Path::from(name), PutOptions { mode, ..PutOptions::default() });
        let put = self.store.put_opts(&path, PutPayload::from(bytes), options);
        self.wait(put)?.map(drop).map_err(failed)
    }

    /// The bytes of an object; `None` where there is none.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, VaultError> {
        let path = Path::from(name);
        match self.wait(async { self.store.get(&path).await?.bytes().await })? {
            Ok(bytes) => Ok(Some(bytes.to_vec())),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    /// Removes an object, if it is there.
    pub(crate) fn delete(&self, name: &str) -> Result<(), VaultError> {
        match self.wait(self.store.delete(&Path::from(name)))? {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failed(error)),
        }
    }

    /// What lies in a folder, sorted.
    pub(crate) fn names(&self, folder: &str) -> Result<Vec<String>, VaultError> {
        let prefix = Path::from(folder);
        let list = self.store.list(Some(&prefix)).map_ok(|meta| meta.location);
        let paths: Vec<Path> = self.wait(list.try_collect())?.map_err(failed)?;
        let names = paths.iter().filter_map(|path| path.filename().map(str::to_owned));
        let mut names: Vec<String> = names.collect();
        names.sort_unstable();
        Ok(names)
    }

    /// What lies below a folder in folders of its own, by the names of both, sorted.
    pub(crate) fn within(&self, folder: &str) -> Result<Vec<(String, String)>, VaultError> {
        let prefix = Path::from(folder);
        let list = self.store.list(Some(&prefix)).map_ok(|meta| meta.location);
        let paths: Vec<Path> = self.wait(list.try_collect())?.map_err(failed)?;
        let named = |path: &Path| {
            let mut parts = path.parts().skip(1).map(|part| part.as_ref().to_owned());
            Some((parts.next()?, parts.next()?))
        };
        let mut names: Vec<_> = paths.iter().filter_map(named).collect();
        names.sort_unstable();
        Ok(names)
    }

    /// The names in a folder that are numbers, in ascending order.
    pub(crate) fn numbers(&self, folder: &str) -> Result<Vec<u64>, VaultError> {
        let names = self.names(folder)?;
        let mut numbers: Vec<u64> = names.iter().filter_map(|name| name.parse().ok()).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Bytes of everything.
    pub(crate) fn bytes(&self) -> Result<u64, VaultError> {
        let sizes = self.store.list(None).map_ok(|meta| meta.size);
        let sum = sizes.try_fold(0u64, |sum, size| async move { Ok(sum.saturating_add(size)) });
        self.wait(sum)?.map_err(failed)
    }

    fn wait<T>(&self, work: impl Future<Output = T>) -> Result<T, VaultError> {
        let runtime = self.runtime.as_ref();
        let runtime = runtime.ok_or_else(|| VaultError::Store("it is closed".into()))?;
        Ok(runtime.block_on(work))
    }
}

impl Drop for Objects {
    fn drop(&mut self) {
        // Dropping a runtime waits, which a thread of another runtime must not.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn failed(error: Error) -> VaultError {
    VaultError::Store(error.to_string())
}
