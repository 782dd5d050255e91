//! What the tests stand on: a state in a map, accounts that sign, and a native module that counts.

use std::{collections::BTreeMap, sync::Arc};

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, address, hex};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use tulou_primitives::{AccountState, ChangeSet, StateError, StateReader, Tx};
use tulou_slots::{Cx, Fault, Place, Res, Slot, dispatch, ensure, record};

use crate::{
    BlockEnv, CallFault, CallOutcome, CallRequest, Executed, Overrides,
    call::Scene,
    executor::execute_with,
    provider::{Entry, MARKER, Natives, marker_hash},
};

pub(crate) const CHAIN_ID: u64 = 7755;
pub(crate) const GAS_LIMIT: u64 = 60_000_000;
/// The module that counts, and a second one with the same code that it calls.
pub(crate) const COUNTER: Address = address!("7755000000000000000000000000000000000091");
pub(crate) const OTHER: Address = address!("7755000000000000000000000000000000000092");
/// Callable once the module marked it.
pub(crate) const ASSET: Address = address!("7755000000000000000000000000000000000193");

pub(crate) const PROBE: &str = include_str!("../testdata/Probe_sol_Probe.bin");
pub(crate) const HATCHERY: &str = include_str!("../testdata/Probe_sol_Hatchery.bin");
pub(crate) const TOKEN: &str = include_str!("../testdata/Token_sol_Token.bin");

alloy_sol_types::sol! {
    interface ICounter {
        error TooMuch(uint256 asked);
        event Added(address indexed who, uint256 total);
        function add(uint256 n) external returns (uint256 total);
        function note() external;
        function total() external view returns (uint256 total);
        function clear() external;
        function relay(uint256 n) external returns (uint256 total);
        function tryRelay(uint256 n) external returns (bool done);
        function spin() external;
        function breakDown() external;
        function sneak() external view;
        function make() external;
        function clock() external view returns (uint64 now, uint64 height, uint64 chain);
    }
    interface IProbe {
        event Seen(uint256 total);
        function nested(uint256 n) external;
        function caught(uint256 n) external returns (bytes memory reason);
        function note() external;
        function total() external view returns (uint256 total);
        function byCall(bytes input) external payable returns (bool ok, bytes memory output);
        function byCallWithGas(uint256 most, bytes input) external returns (bool ok, bytes memory output);
        function byStaticCall(bytes input) external view returns (bool ok, bytes memory output);
        function byDelegateCall(bytes input) external returns (bool ok, bytes memory output);
    }
    interface IHatchery {
        function hatch(bytes32 salt) external payable returns (address hatched);
    }
    interface IToken {
        error ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed);
        event Transfer(address indexed from, address indexed to, uint256 value);
        function transfer(address to, uint256 value) external returns (bool ok);
        function balanceOf(address who) external view returns (uint256 balance);
    }
}

record! { struct State { total: Slot<U256> } }
fn st() -> State {
    State::at(U256::ZERO)
}

/// Refused after the write and the event, so that the tests see them undone.
fn add(cx: &mut Cx<'_>, n: U256) -> Res<U256> {
    let total = st().total.get(cx)?.checked_add(n).ok_or_else(Fault::overflow)?;
    st().total.set(cx, total)?;
    cx.emit(ICounter::Added { who: cx.caller, total })?;
    ensure!(n <= U256::from(1_000), ICounter::TooMuch { asked: n });
    Ok(total)
}
fn spin(cx: &mut Cx<'_>) -> Res<()> {
    loop {
        cx.host.charge(1_000)?;
    }
}
fn break_down() -> Res<()> {
    Err(Fault::Fatal("broken".into()))
}
fn clock(cx: &mut Cx<'_>) -> ICounter::clockReturn {
    ICounter::clockReturn { now: cx.now(), height: cx.host.height(), chain: cx.host.chain_id() }
}
dispatch! { ICounter, cx;
    write addCall(c) => add(cx, c.n)?;
    write noteCall(_) => add(cx, U256::ONE).map(drop)?.into();
    view totalCall(_) => st().total.get(cx)?;
    write clearCall(_) => st().total.set(cx, U256::ZERO)?.into();
    write relayCall(c) => cx.on(OTHER, |cx| add(cx, c.n))?;
    write tryRelayCall(c) => cx.attempt(|cx| cx.on(OTHER, |cx| add(cx, c.n)))?.is_ok();
    view spinCall(_) => spin(cx)?.into();
    write breakDownCall(_) => break_down()?.into();
    view sneakCall(_) => add(cx, U256::ONE).map(drop)?.into();
    write makeCall(_) => cx.host.mark(ASSET)?.into();
    view clockCall(_) => clock(cx);
}

fn route(at: &Address) -> Option<Entry> {
    [COUNTER, OTHER, ASSET].contains(at).then_some(entry as Entry)
}

pub(crate) const NATIVES: Natives = Natives { route, warm: || vec![COUNTER, OTHER], sight: None };

/// A state in maps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct MapState {
    pub(crate) accounts: BTreeMap<Address, AccountState>,
    pub(crate) slots: BTreeMap<(Address, U256), U256>,
    pub(crate) code: BTreeMap<B256, Bytes>,
}

impl StateReader for MapState {
    fn account(&self, address: Address) -> Result<Option<AccountState>, StateError> {
        Ok(self.accounts.get(&address).copied())
    }
    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        Ok(self.slots.get(&(address, slot)).copied().unwrap_or_default())
    }
    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        self.code.get(&hash).cloned().ok_or_else(|| StateError(format!("no code {hash}")))
    }
    fn block_hash(&self, height: u64) -> Result<B256, StateError> {
        Ok(B256::from(U256::from(height)))
    }
}

