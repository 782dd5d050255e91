//! The archive in a folder and on an S3 server that the tests start.

mod chain;
mod drill;
