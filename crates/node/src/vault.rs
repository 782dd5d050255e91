//! The member's vault as a running node keeps it: erasures of other members that stand on the ledger are
//! carried out here, records of others are kept where they are only kept, and erasures without an entry are
//! named.

use std::{
    path::Path,
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use alloy_primitives::{Address, B256};
use alloy_sol_types::SolCall;
use tracing::{info, warn};
use tulou_evm::{BlockEnv, CallOutcome, CallRequest};
use tulou_ledger::Ledger;
use tulou_modules::documents::IDocuments::{Kind, documentCall};
use tulou_rpc::{OtherVault, VaultFigures, VaultMeters};
use tulou_vault::{Place, Synced, Unlock, Vault, VaultError};

use crate::VaultSettings;

/// Gas for looking up one document.
const VIEW_GAS: u64 = 1_000_000;

/// Why the vault of a node does not open.
#[derive(Debug, thiserror::Error)]
pub enum VaultFault {
    /// It wants a passphrase and nobody said one.
    #[error(
        "the vault needs its passphrase: name a file with it in TULOU_VAULT_PASSPHRASE_FILE, or start the \
         program at a terminal"
    )]
    Locked,
    /// The vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// How the vault of a node's folder is opened.
///
/// # Errors
/// - [`VaultFault::Locked`]: no passphrase was given and one is wanted.
/// - [`VaultFault::Vault`]: the key command does not answer.
pub fn unlock_vault(
    dir: &Path,
    settings: &VaultSettings,
    passphrase: Option<String>,
) -> Result<Unlock, VaultFault> {
    let passphrase = match settings.passphrase {
        true => Some(passphrase.ok_or(VaultFault::Locked)?),
        false => None,
    };
    let file = settings.master_key.as_ref().map(|file| dir.join(file));
    Ok(Unlock::by(file, passphrase, settings.key_command.as_deref())?)
}

/// A ledger that erasures may stand on.
pub(crate) struct Book {
    pub(crate) chain_id: u64,
    pub(crate) ledger: Ledger,
}

/// The vault of a process. Its work is done in a thread of its own, which holds the ledgers only as long.
pub(crate) struct VaultKeeper {
    vault: Arc<Vault>,
    from: Vec<Place>,
    every: Duration,
    meters: VaultMeters,
    looked: Option<Instant>,
    at_work: Option<JoinHandle<()>>,
}

impl VaultKeeper {
    pub(crate) fn open(
        dir: &Path,
        settings: &VaultSettings,
        passphrase: Option<String>,
    ) -> Result<Self, VaultFault> {
        let unlock = unlock_vault(dir, settings, passphrase)?;
        let vault = Vault::open(&settings.at.below(dir), &unlock, settings.suite)?;
        Ok(Self {
            vault: Arc::new(vault),
            from: settings.from.iter().map(|place| place.below(dir)).collect(),
            every: Duration::from_secs(settings.every_s),
            meters: VaultMeters::default(),
            looked: None,
            at_work: None,
        })
    }

    /// What the looks have found.
    pub(crate) fn meters(&self) -> &VaultMeters {
        &self.meters
    }

    /// Begins a look if it is time for one.
    pub(crate) fn look(&mut self, books: impl FnOnce() -> Vec<Book>) {
        if self.at_work.as_ref().is_some_and(|work| !work.is_finished()) {
            return;
        }
        if self.looked.is_some_and(|at| at.elapsed() < self.every) {
            return;
        }
        self.looked = Some(Instant::now());
        let (vault, from, books) = (self.vault.clone(), self.from.clone(), books());
        let meters = self.meters.clone();
        self.at_work = Some(thread::spawn(move || work(&vault, &from, &books, &meters)));
    }
}

