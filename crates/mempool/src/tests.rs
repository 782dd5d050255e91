mod shares;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use alloy_consensus::{SignableTransaction, Transaction, TxEip1559, TxEnvelope, TxLegacy};
use alloy_eips::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, TxKind, U256, address};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use parking_lot::Mutex;
use proptest::prelude::*;
use tulou_primitives::{
    AccountState, Batch, BatchSignature, Block, Call, Header, SignedBatch, SignedSm2, StateError,
    StateReader, Tx, Window, sm::Sm2Key,
};

use super::*;

const CHAIN: u64 = 7;

/// A state of accounts alone, shared with the test.
#[derive(Clone, Default)]
struct World(Arc<Mutex<HashMap<Address, AccountState>>>);

impl World {
    fn set(&self, who: Address, nonce: u64, balance: u64) {
        let state =
            AccountState { nonce, balance: U256::from(balance), code_hash: KECCAK256_EMPTY };
        self.0.lock().insert(who, state);
    }
}

impl HeadState for World {
    fn head_state(&self) -> Arc<dyn StateReader> {
        Arc::new(self.clone())
    }
}

impl StateReader for World {
    fn account(&self, address: Address) -> Result<Option<AccountState>, StateError> {
        if address == Address::repeat_byte(0xee) {
            return Err(StateError("the disk is gone".into()));
        }
        Ok(self.0.lock().get(&address).copied())
    }

    fn storage(&self, _: Address, _: U256) -> Result<U256, StateError> {
        Ok(U256::ZERO)
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        // One account is delegated (EIP-7702), any other with code is a contract.
        let delegated = [&[0xef, 0x01, 0x00][..], &[1; 20]].concat();
        Ok(if hash == B256::repeat_byte(1) { delegated.into() } else { Bytes::from_static(&[0]) })
    }

    fn block_hash(&self, _: u64) -> Result<B256, StateError> {
        Ok(B256::ZERO)
    }
}

fn key(n: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(n)).unwrap()
}

/// A transfer of nothing that any account can send.
fn plain(nonce: u64) -> TxEip1559 {
    TxEip1559 {
        chain_id: CHAIN,
        nonce,
        gas_limit: 21_000,
        to: TxKind::Call(Address::repeat_byte(9)),
        ..Default::default()
    }
}

fn signed<T>(tx: T, key: &PrivateKeySigner) -> Bytes
where
    T: SignableTransaction<alloy_primitives::Signature>,
    TxEnvelope: From<alloy_consensus::Signed<T>>,
{
    let signature = key.sign_hash_sync(&tx.signature_hash()).unwrap();
    TxEnvelope::from(tx.into_signed(signature)).encoded_2718().into()
}

fn send(nonce: u64, by: u8) -> Bytes {
    signed(plain(nonce), &key(by))
}

fn config() -> MempoolConfig {
    MempoolConfig { chain_id: CHAIN, recovery_threads: 2, ..Default::default() }
}

fn pool(config: MempoolConfig) -> (Mempool, World) {
    let world = World::default();
    (Mempool::new(config, world.clone()), world)
}

fn block(timestamp: u64, txs: &[Bytes]) -> Block {
    let header = Header { timestamp, ..Default::default() };
    Block::new(header, txs.iter().map(|raw| Tx::decode(raw.clone()).unwrap()).collect())
}

fn nonces(pool: &Mempool) -> Vec<(Address, u64)> {
    pool.best(usize::MAX).map(|tx| (tx.sender().unwrap(), tx.envelope().nonce())).collect()
}

