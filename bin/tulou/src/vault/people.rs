//! The people of the register as records: one for each owner, so that each can be erased alone. A record has
//! the number that the ledger knows its owner by.

use serde_json::json;
use tulou_client::register::{Person, Register};
use tulou_vault::{Vault, Zeroizing};

use super::place::Which;
use crate::output::{Failure, Outcome, say};

/// Form of the data: a person as JSON.
const SCHEMA: u32 = 1;

/// Keeps every owner of a register.
pub(crate) fn keep_people(which: &Which, register: &Register) -> Outcome {
    let vault = which.open()?;
    for person in register.people() {
        let data = Zeroizing::new(serde_json::to_vec(&person)?);
        vault.write(person.commitment(), 1, SCHEMA, &data)?;
    }
    Ok(())
}

/// Prints them, one a line.
pub(super) fn list(which: &Which) -> Outcome {
    let vault = which.open()?;
    for (person, commitment) in read(&vault)? {
        let line = json!({
            "id": person.id, "kind": person.kind, "name": person.name, "phone": person.phone,
            "note": person.note, "commitment": commitment,
        });
        say(&line.to_string())?;
    }
    Ok(())
}

fn read(vault: &Vault) -> Result<Vec<(Person, alloy_primitives::B256)>, Failure> {
    let mut people = Vec::new();
    for (id, version) in vault.records()? {
        let record = vault.read_record(id, version)?;
        if record.schema != SCHEMA {
            continue;
        }
        let person: Person = serde_json::from_slice(&record.data)?;
        if person.commitment() != id {
            return Err(Failure(format!("record {id} is not of the owner whose number it has")));
        }
        people.push((person, id));
    }
    Ok(people)
}
