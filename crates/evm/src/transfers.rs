//! Events of a call in the order in which they happened, native transfers among them where wanted.

use alloy_primitives::{Address, B256, Log, U256, address, b256};
use revm::{
    Inspector,
    context_interface::{ContextTr, JournalTr},
    inspector::JournalExt,
    interpreter::{CallInputs, CallOutcome, CreateInputs, CreateOutcome, InterpreterTypes},
};

/// Who emits a native transfer in a simulation.
const NATIVE: Address = address!("eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee");
/// keccak256 of `Transfer(address,address,uint256)`.
const TRANSFER: B256 = b256!("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");

/// Collects events; those of a frame that fails go with it.
#[derive(Debug, Default)]
pub(crate) struct Transfers {
    native: bool,
    /// By place in the block.
    logs: Vec<(u64, Log)>,
    /// Place of the next event; it is not given again where one is undone.
    next: u64,
    /// How many events there were when each open frame began.
    frames: Vec<usize>,
}

impl Transfers {
    pub(crate) fn new(native: bool, next: u64) -> Self {
        Self { native, next, ..Default::default() }
    }

    /// The events and the place of the next one.
    pub(crate) fn take(&mut self) -> (Vec<(u64, Log)>, u64) {
        self.frames.clear();
        (std::mem::take(&mut self.logs), self.next)
    }

    fn add(&mut self, log: Log) {
        self.logs.push((self.next, log));
        self.next += 1;
    }

    fn begin(&mut self) {
        self.frames.push(self.logs.len());
    }

    fn end(&mut self, success: bool) {
        let before = self.frames.pop().unwrap_or_default();
        if !success {
            self.logs.truncate(before);
        }
    }

    fn moved(&mut self, from: Address, to: Address, wei: U256) {
        if self.native && !wei.is_zero() {
            let topics = vec![TRANSFER, from.into_word(), to.into_word()];
            let data = wei.to_be_bytes::<32>().into();
            self.add(Log::new_unchecked(NATIVE, topics, data));
        }
    }
}

impl<CTX: ContextTr<Journal: JournalExt>, INTR: InterpreterTypes> Inspector<CTX, INTR>
    for Transfers
{
    fn log(&mut self, _context: &mut CTX, log: Log) {
        self.add(log);
    }

    fn call(&mut self, _context: &mut CTX, inputs: &mut CallInputs) -> Option<CallOutcome> {
        self.begin();
        if let Some(wei) = inputs.transfer_value() {
            self.moved(inputs.transfer_from(), inputs.transfer_to(), wei);
        }
        None
    }

    fn call_end(&mut self, _context: &mut CTX, _: &CallInputs, outcome: &mut CallOutcome) {
        self.end(outcome.result.is_ok());
    }

    fn create(&mut self, context: &mut CTX, inputs: &mut CreateInputs) -> Option<CreateOutcome> {
        self.begin();
        if let Ok(caller) = context.journal_mut().load_account(inputs.caller()) {
            let created = inputs.created_address(caller.data.info.nonce);
            self.moved(inputs.caller(), created, inputs.value());
        }
        None
    }

    fn create_end(&mut self, _context: &mut CTX, _: &CreateInputs, outcome: &mut CreateOutcome) {
        self.end(outcome.result.is_ok());
    }

    fn selfdestruct(&mut self, contract: Address, target: Address, value: U256) {
        self.moved(contract, target, value);
    }
}