impl MapState {
    pub(crate) fn apply(&mut self, changes: &ChangeSet) {
        self.code.extend(changes.code.clone());
        for (address, change) in &changes.accounts {
            if change.wipe || change.state.is_none() {
                self.slots.retain(|(owner, _), _| owner != address);
            }
            match change.state {
                Some(state) => self.accounts.insert(*address, state),
                None => self.accounts.remove(address),
            };
            for (slot, value) in &change.storage {
                if value.is_zero() {
                    self.slots.remove(&(*address, *slot));
                } else {
                    self.slots.insert((*address, *slot), *value);
                }
            }
        }
    }
}

/// A ledger of which only the state is kept.
pub(crate) struct World {
    pub(crate) state: MapState,
    pub(crate) height: u64,
    pub(crate) me: PrivateKeySigner,
}

impl World {
    /// The two modules and one account without a balance.
    pub(crate) fn new() -> Self {
        let mut state = MapState::default();
        for at in [COUNTER, OTHER] {
            let marked = AccountState { nonce: 1, balance: U256::ZERO, code_hash: marker_hash() };
            state.accounts.insert(at, marked);
        }
        state.code.insert(marker_hash(), Bytes::from_static(&MARKER));
        Self { state, height: 0, me: signer(1) }
    }

    pub(crate) fn env(&self) -> BlockEnv {
        BlockEnv {
            chain_id: CHAIN_ID,
            height: self.height + 1,
            timestamp: 1_700_000_000 + self.height,
            gas_limit: GAS_LIMIT,
            beneficiary: Address::repeat_byte(0xbe),
            prevrandao: B256::ZERO,
            next_validators: None,
            terms: None,
        }
    }

    pub(crate) fn fund(&mut self, who: Address, wei: u64) {
        self.state.accounts.entry(who).or_default().balance = U256::from(wei);
    }

    pub(crate) fn nonce(&self, who: Address) -> u64 {
        self.state.accounts.get(&who).map_or(0, |account| account.nonce)
    }

    /// Executes a block and moves on to the state after it.
    pub(crate) fn block(&mut self, txs: &[Arc<Tx>]) -> Executed {
        let executed = execute_with(&self.state, &self.env(), txs, NATIVES).unwrap();
        self.state.apply(&executed.changes);
        self.height += 1;
        executed
    }

    /// One transaction from the account, in a block of its own.
    pub(crate) fn send(&mut self, to: TxKind, input: Vec<u8>, value: u64) -> Executed {
        let tx = self.tx(to, input, value);
        self.block(&[tx])
    }

    /// The account's next transaction, with a price that it could not pay.
    pub(crate) fn tx(&self, to: TxKind, input: Vec<u8>, value: u64) -> Arc<Tx> {
        let nonce = self.nonce(self.me.address());
        sign(
            &self.me,
            TxEip1559 { to, input: input.into(), nonce, value: U256::from(value), ..blank() },
        )
    }

    /// Deploys a contract and gives its address.
    pub(crate) fn deploy(&mut self, code: &str, arguments: &[u8]) -> Address {
        let at = self.me.address().create(self.nonce(self.me.address()));
        let input = [hex::decode(code.trim()).unwrap(), arguments.to_vec()].concat();
        let executed = self.send(TxKind::Create, input, 0);
        assert!(executed.receipts[0].status(), "deployment failed");
        at
    }

    pub(crate) fn deploy_probe(&mut self) -> Address {
        self.deploy(PROBE, COUNTER.into_word().as_slice())
    }

    /// A call that must go through.
    pub(crate) fn answer<C: SolCall>(&self, to: Address, call: &C) -> C::Return {
        match self.call(&self.request(to, call), None).unwrap() {
            CallOutcome::Success { output, .. } => C::abi_decode_returns(&output).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn request<C: SolCall>(&self, to: Address, call: &C) -> CallRequest {
        let from = self.me.address();
        CallRequest { from, to: Some(to), input: call.abi_encode().into(), ..Default::default() }
    }

    pub(crate) fn call(
        &self,
        request: &CallRequest,
        overrides: Option<&Overrides>,
    ) -> Result<CallOutcome, CallFault> {
        let env = self.env();
        let scene = Scene { state: &self.state, env: &env, overrides, natives: NATIVES };
        scene.call(request, GAS_LIMIT)
    }

    pub(crate) fn total(&self, at: Address) -> U256 {
        self.answer(at, &ICounter::totalCall {})
    }
}

pub(crate) fn signer(seed: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(seed)).unwrap()
}

/// A transaction with a price above zero, which nobody here can pay.
pub(crate) fn blank() -> TxEip1559 {
    TxEip1559 {
        chain_id: CHAIN_ID,
        gas_limit: 2_000_000,
        max_fee_per_gas: 1_000_000_000,
        max_priority_fee_per_gas: 1,
        ..Default::default()
    }
}

pub(crate) fn sign<T>(who: &PrivateKeySigner, tx: T) -> Arc<Tx>
where
    T: SignableTransaction<alloy_primitives::Signature>,
    TxEnvelope: From<alloy_consensus::Signed<T>>,
{
    let signature = who.sign_hash_sync(&tx.signature_hash()).unwrap();
    let envelope = TxEnvelope::from(tx.into_signed(signature));
    let hash = *envelope.hash();
    let tx = Tx::from_envelope(envelope);
    assert_eq!(tx.hash(), hash);
    tx
}
