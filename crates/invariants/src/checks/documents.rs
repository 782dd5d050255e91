//! DO-1 to DO-5: what is on file stays as it was put there.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256};
use tulou_modules::{
    address,
    documents::IDocuments::{self, Document, Kind},
};
use tulou_slots::Memory;

use super::{all_of, events};
use crate::play::{Broken, Kept, Seen, keep};

const AT: Address = address::documents;

#[derive(Debug, Default)]
pub(super) struct Model {
    documents: BTreeMap<B256, Document>,
}

impl Model {
    pub(super) fn begin(memory: &mut Memory) -> Result<Self, Broken> {
        let mut model = Self::default();
        model.check(memory)?;
        Ok(model)
    }

    pub(super) fn after(&mut self, seen: &mut Seen<'_>) -> Kept {
        if !seen.concerns(AT) {
            return Ok(());
        }
        for replaced in events::<IDocuments::Superseded>(seen.logs) {
            let old = self.documents.values().find(|document| document.id == replaced.id);
            let actor = super::inner::actor(seen.logs).unwrap_or(seen.caller());
            let may = old.is_some_and(|old| [old.registeredBy, old.custodian].contains(&actor));
            keep!("DO-4", may, "{actor} replaces document {}", replaced.id);
        }
        self.check(seen.after)
    }

    fn check(&mut self, memory: &mut Memory) -> Kept {
        let all = all_of!(memory, AT, IDocuments::documentsCall {})?;
        let mut found = BTreeMap::new();
        for document in &all {
            keep!("DO-1", !document.hash.is_zero(), "document {} has no hash", document.id);
            let twice = found.insert(document.hash, document.clone());
            keep!("DO-1", twice.is_none(), "{} is on file twice", document.hash);
            let next = document.supersededBy;
            let stands = document.kind != Kind::Erasure || next == 0;
            keep!("DO-5", stands, "the erasure {} has a successor", document.id);
            keep!("DO-3", next != document.id, "document {next} is its own successor");
            let successor = all.iter().find(|other| other.id == next);
            let linked = next == 0 || successor.is_some_and(|s| s.supersedes == document.id);
            keep!("DO-3", linked, "document {} and its successor are not linked", document.id);
            let origin = all.iter().find(|other| other.id == document.supersedes);
            let linked =
                document.supersedes == 0 || origin.is_some_and(|o| o.supersededBy == document.id);
            keep!("DO-3", linked, "document {} succeeds one that has another", document.id);
        }
        for (hash, old) in &self.documents {
            let mut now = found.get(hash).cloned();
            if let Some(now) = &mut now {
                let first = old.supersededBy == 0 || old.supersededBy == now.supersededBy;
                keep!("DO-3", first, "document {} has two successors", old.id);
                now.supersededBy = old.supersededBy;
            }
            keep!("DO-2", now.as_ref() == Some(old), "document {} changed", old.id);
        }
        self.documents = found;
        Ok(())
    }
}
