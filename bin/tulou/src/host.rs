//! What the process asks of the system before anything else.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The allocator asks for pages of 2 MiB, which a node fills in bursts with each block and gives back:
/// the kernel then clears far more than is used. Without them a busy node takes a third less memory and
/// a few hundredths less CPU (docs/performance/pipeline.md).
pub(crate) fn without_huge_pages() {
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        // An old kernel: it costs memory and nothing else.
        tracing::debug!(%error, "huge pages stay on");
    }
}

/// Many systems give a process 1,024 open files and let it ask for more. A node needs one for each
/// client, peer and database file.
pub(crate) fn as_many_files_as_may_be() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        tracing::debug!(%error, "the number of open files stays as it is");
    }
}