#[test]
fn every_reason_to_refuse_is_given_in_its_order() {
    let (pool, world) = pool(MempoolConfig { tx_bytes: 60_000, nonce_gap: 2, ..config() });
    let me = key(1);
    world.set(me.address(), 5, 100);
    let contract = key(2).address();
    world
        .0
        .lock()
        .insert(contract, AccountState { code_hash: B256::repeat_byte(2), ..Default::default() });
    let sign = |tx: TxEip1559| signed(tx, &me);
    let create = |size: usize| TxEip1559 {
        to: TxKind::Create,
        input: vec![0; size].into(),
        gas_limit: 10_000_000,
        ..plain(5)
    };
    let mut junk_signature =
        plain(5).into_signed(alloy_primitives::Signature::new(U256::MAX, U256::from(1), false));
    let junk = TxEnvelope::from(junk_signature.clone()).encoded_2718();
    junk_signature = plain(5).into_signed(me.sign_hash_sync(&plain(5).signature_hash()).unwrap());
    let mut trailing = TxEnvelope::from(junk_signature).encoded_2718();
    trailing.push(0);
    let unprotected = TxLegacy { nonce: 5, gas_limit: 21_000, ..Default::default() };
    let cases: Vec<(Bytes, &str)> = vec![
        (vec![0; 60_001].into(), "oversized data"),
        (Bytes::new(), "rlp"),
        (Bytes::from_static(&[0xff; 40]), "rlp"),
        (trailing.into(), "rlp"),
        (Bytes::from_static(&[0x77, 0xc0]), "transaction type not supported: 0x77"),
        (signed(unprotected, &me), "only replay-protected"),
        (sign(TxEip1559 { chain_id: 8, ..plain(5) }), "invalid chain id: have 8, want 7"),
        (
            sign(TxEip1559 { max_priority_fee_per_gas: 1, ..plain(5) }),
            "max priority fee per gas higher",
        ),
        (
            sign(TxEip1559 { gas_limit: (1 << 24) + 1, ..plain(5) }),
            "transaction gas limit too high (cap: 16777216, tx: 16777217)",
        ),
        (sign(create(49_153)), "max initcode size exceeded: code size 49153, limit 49152"),
        (
            sign(TxEip1559 { gas_limit: 20_999, ..plain(5) }),
            "intrinsic gas too low: gas 20999, minimum needed 21000",
        ),
        (junk.into(), "invalid sender"),
        (signed(plain(0), &key(2)), "sender not an eoa"),
        (sign(plain(4)), "nonce too low"),
        (
            sign(TxEip1559 { value: U256::from(101), ..plain(5) }),
            "insufficient funds for gas * price + value",
        ),
        (sign(plain(8)), "nonce too high"),
    ];
    for (raw, reason) in cases {
        let refused = pool.submit(raw).unwrap_err().to_string();
        assert!(refused.starts_with(reason), "{refused:?} is not {reason:?}");
    }
    assert_eq!(pool.stats(), Stats::default());
    // The last on the good side of each threshold.
    pool.submit(sign(create(49_152))).unwrap();
    pool.submit(sign(TxEip1559 { value: U256::from(100), ..plain(6) })).unwrap();
    pool.submit(sign(plain(9))).unwrap();
    assert_eq!(pool.submit(sign(plain(9))), Err(Refused::AlreadyKnown));
    assert_eq!(pool.stats().pending, 2);
    assert_eq!(pool.stats().queued, 1);
    pool.verify();
}

#[test]
fn the_floor_of_calldata_counts_where_it_is_higher() {
    // bytes of input (not zero), minimum by the standard and by the floor of EIP-7623
    for (bytes, needed) in [(0usize, 21_000u64), (1, 21_040), (100, 25_000)] {
        let tx = TxEip1559 { input: vec![1; bytes].into(), ..plain(0) };
        assert_eq!(checks::intrinsic_gas(&tx), needed, "{bytes}");
    }
    let create = TxEip1559 { to: TxKind::Create, input: vec![0; 33].into(), ..plain(0) };
    assert_eq!(checks::intrinsic_gas(&create), 21_000 + 33 * 4 + 32_000 + 2 * 2);
}

#[test]
fn a_signature_by_sm2_costs_more_at_the_door() {
    let (pool, state) = pool(config());
    let key = Sm2Key::from_bytes(&B256::repeat_byte(1)).unwrap();
    let from = key.public_key().address();
    state.set(from, 5, 0);
    let sm2 = |gas_limit, input: Bytes| -> Bytes {
        let tx = TxEip1559 { gas_limit, input, ..plain(5) };
        SignedSm2::sign(tx, &key).encoded_2718().into()
    };
    for (bytes, needed) in [(0usize, 52_500u64), (100, 56_500)] {
        let input = Bytes::from(vec![1; bytes]);
        let refused = pool.submit(sm2(needed - 1, input.clone()));
        assert_eq!(refused, Err(Refused::IntrinsicGas { gas: needed - 1, needed }));
        if bytes != 0 {
            assert!(pool.submit(sm2(needed, input)).is_ok());
        }
    }
}

