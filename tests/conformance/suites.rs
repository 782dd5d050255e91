//! Where the suites are.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

/// A suite, unpacked into a folder that goes with it.
pub(crate) struct Suite {
    dir: TempDir,
}

impl Suite {
    /// Unpacks an archive. `None`, and a line that says so, where the suites are not on this machine.
    pub(crate) fn unpack(name: &str) -> Option<Self> {
        let (from, named) = folder();
        let archive = from.join(format!("{name}.tar.xz"));
        if !archive.is_file() {
            assert!(!named, "TULOU_CONFORMANCE: {} is not there", archive.display());
            println!(
                "conformance: {} is not there, so this suite was NOT run; \
                 see docs/conformance.md for where to get it",
                archive.display()
            );
            return None;
        }
        let dir = tempfile::tempdir().expect("a scratch folder");
        let status =
            Command::new("tar").arg("xJf").arg(&archive).arg("-C").arg(dir.path()).status();
        let status = status.expect("tar with xz");
        assert!(status.success(), "tar cannot unpack {}", archive.display());
        Some(Self { dir })
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }
}

/// The folder of the archives and whether somebody named it.
fn folder() -> (PathBuf, bool) {
    match env::var_os("TULOU_CONFORMANCE") {
        Some(dir) => (dir.into(), true),
        None => {
            let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the checkout");
            (checkout.join("../shared/data/conformance"), false)
        }
    }
}
