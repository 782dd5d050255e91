//! `tulou call <module>.<call>`: every call of every module, derived from the interfaces.

use std::path::PathBuf;

use clap::Args;
use tulou_client::{ClientError, Invocation, Key, Rpc, refusal_in_words};

use crate::{
    output::{Failure, Outcome, say},
    passphrase,
};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The call, for example `registry.totals` or `decisions.cast`.
    call: String,
    /// Its arguments in order; lists as `[a,b]`, structs as `(a,b)`.
    #[arg(allow_negative_numbers = true)]
    arguments: Vec<String>,
    /// The node.
    #[arg(long, default_value = "http://localhost:8545")]
    rpc: String,
    /// File with the signing key: 64 hexadecimal digits, or `account.json` of a member's folder, whose
    /// passphrase is in the file that TULOU_PASSPHRASE_FILE names or asked for. On a dev chain account 0 of
    /// the test mnemonic is used without it.
    #[arg(long)]
    key: Option<PathBuf>,
}

/// The key of a command: the file's, or the first test account's. A file that `tulou init` encrypted is
/// opened with the passphrase of the surroundings or the person at the terminal.
pub(crate) fn signing_key(file: Option<&PathBuf>) -> Result<Key, Failure> {
    let Some(path) = file else { return Ok(Key::test(0)?) };
    if path.extension().is_none_or(|ending| ending != "json") {
        return Ok(Key::from_file(path)?);
    }
    let passphrase = passphrase::for_key(path)?;
    let secret = tulou_node::secret_in(path, passphrase)
        .map_err(|e| Failure::hint(e, "nothing was sent"))?;
    Ok(Key::from_bytes(secret))
}

pub(crate) fn run(options: &Options) -> Outcome {
    let call = Invocation::parse(&options.call, &options.arguments)
        .map_err(|e| Failure::hint(e, "nothing was sent"))?;
    let key = signing_key(options.key.as_ref())?;
    let rpc = Rpc::new(&options.rpc).for_account(&key);
    if call.is_view() {
        let output = rpc
            .view(key.address(), call.address(), &call.data)
            .map_err(|e| in_words(&e, "nothing was changed"))?;
        let answer = call.answer(&output).ok_or_else(|| {
            Failure(format!(
                "{} does not answer {}: is it a Tulou node?",
                options.rpc, options.call
            ))
        })?;
        return say(&serde_json::to_string_pretty(&answer)?);
    }
    let receipt = rpc
        .transact(&key, call.address(), call.data.clone())
        .map_err(|e| in_words(&e, "nothing was recorded"))?;
    let summary = serde_json::json!({
        "transaction": receipt["transactionHash"],
        "block": receipt["blockNumber"],
        "gas_used": receipt["gasUsed"],
    });
    say(&serde_json::to_string_pretty(&summary)?)
}

/// An error in words, and what it means for what was to be done.
pub(crate) fn in_words(error: &ClientError, consequence: &str) -> Failure {
    let words = match error {
        ClientError::Refused { data: Some(data), message, .. } => refusal_in_words(data)
            .map_or_else(|| message.clone(), |refusal| format!("refused: {refusal}")),
        other => other.to_string(),
    };
    let consequence = match error {
        ClientError::Failed { .. } => "the attempt is recorded, its effect is not",
        _ => consequence,
    };
    Failure::hint(words, consequence)
}