#[test]
fn a_delegated_account_may_send() {
    let (pool, world) = pool(config());
    let state = AccountState { code_hash: B256::repeat_byte(1), ..Default::default() };
    world.0.lock().insert(key(1).address(), state);
    pool.submit(send(0, 1)).unwrap();
}

#[test]
fn a_gap_waits_and_closes() {
    let (pool, _) = pool(config());
    let me = key(1).address();
    pool.submit(send(2, 1)).unwrap();
    pool.submit(send(1, 1)).unwrap();
    assert_eq!(pool.best(10).count(), 0);
    assert_eq!(pool.pending_nonce(me), Ok(0));
    pool.submit(send(0, 1)).unwrap();
    assert_eq!(nonces(&pool), [(me, 0), (me, 1), (me, 2)]);
    assert_eq!(pool.pending_nonce(me), Ok(3));
    assert_eq!(pool.stats().queued, 0);
    pool.verify();
}

#[test]
fn senders_take_turns_and_the_served_go_to_the_back() {
    let (pool, world) = pool(config());
    let (a, b) = (key(1).address(), key(2).address());
    let sent: Vec<_> = (0..3).map(|nonce| send(nonce, 1)).collect();
    for raw in sent.iter().cloned().chain([send(0, 2), send(1, 2)]) {
        pool.submit(raw).unwrap();
    }
    assert_eq!(nonces(&pool), [(a, 0), (b, 0), (a, 1), (b, 1), (a, 2)]);
    assert_eq!(pool.best(2).count(), 2);
    world.set(a, 1, 0);
    pool.on_final(&block(1, &sent[..1]));
    assert_eq!(nonces(&pool), [(b, 0), (a, 1), (b, 1), (a, 2)]);
    // What an unfinal ancestor holds is passed over.
    let mut ahead = Ahead::default();
    ahead.add(&block(2, &sent[1..2]));
    let beyond: Vec<_> = pool.best_beyond(9, &ahead).map(|tx| tx.envelope().nonce()).collect();
    assert_eq!(beyond, [0, 2, 1]);
    // An ancestor that holds more than has come here, or less than is final, changes nothing.
    ahead.add(&block(2, &[send(9, 1)]));
    let beyond: Vec<_> = pool.best_beyond(9, &ahead).map(|tx| tx.envelope().nonce()).collect();
    assert_eq!(beyond, [0, 1]);
    let mut behind = Ahead::default();
    behind.add(&block(2, &sent[..1]));
    assert_eq!(pool.best_beyond(9, &behind).count(), 4);
    pool.verify();
}

#[test]
fn a_sender_is_recovered_once_wherever_the_transaction_comes_first() {
    let (pool, world) = pool(config());
    let me = key(1).address();
    pool.submit(send(0, 1)).unwrap();
    let came = pool.with_senders(block(1, &[send(0, 1), send(1, 1)]));
    let senders =
        |block: &Block| block.transactions().iter().map(|tx| tx.known_sender()).collect::<Vec<_>>();
    assert_eq!(senders(&came), [Some(me), Some(me)]);
    let waiting = pool.known(&came.transactions()[0].hash()).unwrap();
    assert!(Arc::ptr_eq(&came.transactions()[0], &waiting));
    // What came in a block first is admitted like any other while that block is not final ...
    pool.submit(send(1, 1)).unwrap();
    assert_eq!(nonces(&pool), [(me, 0), (me, 1)]);
    // ... and refused for its nonce once it is.
    world.set(me, 2, 0);
    pool.on_final(&came);
    assert!(matches!(pool.submit(send(1, 1)), Err(Refused::NonceTooLow { nonce: 1, .. })));
    pool.verify();
}

