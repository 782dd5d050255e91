//! The founding file: who founds a ledger together and under which rules, in a form that people read
//! and sign off before any key is made.

use std::{collections::BTreeMap, ops::Range};

use alloy_primitives::{Address, B256};
use serde::Deserialize;
use toml::{Spanned, value::Datetime};
use tulou_primitives::{
    CouncilRules, Genesis, GenesisAccount, GenesisMember, NodeKind, OfficeHolder, Share,
};
use tulou_rpc::Readers;

use super::{
    check::{self, Problem, Problems},
    time::seconds_of,
};

/// Gas of a block where the file says nothing: 47,619 plain transfers.
const GAS_LIMIT: u64 = 1_000_000_000;

/// A founding file that was read and found possible.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What the genesis says apart from members and offices.
    pub(super) base: Genesis,
    /// Short name of the ledger, for folders and addresses.
    pub ledger: String,
    /// Members in the order of the file.
    pub members: Vec<PlannedMember>,
    offices: Vec<PlannedOffice>,
    /// Who may read rows of the class `scope` at the members' nodes.
    pub readers: Readers,
    /// What is possible but unwise.
    pub warnings: Vec<Problem>,
}

/// A member as the file names it; its keys may still be missing.
#[derive(Clone, Debug)]
pub struct PlannedMember {
    /// Name in the estate's language.
    pub name: String,
    /// Name of its folder.
    pub folder: String,
    /// Votes in the council.
    pub weight: u32,
    /// What its node does.
    pub kind: NodeKind,
    /// `host:port` for the other nodes.
    pub address: Option<String>,
    /// `host:port` on which its node serves people and programs.
    pub rpc: Option<String>,
    /// Key of its node.
    pub node: Option<B256>,
    /// Account that speaks for it.
    pub account: Option<Address>,
    /// Line of the file.
    pub(super) line: usize,
}

#[derive(Clone, Debug)]
struct PlannedOffice {
    office: String,
    holder: Holder,
    until: u64,
}

#[derive(Clone, Debug)]
enum Holder {
    Member(String),
    Account(Address),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    estate: Spanned<String>,
    ledger: Option<Spanned<String>>,
    chain_id: Spanned<u64>,
    founded: Spanned<Datetime>,
    #[serde(default = "default_epoch")]
    epoch_length: Spanned<u64>,
    #[serde(default = "default_heartbeat")]
    heartbeat_ms: Spanned<u64>,
    #[serde(default)]
    gas_limit: Option<u64>,
    #[serde(default)]
    readers: Readers,
    #[serde(default)]
    packs: Vec<String>,
    council: Option<Spanned<Council>>,
    #[serde(default)]
    member: Vec<Spanned<Member>>,
    #[serde(default)]
    office: Vec<Spanned<Office>>,
    /// Balances of the native coin, which buys nothing: for tools and measurements.
    #[serde(default)]
    accounts: BTreeMap<Address, GenesisAccount>,
    /// As [`Genesis::filler`].
    #[serde(default)]
    filler: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Council {
    participation: Spanned<String>,
    majority: Spanned<String>,
    veto: Spanned<String>,
    voting_s: Spanned<u64>,
    delay_s: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Member {
    name: Spanned<String>,
    folder: Option<Spanned<String>>,
    #[serde(default = "default_weight")]
    weight: u32,
    #[serde(default)]
    kind: NodeKind,
    address: Option<Spanned<String>>,
    rpc: Option<Spanned<String>>,
    node: Option<Spanned<String>>,
    account: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Office {
    office: Spanned<String>,
    member: Option<Spanned<String>>,
    account: Option<Spanned<String>>,
    until: Option<Spanned<Datetime>>,
}

fn default_epoch() -> Spanned<u64> {
    Spanned::new(0..0, 500)
}

fn default_heartbeat() -> Spanned<u64> {
    Spanned::new(0..0, 5_000)
}

fn default_weight() -> u32 {
    1
}

/// Collects what is wrong, with the line it stands on.
pub(super) struct Reader<'t> {
    text: &'t str,
    pub(super) problems: Vec<Problem>,
}

impl Reader<'_> {
    fn line(&self, span: Range<usize>) -> usize {
        self.text.get(..span.start).map_or(1, |before| before.matches('\n').count() + 1)
    }

    fn wrong(&mut self, span: Range<usize>, what: impl Into<String>, cure: impl Into<String>) {
        let line = self.line(span);
        self.problems.push(Problem::error(Some(line), what, cure));
    }

    fn share(&mut self, name: &str, value: &Spanned<String>) -> Share {
        match parse_share(value.get_ref()) {
            Some(share) => share,
            None => {
                self.wrong(
                    value.span(),
                    format!("{name} is {:?}, not a share above 0 and up to 1", value.get_ref()),
                    "write it as a fraction, for example \"2/3\"; a threshold of zero would let \
                     anyone decide",
                );
                Share { num: 1, den: 1 }
            }
        }
    }

    fn time(&mut self, name: &str, value: &Spanned<Datetime>) -> u64 {
        seconds_of(value.get_ref()).unwrap_or_else(|| {
            self.wrong(
                value.span(),
                format!("{name} is {}, not a moment with a time zone", value.get_ref()),
                "write it as 2026-11-24T09:00:00+08:00, without quotes",
            );
            0
        })
    }

    fn key(&mut self, what: &str, value: &Option<Spanned<String>>) -> Option<B256> {
        let value = value.as_ref()?;
        let key = value.get_ref().parse::<B256>().ok();
        if key.is_none() {
            self.wrong(
                value.span(),
                format!("{what} {:?} is no key", value.get_ref()),
                "take it from the member's card: 0x and 64 hexadecimal digits",
            );
        }
        key
    }

    fn account(&mut self, what: &str, value: &Option<Spanned<String>>) -> Option<Address> {
        let value = value.as_ref()?;
        let account = value.get_ref().parse::<Address>().ok();
        if account.is_none() {
            self.wrong(
                value.span(),
                format!("{what} {:?} is no account", value.get_ref()),
                "take it from the member's card: 0x and 40 hexadecimal digits",
            );
        }
        account
    }

    fn host(&mut self, what: &str, value: &Option<Spanned<String>>) -> Option<String> {
        let value = value.as_ref()?;
        let text = value.get_ref().trim().to_owned();
        if check::host_and_port(&text).is_none() {
            self.wrong(
                value.span(),
                format!("{what} {text:?} is no host and port"),
                "write it as \"node.example.cn:7801\" or \"10.0.0.1:7801\"",
            );
            return None;
        }
        Some(text)
    }
}

/// A fraction above zero and not above one.
fn parse_share(text: &str) -> Option<Share> {
    let (num, den) = text.split_once('/')?;
    let share = Share { num: num.trim().parse().ok()?, den: den.trim().parse().ok()? };
    (share.num > 0 && share.den > 0 && share.num <= share.den).then_some(share)
}

impl Plan {
    /// Reads a founding file.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its line and what to do. What is merely unwise is
    /// in [`Plan::warnings`].
    pub fn read(text: &str) -> Result<Self, Problems> {
        let file: File = toml::from_str(text).map_err(|error| {
            let line = error.span().map(|span| text[..span.start].matches('\n').count() + 1);
            Problems(vec![Problem::error(
                line,
                error.message().trim().to_owned(),
                "`tulou init template` writes a file to begin with",
            )])
        })?;
        let mut reader = Reader { text, problems: Vec::new() };
        let base = base(&mut reader, &file);
        let ledger = ledger_name(&mut reader, &file);
        let members: Vec<_> = file.member.iter().map(|m| member(&mut reader, m)).collect();
        let offices: Vec<_> =
            file.office.iter().filter_map(|o| office(&mut reader, o, &members)).collect();
        let mut problems = reader.problems;
        problems.extend(check::members(&members, &base.council));
        let (errors, warnings): (Vec<_>, Vec<_>) =
            problems.into_iter().partition(|problem| problem.is_error);
        if !errors.is_empty() {
            return Err(Problems(errors));
        }
        Ok(Self { base, ledger, members, offices, readers: file.readers, warnings })
    }

