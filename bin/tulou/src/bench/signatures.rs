//! What the signature of one transaction costs, by kind of key: on one thread, so that it is not the
//! machine's cores that are measured.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use tulou_client::Key;
use tulou_primitives::{
    SignedSm2, Tx,
    sm::{Sm2Key, sm3},
};

use crate::{bench::report::Row, dev::CHAIN_ID, output::Failure};

/// Transactions of each kind.
const COUNT: u64 = 2_000;
/// Times that all of them are checked; the best counts, because others share the machine.
const ROUNDS: usize = 5;
/// Bytes of the message whose hash is measured.
const MESSAGE: usize = 64 << 10;

/// Rows of the same transfer signed by each kind of key, decoding included.
pub(crate) fn measure() -> Result<Vec<Row>, Failure> {
    let wallet = Key::test(0)?;
    let to = Address::repeat_byte(7);
    let secp256k1: Vec<Bytes> =
        (0..COUNT).map(|nonce| wallet.sign_transfer(CHAIN_ID, nonce, to, U256::from(1))).collect();
    let key = Sm2Key::from_bytes(&B256::repeat_byte(7));
    let key = key.ok_or_else(|| Failure("no SM2 key".into()))?;
    let sm2: Vec<Bytes> = (0..COUNT)
        .map(|nonce| {
            let tx = TxEip1559 {
                chain_id: CHAIN_ID,
                nonce,
                gas_limit: 52_500,
                to: TxKind::Call(to),
                value: U256::from(1),
                ..Default::default()
            };
            SignedSm2::sign(tx, &key).encoded_2718().into()
        })
        .collect();
    // By turns, so that what else the machine does falls on both.
    let (mut recovery, mut verify): (f64, f64) = (0.0, 0.0);
    for _ in 0..ROUNDS {
        recovery = recovery.max(checks_per_s(&secp256k1)?);
        verify = verify.max(checks_per_s(&sm2)?);
    }
    let row = |name: &str, rate: f64| Row {
        checks_per_s: Some(rate),
        of_recovery: Some(rate / recovery),
        ..Row::named(name)
    };
    let hash = Row { mb_per_s: Some(sm3_mb_per_s()), ..Row::named("SM3, 64 KiB, 1 thread") };
    Ok(vec![
        row("secp256k1 recovery, 1 thread", recovery),
        row("SM2 verify, 1 thread", verify),
        hash,
    ])
}

/// Transactions whose sender one thread finds in a second.
fn checks_per_s(transactions: &[Bytes]) -> Result<f64, Failure> {
    let begun = Instant::now();
    for raw in transactions {
        Tx::decode(raw.clone())
            .and_then(|tx| tx.sender())
            .map_err(|error| Failure(error.to_string()))?;
    }
    Ok(transactions.len() as f64 / begun.elapsed().as_secs_f64())
}

fn sm3_mb_per_s() -> f64 {
    let message = vec![0x53; MESSAGE];
    let mut best: f64 = 0.0;
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        for _ in 0..100 {
            std::hint::black_box(sm3(std::hint::black_box(&message)));
        }
        best = best.max(100.0 * MESSAGE as f64 / 1e6 / begun.elapsed().as_secs_f64());
    }
    best
}

pub(crate) fn file_beside(out: &Path) -> PathBuf {
    out.with_file_name("signatures.json")
}