#[test]
fn a_block_with_a_signature_of_nobody_comes_back_whole() {
    let (pool, _) = pool(config());
    let mut raw = send(0, 1).to_vec();
    // The last 32 bytes are `s`: a high one recovers nobody.
    let end = raw.len();
    raw[end - 32..].fill(0xff);
    let came = pool.with_senders(block(1, &[raw.into(), send(1, 1)]));
    assert_eq!(came.transactions()[0].known_sender(), None);
    assert_eq!(came.transactions()[1].known_sender(), Some(key(1).address()));
}

#[test]
fn only_fees_a_tenth_higher_replace() {
    let (pool, _) = pool(config());
    let fee = |fee: u128| {
        let (max_fee_per_gas, max_priority_fee_per_gas) = (fee, fee);
        signed(TxEip1559 { max_fee_per_gas, max_priority_fee_per_gas, ..plain(0) }, &key(1))
    };
    let other = TxEip1559 { to: TxKind::Call(Address::ZERO), ..plain(0) };
    pool.submit(fee(0)).unwrap();
    assert_eq!(pool.submit(signed(other, &key(1))), Err(Refused::Underpriced));
    let first = pool.submit(fee(100)).unwrap();
    assert_eq!(pool.submit(fee(109)), Err(Refused::Underpriced));
    pool.submit(fee(110)).unwrap();
    assert_eq!(pool.known(&first).map(|tx| tx.hash()), None);
    assert_eq!(pool.stats().pending, 1);
    pool.verify();
}

#[test]
fn nothing_grows_without_bound() {
    let limits = MempoolConfig { txs: 4, txs_per_sender: 3, queued: 1, ..config() };
    let (pool, _) = pool(limits);
    for nonce in 0..3 {
        pool.submit(send(nonce, 1)).unwrap();
    }
    let full = pool.submit(send(3, 1)).unwrap_err();
    assert_eq!(full, Refused::SenderFull { sender: key(1).address(), limit: 3 });
    assert!(full.is_transient());
    pool.submit(send(1, 2)).unwrap();
    assert_eq!(pool.submit(send(0, 3)), Err(Refused::PoolFull { waiting: 4 }));
    // A replacement needs no room of its own.
    let dearer = TxEip1559 { max_fee_per_gas: 1, max_priority_fee_per_gas: 1, ..plain(0) };
    pool.submit(signed(dearer, &key(1))).unwrap();
    let (small, _) = self::pool(MempoolConfig { bytes: 150, queued: 1, ..config() });
    small.submit(send(1, 1)).unwrap();
    assert_eq!(small.submit(send(1, 2)), Err(Refused::PoolFull { waiting: 1 }));
    assert_eq!(small.submit(send(0, 2)), Err(Refused::PoolFull { waiting: 1 }));
    pool.verify();
    small.verify();
}

/// A call to a module, whatever it says: decisions are at 0x7755..0b for good.
fn call(nonce: u64, by: u8) -> Bytes {
    signed(to_decisions(nonce), &key(by))
}

fn to_decisions(nonce: u64) -> TxEip1559 {
    let to = address!("775500000000000000000000000000000000000b").into();
    TxEip1559 { to, gas_limit: 60_000, ..plain(nonce) }
}

#[test]
fn what_waits_too_long_for_a_gap_is_dropped() {
    let (pool, _) = pool(MempoolConfig { queued_lifetime_s: 10, ..config() });
    pool.on_final(&block(100, &[]));
    pool.submit(send(1, 1)).unwrap();
    pool.submit(send(0, 2)).unwrap();
    pool.on_final(&block(110, &[]));
    assert_eq!(pool.stats().queued, 1);
    pool.on_final(&block(111, &[]));
    assert_eq!((pool.stats().queued, pool.stats().pending), (0, 1));
    pool.verify();
}

#[test]
fn what_waited_before_the_first_block_waits_on() {
    let (pool, _) = pool(MempoolConfig { queued_lifetime_s: 10, ..config() });
    pool.submit(send(1, 1)).unwrap();
    pool.on_final(&block(100, &[]));
    assert_eq!(pool.stats().queued, 1);
    pool.on_final(&block(110, &[]));
    assert_eq!(pool.stats().queued, 1);
    pool.on_final(&block(111, &[]));
    assert_eq!(pool.stats().queued, 0);
    pool.verify();
}