    /// EIP-155 id of the ledger.
    pub fn chain_id(&self) -> u64 {
        self.base.chain_id
    }

    /// Name of the estate.
    pub fn estate(&self) -> &str {
        &self.base.estate
    }

    /// The genesis that everyone makes from this file and the same cards, byte for byte.
    ///
    /// # Errors
    /// A member without keys or address; keys or addresses that two members share.
    pub fn genesis(&self) -> Result<Genesis, Problems> {
        let mut problems = check::members(&self.members, &self.base.council);
        problems.retain(|problem| problem.is_error);
        let mut genesis = self.base.clone();
        for member in &self.members {
            match (member.node, member.account, &member.address) {
                (Some(node), Some(account), Some(address)) => genesis.members.push(GenesisMember {
                    name: member.name.clone(),
                    account,
                    weight: member.weight,
                    node,
                    kind: member.kind,
                    address: address.clone(),
                }),
                _ => problems.push(Problem::error(
                    Some(member.line),
                    format!("{} has no keys or no address yet", member.name),
                    "ask it for the card that `tulou init member` made, and pass it with --card",
                )),
            }
        }
        for planned in &self.offices {
            let account = match &planned.holder {
                Holder::Account(account) => Some(*account),
                Holder::Member(name) => self
                    .members
                    .iter()
                    .find(|member| &member.name == name)
                    .and_then(|member| member.account),
            };
            // A member without an account is named above already.
            if let Some(account) = account {
                genesis.offices.push(OfficeHolder {
                    office: planned.office.clone(),
                    account,
                    until: planned.until,
                });
            }
        }
        if !problems.is_empty() {
            return Err(Problems(problems));
        }
        tulou_evm::genesis_changes(&genesis).map_err(|reason| {
            Problems(vec![Problem::error(
                None,
                format!("no ledger can begin like this: {reason}"),
                "mend the value that is named",
            )])
        })?;
        Ok(genesis)
    }
}

fn base(reader: &mut Reader<'_>, file: &File) -> Genesis {
    let timestamp = reader.time("founded", &file.founded);
    if file.estate.get_ref().trim().is_empty() {
        reader.wrong(file.estate.span(), "estate is empty", "write the estate's name");
    }
    if *file.chain_id.get_ref() == 0 {
        reader.wrong(
            file.chain_id.span(),
            "chain_id is 0",
            "choose a number that no other ledger of yours has: wallets tell ledgers apart by it",
        );
    }
    if !(2..=1_000_000).contains(file.epoch_length.get_ref()) {
        reader.wrong(
            file.epoch_length.span(),
            format!("epoch_length is {}", file.epoch_length.get_ref()),
            "choose 2 to 1,000,000 heights; 500 is usual",
        );
    }
    if !(100..=60_000).contains(file.heartbeat_ms.get_ref()) {
        reader.wrong(
            file.heartbeat_ms.span(),
            format!("heartbeat_ms is {}", file.heartbeat_ms.get_ref()),
            "choose 100 to 60,000 milliseconds; 5,000 is usual",
        );
    }
    let council = match &file.council {
        Some(council) => council_rules(reader, council.get_ref()),
        None => CouncilRules::default(),
    };
    Genesis {
        chain_id: *file.chain_id.get_ref(),
        timestamp,
        gas_limit: file.gas_limit.unwrap_or(GAS_LIMIT),
        epoch_length: *file.epoch_length.get_ref(),
        heartbeat_ms: *file.heartbeat_ms.get_ref(),
        estate: file.estate.get_ref().clone(),
        release: 1,
        council,
        packs: file.packs.clone(),
        accounts: file.accounts.clone(),
        filler: file.filler,
        ..Default::default()
    }
}

/// The short name, by default made from the chain id.
fn ledger_name(reader: &mut Reader<'_>, file: &File) -> String {
    let Some(name) = &file.ledger else { return format!("ledger-{}", file.chain_id.get_ref()) };
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.get_ref().is_empty() || name.get_ref().len() > 40 || !name.get_ref().chars().all(fits) {
        reader.wrong(
            name.span(),
            format!("ledger {:?} cannot be part of an address", name.get_ref()),
            "write up to 40 small letters, digits and hyphens",
        );
    }
    name.get_ref().clone()
}

fn council_rules(reader: &mut Reader<'_>, council: &Council) -> CouncilRules {
    if *council.voting_s.get_ref() == 0 {
        reader.wrong(
            council.voting_s.span(),
            "voting_s is 0: nobody could vote",
            "give the members time, for example 604800 seconds (a week)",
        );
    }
    CouncilRules {
        participation: reader.share("participation", &council.participation),
        majority: reader.share("majority", &council.majority),
        voting_s: *council.voting_s.get_ref(),
        delay_s: council.delay_s,
        veto: reader.share("veto", &council.veto),
    }
}

fn member(reader: &mut Reader<'_>, spanned: &Spanned<Member>) -> PlannedMember {
    let member = spanned.get_ref();
    let name = member.name.get_ref().trim().to_owned();
    if name.is_empty() || name.chars().any(char::is_control) || name.len() > 120 {
        reader.wrong(
            member.name.span(),
            format!("{name:?} is no name for a member"),
            "write its name on one line, up to 40 characters",
        );
    }
    let wanted = member.folder.as_ref().map_or(name.as_str(), |folder| folder.get_ref());
    let folder: String =
        wanted.trim().chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
    PlannedMember {
        folder: folder.to_lowercase(),
        weight: member.weight,
        kind: member.kind,
        address: reader.host("address", &member.address),
        rpc: reader.host("rpc", &member.rpc),
        node: reader.key("node", &member.node),
        account: reader.account("account", &member.account),
        line: reader.line(member.name.span()),
        name,
    }
}

fn office(
    reader: &mut Reader<'_>,
    spanned: &Spanned<Office>,
    members: &[PlannedMember],
) -> Option<PlannedOffice> {
    let office = spanned.get_ref();
    let name = office.office.get_ref().as_str();
    let known: Vec<&str> =
        tulou_modules::roles::Office::NAMED.iter().map(|(known, _)| *known).collect();
    if !known.contains(&name) {
        reader.wrong(
            office.office.span(),
            format!("there is no office {name:?}"),
            format!("choose one of {}", known.join(", ")),
        );
    }
    let until = office.until.as_ref().map_or(0, |until| reader.time("until", until));
    let holder = match (&office.member, &office.account) {
        (Some(member), None) => {
            if !members.iter().any(|known| &known.name == member.get_ref()) {
                reader.wrong(
                    member.span(),
                    format!("{:?} is no member of this file", member.get_ref()),
                    "write the name exactly as under [[member]]",
                );
            }
            Holder::Member(member.get_ref().clone())
        }
        (None, account @ Some(_)) => Holder::Account(reader.account("account", account)?),
        _ => {
            reader.wrong(
                spanned.span(),
                format!("the office {name:?} needs one holder"),
                "write either member = \"...\" or account = \"0x...\"",
            );
            return None;
        }
    };
    Some(PlannedOffice { office: name.to_owned(), holder, until })
}
