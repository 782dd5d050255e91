//! A master key behind a command: a key management service, a hardware module, another machine.

use std::{
    io::Write,
    process::{Command as Process, Stdio},
};

use alloy_primitives::hex;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{MasterKey, Suite, VaultError};

/// A master key that a command keeps. It is run by `sh -c` for each key of a record, with
///
/// - `TULOU_VAULT`: `id` (prints any line that tells this key from others), `wrap` or `unwrap`;
/// - `TULOU_SUITE`: `aes-256-gcm` or `sm4-gcm`, the suite of the record;
/// - `TULOU_CONTEXT`: id, version and schema of the record in hexadecimal, to be authenticated.
///
/// `wrap` and `unwrap` read hexadecimal from standard input and print hexadecimal. To unwrap what is not
/// theirs, or was changed, they print nothing and end well; a failure of theirs ends with another status.
pub struct Command {
    command: String,
    id: [u8; 8],
}

impl Command {
    /// Asks the command who it is.
    ///
    /// # Errors
    /// - [`VaultError::Master`]: it does not start, fails, or prints nothing.
    pub fn new(command: &str) -> Result<Self, VaultError> {
        let mut keeper = Self { command: command.to_owned(), id: [0; 8] };
        let name = keeper.ask("id", None, &[], &[])?;
        if name.is_empty() {
            return Err(VaultError::Master(format!("{command:?} does not say who it is")));
        }
        keeper.id.copy_from_slice(&Sha256::digest(name.trim_ascii())[..8]);
        Ok(keeper)
    }

    /// What the command prints.
    fn ask(
        &self,
        what: &str,
        suite: Option<Suite>,
        context: &[u8],
        input: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let failed = |reason: String| VaultError::Master(format!("{:?}: {reason}", self.command));
        let mut process = Process::new("sh");
        process.args(["-c", &self.command]).env("TULOU_VAULT", what);
        process.env("TULOU_SUITE", suite.map_or("", Suite::name));
        process.env("TULOU_CONTEXT", hex::encode(context));
        process.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = process.spawn().map_err(|error| failed(error.to_string()))?;
        let line = Zeroizing::new(format!("{}\n", hex::encode(input)));
        if let Some(mut stdin) = child.stdin.take() {
            // A command that needs no input may have closed it: what counts is how it ends.
            let _ = stdin.write_all(line.as_bytes());
        }
        let output = child.wait_with_output().map_err(|error| failed(error.to_string()))?;
        let (status, printed) = (output.status, Zeroizing::new(output.stdout));
        if status.success() { Ok(printed) } else { Err(failed(status.to_string())) }
    }

    fn hexadecimal(&self, printed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let bytes = hex::decode(printed.trim_ascii());
        let bytes = bytes.map_err(|_| {
            VaultError::Master(format!(
                "{:?} printed something else than hexadecimal",
                self.command
            ))
        })?;
        Ok(Zeroizing::new(bytes))
    }
}

impl MasterKey for Command {
    fn id(&self) -> [u8; 8] {
        self.id
    }

    fn wrap(&self, suite: Suite, key: &[u8], context: &[u8]) -> Result<Vec<u8>, VaultError> {
        let wrapped = self.hexadecimal(&self.ask("wrap", Some(suite), context, key)?)?;
        if wrapped.is_empty() {
            return Err(VaultError::Master(format!("{:?} wrapped nothing", self.command)));
        }
        Ok(wrapped.to_vec())
    }

    fn unwrap(
        &self,
        suite: Suite,
        wrapped: &[u8],
        context: &[u8],
    ) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        let key = self.hexadecimal(&self.ask("unwrap", Some(suite), context, wrapped)?)?;
        Ok((key.len() == suite.key_bytes()).then_some(key))
    }
}