#[test]
fn a_batch_is_answered_one_by_one() {
    let (pool, _) = pool(config());
    let mut feed = pool.subscribe();
    let raws = vec![send(0, 1), Bytes::from_static(&[1]), send(1, 1), send(0, 1), send(0, 2)];
    let results = pool.submit_many(raws);
    let fine: Vec<_> = results.iter().map(Result::is_ok).collect();
    assert_eq!(fine, [true, false, true, false, true]);
    assert_eq!(results[3], Err(Refused::AlreadyKnown));
    assert_eq!(feed.try_recv().unwrap().hash(), *results[0].as_ref().unwrap());
}

#[test]
fn discarding_makes_followers_wait() {
    let (pool, _) = pool(config());
    let first = pool.submit(send(0, 1)).unwrap();
    pool.submit(send(1, 1)).unwrap();
    assert!(pool.discard(&first));
    assert!(!pool.discard(&first));
    assert_eq!((pool.stats().pending, pool.stats().queued), (0, 1));
    pool.verify();
}

/// Someone who waits for something to execute, and finds nothing yet.
async fn waiter(pool: &Arc<Mempool>) -> tokio::task::JoinHandle<()> {
    let pool = pool.clone();
    let waiting = tokio::spawn(async move { pool.wait_ready().await });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    waiting
}

#[tokio::test]
async fn waiting_ends_when_something_can_execute() {
    let (pool, _) = pool(config());
    let pool = Arc::new(pool);
    pool.submit(send(1, 1)).unwrap();
    let waiting = waiter(&pool).await;
    pool.submit(send(0, 1)).unwrap();
    waiting.await.unwrap();
    pool.wait_ready().await;
}

#[tokio::test]
async fn waiting_ends_when_a_block_closes_a_gap() {
    let (pool, world) = pool(config());
    let pool = Arc::new(pool);
    // The transaction before it never came by itself, but in a block.
    pool.submit(send(1, 1)).unwrap();
    let waiting = waiter(&pool).await;
    world.set(key(1).address(), 1, 100);
    pool.on_final(&block(1, &[send(0, 1)]));
    tokio::time::timeout(std::time::Duration::from_secs(10), waiting)
        .await
        .expect("nobody is told")
        .unwrap();
}

/// One thing that happens to a pool: a transaction comes, one is discarded, a block takes some.
#[derive(Clone, Debug)]
enum Step {
    Submit { by: u8, nonce: u64, fee: u128, to_module: bool },
    Discard { at: usize },
    Final { take: usize },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1u8..4, 0u64..12, 0u128..3, any::<bool>()).prop_map(|(by, nonce, fee, to_module)| {
            Step::Submit { by, nonce, fee: fee * 10, to_module }
        }),
        1 => (0usize..20).prop_map(|at| Step::Discard { at }),
        2 => (0usize..6).prop_map(|take| Step::Final { take }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever happens, the books add up, the bounds hold, and what is offered can execute in order.
    #[test]
    fn the_books_always_add_up(steps in prop::collection::vec(step(), 1..60)) {
        let limits = MempoolConfig {
            txs: 16, few: 2, txs_per_sender: 6, queued: 8, nonce_gap: 5, queued_lifetime_s: 5, ..config()
        };
        let (pool, world) = pool(limits);
        let mut next: BTreeMap<Address, u64> = BTreeMap::new();
        for (time, step) in (1u64..).zip(steps) {
            match step {
                Step::Submit { by, nonce, fee, to_module } => {
                    let (max_fee_per_gas, max_priority_fee_per_gas) = (fee, fee);
                    let plain = if to_module { to_decisions(nonce) } else { plain(nonce) };
                    let tx = TxEip1559 { max_fee_per_gas, max_priority_fee_per_gas, ..plain };
                    let _ = pool.submit(signed(tx, &key(by)));
                }
                Step::Discard { at } => {
                    if let Some(tx) = pool.best(at + 1).last() {
                        pool.discard(&tx.hash());
                    }
                }
                Step::Final { take } => {
                    let txs: Vec<_> = pool.best(take).map(|tx| tx.raw().clone()).collect();
                    let block = block(time, &txs);
                    for tx in block.transactions() {
                        let sender = tx.sender().unwrap();
                        next.insert(sender, tx.envelope().nonce() + 1);
                        world.set(sender, tx.envelope().nonce() + 1, 0);
                    }
                    pool.on_final(&block);
                }
            }
            pool.verify();
            let stats = pool.stats();
            prop_assert!(stats.pending + stats.queued <= 16);
            let mut expected = next.clone();
            let best: Vec<_> = pool.best(usize::MAX).collect();
            prop_assert_eq!(best.len(), stats.pending);
            for tx in best {
                let nonce = expected.entry(tx.sender().unwrap()).or_default();
                prop_assert_eq!(tx.envelope().nonce(), *nonce);
                *nonce += 1;
            }
        }
    }

    /// No bytes make admission panic, and none of these are a transaction.
    #[test]
    fn junk_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let (pool, _) = pool(MempoolConfig { recovery_threads: 1, ..config() });
        prop_assert!(pool.submit(bytes.into()).is_err());
    }

    /// A valid transaction with one bit turned is refused, or is another sender's.
    #[test]
    fn a_turned_bit_is_never_the_same_sender(bit in 0usize..800) {
        let (pool, _) = pool(MempoolConfig { recovery_threads: 1, ..config() });
        let mut raw = send(0, 1).to_vec();
        let at = bit % (raw.len() * 8);
        raw[at / 8] ^= 1 << (at % 8);
        if let Ok(hash) = pool.submit(raw.into()) {
            let sender = pool.known(&hash).map(|tx| tx.sender().unwrap());
            prop_assert_ne!(sender, Some(key(1).address()));
        }
    }
}

