//! Keys that sign standard transactions.

use std::{fs, path::Path};

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner, coins_bip39::English};

/// The mnemonic that every Ethereum development tool knows. Its accounts are funded on a dev chain
/// and nowhere else.
pub const TEST_MNEMONIC: &str = "test test test test test test test test test test test junk";

/// A key that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read.
    #[error("key file {path}: {source}")]
    File {
        /// The file.
        path: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The text is not 32 bytes of hex.
    #[error("key file {path}: expected 64 hexadecimal digits")]
    NotAKey {
        /// The file.
        path: String,
    },
    /// The mnemonic gives no key at this index.
    #[error("no account {0} of the test mnemonic")]
    NoAccount(u32),
}

/// A secp256k1 key.
#[derive(Clone, Debug)]
pub struct Key(PrivateKeySigner);

/// The key of a demo resident or office, the same one the browser makes: keccak256 of
/// `tulou-demo:<name>`. Anyone can compute it: for demonstrations only.
pub fn demo_key(name: &str) -> Key {
    Key::from_bytes(keccak256(format!("tulou-demo:{name}")))
}

impl Key {
    /// The key with these bytes. A value outside the curve's order (chance 2^-128) is hashed again.
    pub fn from_bytes(bytes: B256) -> Self {
        PrivateKeySigner::from_bytes(&bytes)
            .map_or_else(|_| Self::from_bytes(keccak256(bytes)), Self)
    }

    /// Account `index` of the standard test mnemonic.
    pub fn test(index: u32) -> Result<Self, KeyError> {
        MnemonicBuilder::<English>::default()
            .phrase(TEST_MNEMONIC)
            .index(index)
            .and_then(|builder| builder.build())
            .map(Self)
            .map_err(|_| KeyError::NoAccount(index))
    }

    /// Reads a file with 64 hexadecimal digits, with or without `0x`.
    pub fn from_file(path: &Path) -> Result<Self, KeyError> {
        let name = path.display().to_string();
        let text = fs::read_to_string(path)
            .map_err(|source| KeyError::File { path: name.clone(), source })?;
        let bytes: B256 =
            text.trim().parse().map_err(|_| KeyError::NotAKey { path: name.clone() })?;
        PrivateKeySigner::from_bytes(&bytes).map(Self).map_err(|_| KeyError::NotAKey { path: name })
    }

    /// The account.
    pub fn address(&self) -> Address {
        self.0.address()
    }

    /// Signs a message as wallets do (EIP-191).
    pub fn sign_message(&self, message: &str) -> Bytes {
        let signature = self
            .0
            .sign_message_sync(message.as_bytes())
            .expect("signing a hash with a local key does no I/O and cannot fail");
        signature.as_bytes().to_vec().into()
    }

    /// Signs a call with gas price 0, which is what this ledger asks.
    pub fn sign_call(
        &self,
        chain_id: u64,
        nonce: u64,
        gas: u64,
        to: Address,
        data: Bytes,
    ) -> Bytes {
        self.sign(TxEip1559 {
            chain_id,
            nonce,
            gas_limit: gas,
            to: TxKind::Call(to),
            input: data,
            ..Default::default()
        })
    }

    /// Signs a plain transfer of native balance.
    pub fn sign_transfer(&self, chain_id: u64, nonce: u64, to: Address, value: U256) -> Bytes {
        self.sign(TxEip1559 {
            chain_id,
            nonce,
            gas_limit: 21_000,
            to: TxKind::Call(to),
            value,
            ..Default::default()
        })
    }

    /// Signs any EIP-1559 transaction and encodes it for `eth_sendRawTransaction`.
    pub fn sign(&self, tx: TxEip1559) -> Bytes {
        let signature = self
            .0
            .sign_hash_sync(&tx.signature_hash())
            .expect("signing a hash with a local key does no I/O and cannot fail");
        TxEnvelope::from(tx.into_signed(signature)).encoded_2718().into()
    }
}
