//! Another ledger with its links and receipts: the vectors that every checker of proofs shares.

use std::sync::LazyLock;

use serde_json::Value;
use tulou_modules::ledgers::ILedgers::{ReceiptProof, followCall};

static VECTORS: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../tests/vectors/light.json")).expect("vectors")
});

static LINKS: LazyLock<Vec<tulou_proofs::EpochLink>> = LazyLock::new(|| {
    serde_json::from_value(VECTORS["links"].clone()).expect("links of the vectors")
});

static RECEIPTS: LazyLock<Vec<ReceiptProof>> = LazyLock::new(|| {
    let cases = VECTORS["cases"].as_array().expect("cases of the vectors");
    let receipts = cases.iter().filter(|case| case["kind"] == "receipt");
    receipts.filter_map(|case| receipt(&case["proof"])).collect()
});

/// Its key sheet.
pub(crate) fn sheet() -> String {
    VECTORS["sheet"].as_str().expect("sheet of the vectors").to_owned()
}

fn receipt(proof: &Value) -> Option<ReceiptProof> {
    serde_json::from_value::<tulou_proofs::ReceiptProof>(proof.clone()).ok().map(ReceiptProof::from)
}

/// Proofs of receipts, good and bad ones.
pub(crate) fn receipts() -> &'static [ReceiptProof] {
    &RECEIPTS
}

/// The call that leads a ledger from an epoch to the next, for the epochs that there are.
pub(crate) fn follow(ledger: u64, epoch: usize) -> Option<followCall> {
    let link = LINKS.get(epoch)?;
    let (header, certificate) = (link.header.clone(), link.certificate.clone());
    Some(followCall { ledger, header, certificate, next: link.next.clone() })
}

/// The sheet of a ledger of the same validators on another chain.
pub(crate) fn other_sheet(number: u8) -> String {
    let sheet = tulou_proofs::KeySheet::parse(&sheet()).expect("sheet of the vectors");
    let tulou_proofs::KeySheet { genesis, epoch_length, epoch, validators, .. } = sheet;
    let other = tulou_proofs::KeySheet::new(
        100 + u64::from(number),
        genesis,
        epoch_length,
        epoch,
        validators,
    );
    other.expect("sound values").print()
}