fn work(vault: &Vault, from: &[Place], books: &[Book], meters: &VaultMeters) {
    let before = meters.last();
    if let Err(error) = vault.complete_erasures() {
        warn!(%error, "erasures of the vault that were cut off are not completed");
    }
    let mut others = Vec::new();
    for place in from {
        let known = before.others.iter().find(|other| other.place == place.url);
        let mut other = known
            .cloned()
            .unwrap_or_else(|| OtherVault { place: place.url.clone(), ..OtherVault::default() });
        let done = Vault::look_at(place).and_then(|theirs| {
            theirs.sync_to(vault, |erasure| stands(books, erasure.commitment()))
        });
        match done {
            Ok(done) => tell(&place.url, &done),
            Err(VaultError::Blind) => warn!(from = place.url, "records are not fetched"),
            Err(error) => warn!(from = place.url, %error, "another member's vault is not read"),
        }
        if let Err(error) = compare(vault, place, &mut other) {
            warn!(from = place.url, %error, "another member's vault cannot be compared with ours");
        }
        others.push(other);
    }
    let mut found = VaultFigures { others, ..before };
    match without_entry(vault, books) {
        Ok(missing) => {
            found.without_entry = missing.len() as u64;
            for id in missing {
                warn!(%id, "erased, and no entry says so: `tulou vault erase` again sends it");
            }
        }
        Err(error) => warn!(%error, "the erasures of the vault cannot be compared with the ledger"),
    }
    match vault.stock() {
        Ok(stock) => {
            (found.records, found.versions) = (stock.records, stock.versions);
            (found.erased, found.bytes) = (stock.erased, stock.bytes);
            found.seen = now();
        }
        Err(error) => warn!(%error, "what the vault holds cannot be counted"),
    }
    meters.looked(found);
}

/// How far we are behind another vault after a look at it. Who has keys of its own takes no records of others.
fn compare(vault: &Vault, place: &Place, other: &mut OtherVault) -> Result<(), VaultError> {
    let behind = vault.behind(&Vault::look_at(place)?)?;
    other.erasures_behind = behind.erasures;
    other.versions_behind = if vault.is_keyless() { behind.versions } else { 0 };
    other.read = now();
    Ok(())
}

/// Seconds since 1970 by this machine's own clock, which is that of who reads the figures.
fn now() -> i64 {
    time::OffsetDateTime::now_utc().unix_timestamp()
}

fn tell(from: &str, done: &Synced) {
    if done.erased.len() + done.refused.len() + done.unproven.len() > 0 || done.copied > 0 {
        info!(
            from,
            erased = done.erased.len(),
            copied = done.copied,
            unproven = done.unproven.len(),
            refused = done.refused.len(),
            "looked at another member's vault"
        );
    }
    for refused in &done.refused {
        let (id, reason) = (refused.id, &refused.reason);
        warn!(from, %id, reason, "a record of another member's vault was not taken");
    }
    for id in &done.unproven {
        warn!(from, %id, "another member erased it and no entry says so: nothing was erased here");
    }
}

/// Records that were erased here without an entry on any ledger.
fn without_entry(vault: &Vault, books: &[Book]) -> Result<Vec<B256>, VaultError> {
    let mut missing = Vec::new();
    for erasure in vault.erasures()? {
        if !stands(books, erasure.commitment())? {
            missing.push(erasure.id);
        }
    }
    Ok(missing)
}

/// Whether an erasure is on file in one of the ledgers.
fn stands(books: &[Book], commitment: B256) -> Result<bool, VaultError> {
    for book in books {
        if is_on_file(book, commitment)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn is_on_file(book: &Book, hash: B256) -> Result<bool, VaultError> {
    let head = book.ledger.head();
    let env = BlockEnv {
        chain_id: book.chain_id,
        height: head.height + 1,
        timestamp: head.timestamp,
        gas_limit: VIEW_GAS,
        beneficiary: Address::ZERO,
        prevrandao: B256::ZERO,
        next_validators: None,
        terms: None,
    };
    let request = CallRequest {
        to: Some(tulou_modules::address::documents),
        input: documentCall { hash }.abi_encode().into(),
        ..Default::default()
    };
    match tulou_evm::call(&book.ledger.latest(), &env, &request, None, VIEW_GAS, None) {
        Ok(CallOutcome::Success { output, .. }) => Ok(documentCall::abi_decode_returns(&output)
            .is_ok_and(|found| found.kind == Kind::Erasure)),
        Ok(CallOutcome::Revert { .. }) => Ok(false),
        other => {
            Err(VaultError::Store(format!("the ledger does not say what is on file: {other:?}")))
        }
    }
}
