//! Where an archive is.

use std::{fmt, fs, sync::Arc};

use object_store::{
    ObjectStore, aws::AmazonS3Builder, local::LocalFileSystem, path::Path, prefix::PrefixStore,
};
use serde::{Deserialize, Serialize};

use crate::error::ArchiveError;

/// A folder, or a bucket with the keys to it. What is not given for a bucket is taken from the usual
/// variables (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`, `AWS_ENDPOINT`).
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchiveConfig {
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

impl fmt::Debug for ArchiveConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArchiveConfig")
            .field("url", &self.url)
            .field("endpoint", &self.endpoint)
            .field("region", &self.region)
            .field("access_key", &self.access_key)
            .field("secret_key", &self.secret_key.as_ref().map(|_| "…"))
            .finish()
    }
}

impl ArchiveConfig {
    /// A folder.
    pub fn folder(path: &std::path::Path) -> Self {
        Self { url: path.display().to_string(), ..Self::default() }
    }

    pub(crate) fn store(&self) -> Result<Arc<dyn ObjectStore>, ArchiveError> {
        let wrong = |reason: String| ArchiveError::Place { url: self.url.clone(), reason };
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
