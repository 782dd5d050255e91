#![doc = include_str!("../README.md")]

use std::{fmt, fs, path::Path as Folder, sync::Arc};

use object_store::{
    ObjectStore, aws::AmazonS3Builder, local::LocalFileSystem, path::Path, prefix::PrefixStore,
};
use serde::{Deserialize, Serialize};

/// A place that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{url}: {reason}")]
pub struct PlaceError {
    /// The place.
    pub url: String,
    /// What is wrong with it.
    pub reason: String,
}

/// A folder, or a bucket with the keys to it. What is not given for a bucket is taken from the usual
/// variables (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`, `AWS_ENDPOINT`).
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// A folder, or `s3://bucket/prefix`.
    pub url: String,
    /// Where an S3-compatible server is, such as `https://s3.example.org`; `None` is Amazon's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Its region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Who writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_key: Option<String>,
    /// The secret of `access_key`. Never shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_key: Option<String>,
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place")
            .field("url", &self.url)
            .field("endpoint", &self.endpoint)
            .field("region", &self.region)
            .field("access_key", &self.access_key)
            .field("secret_key", &self.secret_key.as_ref().map(|_| "…"))
            .finish()
    }
}

impl Place {
    /// A folder.
    pub fn folder(path: &Folder) -> Self {
        Self { url: path.display().to_string(), ..Self::default() }
    }

    /// The same place, where a folder that begins at no root is below `base`.
    pub fn below(&self, base: &Folder) -> Self {
        match self.url.contains("://") {
            true => self.clone(),
            false => Self { url: base.join(&self.url).display().to_string(), ..self.clone() },
        }
    }

    /// The store, whose folder is made where there is none. What is put into a folder is on the disk when the
    /// call returns.
    ///
    /// # Errors
    /// - [`PlaceError`]: it is neither a folder nor a bucket, or the folder cannot be made.
    pub fn store(&self) -> Result<Arc<dyn ObjectStore>, PlaceError> {
        let wrong = |reason: String| PlaceError { url: self.url.clone(), reason };
        if let Some(rest) = self.url.strip_prefix("s3://") {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            if bucket.is_empty() {
                return Err(wrong("it names no bucket".into()));
            }
            let prefix = Path::parse(prefix).map_err(|error| wrong(error.to_string()))?;
            let store = self.bucket(bucket).build().map_err(|error| wrong(error.to_string()))?;
            return Ok(Arc::new(PrefixStore::new(store, prefix)));
        }
        let folder = self.url.strip_prefix("file://").unwrap_or(&self.url);
        if folder.is_empty() || folder.contains("://") {
            return Err(wrong("it is neither a folder nor a bucket".into()));
        }
        fs::create_dir_all(folder).map_err(|error| wrong(error.to_string()))?;
        let store = LocalFileSystem::new_with_prefix(folder)
            .map_err(|error| wrong(error.to_string()))?
            .with_fsync(true);
        Ok(Arc::new(store))
    }

    fn bucket(&self, bucket: &str) -> AmazonS3Builder {
        let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket);
        if let Some(endpoint) = &self.endpoint {
            builder =
                builder.with_allow_http(endpoint.starts_with("http://")).with_endpoint(endpoint);
        }
        if let Some(region) = &self.region {
            builder = builder.with_region(region);
        }
        if let Some(key) = &self.access_key {
            builder = builder.with_access_key_id(key);
        }
        if let Some(secret) = &self.secret_key {
            builder = builder.with_secret_access_key(secret);
        }
        builder
    }
}