/// A batch of two calls by key 1.
fn batch(nonce: u64, window: Window, to: [Address; 2]) -> Bytes {
    let calls = to.map(|to| Call { to, ..Default::default() }).to_vec();
    let batch =
        Batch { chain_id: CHAIN, nonce, gas_limit: 23_600, calls, window, ..Default::default() };
    let signature = key(1).sign_hash_sync(&batch.signing_hash()).unwrap();
    SignedBatch { batch, signature: BatchSignature::Secp256k1(signature) }.encoded_2718().into()
}

#[test]
fn a_batch_waits_for_its_first_second_and_is_refused_after_its_last() {
    let now = 4_000_000_000;
    let (pool, _) = pool(config());
    // The pool goes by its blocks where they are ahead of the clock.
    pool.on_final(&block(now, &[]));
    let anybody = Address::repeat_byte(9);
    let submit = |nonce, after, before| {
        pool.submit(batch(nonce, Window { after, before }, [anybody; 2]))
            .map_err(|why| why.reason())
    };
    assert_eq!(submit(0, 0, now), Err("expired"));
    assert_eq!(submit(0, now + 601, 0), Err("too_early"));
    assert!(submit(0, now + 600, 0).is_ok());
    assert!(submit(1, 0, now + 1).is_ok());
    let me = key(1).address();
    // The second has the window but not the nonce.
    assert_eq!(nonces(&pool), []);
    pool.on_final(&block(now + 599, &[]));
    assert_eq!(nonces(&pool), []);
    pool.on_final(&block(now + 600, &[]));
    assert_eq!(nonces(&pool), [(me, 0), (me, 1)]);
    pool.verify();
}

#[test]
fn a_batch_is_everyday_where_all_its_calls_are() {
    let module = module();
    let (pool, _) = pool(MempoolConfig { txs: 8, few: 1, ..config() });
    // Seven of eight places are open to who sends little, the eighth for calls of modules alone.
    for by in 2..9 {
        pool.submit(send(0, by)).unwrap();
    }
    let other = Address::repeat_byte(9);
    for mixed in [[other, module], [module, other]] {
        let refused = pool.submit(batch(0, Window::default(), mixed)).unwrap_err();
        assert_eq!(refused.reason(), "pool_full");
    }
    pool.submit(batch(0, Window::default(), [module; 2])).unwrap();
}

/// The address of some native module.
fn module() -> Address {
    let module = address!("7755000000000000000000000000000000000001");
    assert!(tulou_evm::is_native(&module));
    module
}
