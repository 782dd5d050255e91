//! A real S3 server, from npm, on a port of its own.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Once,
};

use tulou_place::Place;

/// The bucket that it begins with.
const BUCKET: &str = "ledger";

/// An S3 server. Ended with the value.
pub struct BucketServer {
    child: Child,
    endpoint: String,
    _data: tempfile::TempDir,
}

/// The folder whose packages the tests use; the server is installed there where it is missing.
fn program() -> PathBuf {
    static INSTALL: Once = Once::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/clients");
    let program = folder.join("node_modules/s3rver/bin/s3rver.js");
    INSTALL.call_once(|| {
        if !program.exists() {
            println!("installing the S3 server of the tests into tests/clients");
            let install = Command::new("npm")
                .args(["install", "--ignore-scripts", "--no-audit", "--no-fund"])
                .current_dir(&folder)
                .status();
            assert!(install.expect("npm can be started").success(), "npm install");
        }
    });
    program
}

impl BucketServer {
    /// Starts one with an empty bucket; installs it where it is missing.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn start() -> Self {
        let data = tempfile::tempdir().expect("a folder for the bucket");
        let mut child = Command::new("node")
            .arg(program())
            .args(["--address", "127.0.0.1", "--port", "0", "--silent", "--directory"])
            .arg(data.path())
            .args(["--configure-bucket", BUCKET])
            .stdout(Stdio::piped())
            .spawn()
            .expect("node can be started");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let address = lines
            .find_map(|line| Some(line.ok()?.split_once("listening on ")?.1.trim().to_owned()))
            .expect("it says where it listens");
        Self { child, endpoint: format!("http://{address}"), _data: data }
    }

    /// The place below a prefix of the bucket.
    pub fn place(&self, prefix: &str) -> Place {
        Place {
            url: format!("s3://{BUCKET}/{prefix}"),
            endpoint: Some(self.endpoint.clone()),
            region: Some("us-east-1".into()),
            access_key: Some("S3RVER".into()),
            secret_key: Some("S3RVER".into()),
        }
    }
}

impl Drop for BucketServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
