//! The money follows the decision: half before the work, the rest after the price check, each home
//! its part.

use std::collections::BTreeMap;

use alloy_primitives::{B256, keccak256};
use serde_json::{Value, json};
use tulou_client::Key;
use tulou_modules::{
    address::{documents as DOCUMENTS, funds as FUNDS},
    documents::IDocuments::{self, Kind},
    funds::{IFunds, rule},
};

use crate::{
    estate::{Committee, DAY, rows},
    world::{World, number},
};

pub(crate) const BUDGET_FEN: u64 = 9_600_000;
/// What the price check takes off.
const PRICE_CHECK_FEN: u64 = 121_000;
const SETTLED_FEN: u64 = BUDGET_FEN - PRICE_CHECK_FEN;
const FUND_FEN: u64 = 20_000_000;
/// What home 1-2-101 has in the fund: less than its part.
const POOR_HOME_FEN: u64 = 620_000;
const COOLING: u64 = 72 * 3_600;
const MAINTENANCE: u8 = 1;
const ADVANCE: u8 = 1;
const FINAL: u8 = 3;
const REQUESTED: u64 = 1;
const ORDERED: u64 = 2;
const PAID: u64 = 3;
/// Parts of 94,790.00 over the twelve homes by area and largest remainder, in the order of the doors.
const PARTS_FEN: [u64; 12] = [
    676_383, 745_467, 676_383, 859_537, 676_383, 859_536, 676_383, 985_414, 676_383, 985_414,
    676_383, 985_334,
];

/// Commitment to the company that repairs the lift.
pub(crate) fn firm() -> B256 {
    keccak256("枫泽电梯维保有限公司")
}

/// The fund with what came in from the bank and what each home of the stair has in it.
pub(crate) fn open(world: &World, committee: &Committee) -> u64 {
    let name = "住宅专项维修资金".to_owned();
    world.act(&committee.chair, FUNDS, &IFunds::openFundCall { name, purpose: MAINTENANCE });
    let fund = number(&world.read("funds/funds")["items"][0]["id"]);
    let credit = IFunds::creditCall {
        fund,
        amountFen: FUND_FEN,
        bankRef: "W0001".into(),
        occurredAt: world.now(),
        memo: "首期维修资金".into(),
    };
    let why = world.refused(&committee.chair, FUNDS, &credit);
    assert!(why.starts_with("NotPermitted("), "only the bank books: {why}");
    world.act(&committee.offices, FUNDS, &credit);
    let why = world.refused(&committee.offices, FUNDS, &credit);
    assert!(why.starts_with("BankRefUsed("), "{why}");
    let (mut units, mut amounts) = (Vec::new(), Vec::new());
    for row in rows("fund.csv").iter().filter(|row| row["unit"].starts_with("1-2-")) {
        let unit = world.read(&format!("registry/unit_by_code?code={}", row["unit"]));
        units.push(number(&unit["id"]));
        let opening: tulou_primitives::Fen = row["opening"].parse().expect("yuan and fen");
        amounts.push(if row["unit"] == "1-2-101" { POOR_HOME_FEN } else { opening.0 });
    }
    let call = IFunds::openUnitBalancesCall { fund, units, amountsFen: amounts };
    world.act(&committee.offices, FUNDS, &call);
    let to_nobody = IFunds::requestCall { draft: draft(fund, 1, BUDGET_FEN, "电梯大修") };
    let why = world.refused(&committee.offices, FUNDS, &to_nobody);
    assert!(why.starts_with("UnknownPayee("), "{why}");
    world.act(&committee.offices, FUNDS, &firm_with_account("the firm's account"));
    fund
}

fn firm_with_account(account: &str) -> IFunds::setPayeeCall {
    IFunds::setPayeeCall {
        payeeHash: firm(),
        accountHash: keccak256(account),
        name: "枫泽电梯维保有限公司".into(),
    }
}

/// A payment on a decision, with its quote and an invoice of its own.
pub(crate) fn draft(fund: u64, decision: u64, amount_fen: u64, purpose: &str) -> IFunds::Draft {
    IFunds::Draft {
        fund,
        line: 0,
        decision,
        amountFen: amount_fen,
        payeeHash: firm(),
        quoteDigest: B256::ZERO,
        invoiceDigest: B256::ZERO,
        purpose: purpose.into(),
        stage: ADVANCE,
    }
}

/// Puts a document on file; what nobody filed, no payment can name.
fn file(world: &World, who: &Key, kind: Kind, title: &str) -> B256 {
    let hash = keccak256(title);
    let call = IDocuments::registerCall {
        hash,
        kind,
        custodian: who.address(),
        retainUntil: world.now() + 15 * 365 * DAY,
        title: title.into(),
    };
    world.act(who, DOCUMENTS, &call);
    let known = world.read(&format!("documents/is_known?hash={hash}"));
    assert_eq!(known["known"], json!(true));
    hash
}

/// From the first draw to the last. Returns the number of the last bank line.
pub(crate) fn pay(world: &World, committee: &Committee, fund: u64, lift: u64) -> u64 {
    let manager = &committee.offices;
    let advance = ask_for_half(world, committee, fund, lift);
    sign(world, committee, advance);
    let first_line = confirm(world, committee, advance, "W0002");
    assert_eq!(number(&first_line["balance_fen"]), FUND_FEN - BUDGET_FEN / 2);

    world.until(world.now() + 20 * DAY);
    file(world, manager, Kind::Acceptance, "1栋2单元电梯大修验收照片");
    let rest = IFunds::Draft {
        stage: FINAL,
        invoiceDigest: file(world, manager, Kind::Invoice, "发票 尾款"),
        ..draft(fund, lift, SETTLED_FEN - BUDGET_FEN / 2, "1栋2单元电梯大修 尾款")
    };
    let ask = IFunds::requestCall { draft: rest.clone() };
    let why = world.refused(manager, FUNDS, &ask);
    assert!(why.starts_with("NotSettled("), "no last draw before the price check: {why}");
    let report = file(world, manager, Kind::PriceReport, "审价报告");
    let call = IFunds::settleCall { decision: lift, finalFen: SETTLED_FEN, reportDigest: report };
    world.act(manager, FUNDS, &call);
    let greedy = IFunds::Draft { amountFen: rest.amountFen + 1, ..rest };
    let why = world.refused(manager, FUNDS, &IFunds::requestCall { draft: greedy });
    assert!(why.starts_with("OverBudget("), "not a fen over the price check: {why}");
    world.act(manager, FUNDS, &ask);
    let last = newest_request(world);
    let why = world.refused(&committee.treasurer, FUNDS, &IFunds::allotCall { decision: lift });
    assert!(why.starts_with("NotPaid("), "{why}");
    sign(world, committee, last);
    let last_line = confirm(world, committee, last, "W0003");
    assert_eq!(number(&last_line["balance_fen"]), FUND_FEN - SETTLED_FEN);
    number(&last_line["id"])
}

fn ask_for_half(world: &World, committee: &Committee, fund: u64, lift: u64) -> u64 {
    let manager = &committee.offices;
    let half = draft(fund, lift, BUDGET_FEN / 2, "1栋2单元电梯大修 首付50%");
    let ask = |draft: &IFunds::Draft| IFunds::requestCall { draft: draft.clone() };
    // A firm that names a new bank account just before it is paid: the oldest trick.
    world.act(manager, FUNDS, &firm_with_account("the firm's new account"));
    let unfiled = IFunds::Draft { quoteDigest: keccak256("报价单"), ..half.clone() };
    let why = world.refused(manager, FUNDS, &ask(&unfiled));
    assert!(why.starts_with("UnknownDocument("), "{why}");
    let half = IFunds::Draft {
        quoteDigest: file(world, manager, Kind::Quote, "报价单"),
        invoiceDigest: file(world, manager, Kind::Invoice, "发票 首付"),
        ..half
    };
    let greedy = IFunds::Draft { amountFen: BUDGET_FEN + 1, ..half.clone() };
    let why = world.refused(manager, FUNDS, &ask(&greedy));
    assert_eq!(why, format!("OverBudget(leftFen: {BUDGET_FEN}, askedFen: {})", BUDGET_FEN + 1));
    world.act(manager, FUNDS, &ask(&half));
    let why = world.refused(manager, FUNDS, &ask(&half));
    assert!(why.starts_with("InvoiceUsed("), "an invoice is used once: {why}");

    let id = newest_request(world);
    let why = world.refused(manager, FUNDS, &approval(world, id));
    assert!(why.starts_with("OwnRequest("), "{why}");
    let why = world.refused(&committee.chair, FUNDS, &approval(world, id));
    assert!(why.starts_with("PayeeCooling("), "a new bank account waits three days: {why}");
    world.until(world.now() + COOLING);
    id
}

fn newest_request(world: &World) -> u64 {
    let all = world.read("funds/requests?state=0&of_fund=0&limit=200");
    number(&all["items"].as_array().and_then(|all| all.last()).expect("a request")["id"])
}

fn approval(world: &World, id: u64) -> IFunds::approveCall {
    let request = world.read(&format!("funds/request_of?id={id}"));
    let revision = request["revision"].as_u64().and_then(|n| n.try_into().ok()).expect("a number");
    let sentence = format!("{} {}", request["payee_name"], request["amount_fen"]);
    IFunds::approveCall { id, revision, sentenceHash: keccak256(sentence) }
}

/// Treasurer and chair sign what the owners decided; with the second signature the order is out.
fn sign(world: &World, committee: &Committee, id: u64) {
    for (signer, state) in [(&committee.treasurer, REQUESTED), (&committee.chair, ORDERED)] {
        let call = approval(world, id);
        let stale = IFunds::approveCall { revision: call.revision + 1, ..call.clone() };
        let why = world.refused(signer, FUNDS, &stale);
        assert!(why.starts_with("StaleRevision("), "{why}");
        world.act(signer, FUNDS, &call);
        let request = world.read(&format!("funds/request_of?id={id}"));
        assert_eq!(number(&request["state"]), state, "{request}");
    }
}

/// The bank has done it. Returns its line.
fn confirm(world: &World, committee: &Committee, id: u64, bank_ref: &str) -> Value {
    let occurred_at = world.now();
    let call = IFunds::confirmDebitCall { id, bankRef: bank_ref.into(), occurredAt: occurred_at };
    world.act(&committee.offices, FUNDS, &call);
    let request = world.read(&format!("funds/request_of?id={id}"));
    assert_eq!(number(&request["state"]), PAID);
    let trail = world.read(&format!("funds/trail?movement={}", number(&request["movement"])));
    trail["movement"].clone()
}

/// Each home bears its part by area, to the fen; what a home does not have in the fund, it owes.
pub(crate) fn share_out(world: &World, committee: &Committee, fund: u64, lift: u64) {
    let call = IFunds::allotCall { decision: lift };
    world.act(&committee.treasurer, FUNDS, &call);
    let why = world.refused(&committee.treasurer, FUNDS, &call);
    assert!(why.starts_with("AlreadyAllotted("), "{why}");
    let page = world.read(&format!("funds/allotment?decision={lift}&limit=200"));
    let shares = page["items"].as_array().expect("shares");
    let parts: Vec<u64> = shares.iter().map(|share| number(&share["share_fen"])).collect();
    assert_eq!(parts, PARTS_FEN);
    assert_eq!(parts.iter().sum::<u64>(), SETTLED_FEN, "not a fen too many or too few");
    for share in shares {
        let unit = number(&share["unit"]);
        let mine = world.read(&format!("funds/estimate?decision={lift}&unit={unit}"));
        assert_eq!(&mine, share, "what an owner is shown is what was shared out");
        let owed = number(&share["receivable_fen"]);
        assert_eq!(number(&share["charged_fen"]) + owed, number(&share["share_fen"]));
        let left = world.read(&format!("funds/unit_balance?of_fund={fund}&unit={unit}"));
        assert_eq!(number(&left["receivable_fen"]), owed);
    }
    let owed = number(&shares[0]["receivable_fen"]);
    assert_eq!(owed, PARTS_FEN[0] - POOR_HOME_FEN);
    let budget = world.read(&format!("funds/budget?decision={lift}"));
    assert_eq!(number(&budget["paid_fen"]), SETTLED_FEN);
    assert_eq!(number(&budget["receivable_fen"]), owed);
}

/// From the last line of the bank back to the ballots that allowed it, in one chain of links.
pub(crate) fn walk_back(world: &World, line: u64, lift: u64) {
    let trail = world.read(&format!("funds/trail?movement={line}"));
    assert_eq!(number(&trail["movement"]["amount_fen"]), SETTLED_FEN - BUDGET_FEN / 2);
    assert_eq!(number(&trail["request"]["movement"]), line);
    let signatures = trail["approvals"].as_array().expect("signatures");
    assert_eq!(signatures.iter().filter(|one| one["holds"] == json!(true)).count(), 2);
    let decision = number(&trail["decision"]);
    assert_eq!(decision, lift);
    let ballots = world.read(&format!("decisions/ballots?id={decision}&limit=200"));
    let ballots = ballots["items"].as_array().expect("ballots");
    assert_eq!(ballots.len(), 9);
    let count = |field: &str, value: u64| {
        ballots.iter().filter(|ballot| number(&ballot[field]) == value).count()
    };
    assert_eq!((count("choice", 1), count("choice", 2), count("choice", 3)), (7, 1, 1));
    assert_eq!(count("channel", 2), 2, "two came on paper");
}

/// The bank's statements, month by month: each begins where the last ended and adds up.
pub(crate) fn publish_statements(world: &World, fund: u64) {
    let bank = Key::test(0).expect("the first test account");
    let path = format!("funds/movements?of_fund={fund}&from=0&until=0&limit=200");
    let mut months = BTreeMap::new();
    for line in world.read(&path)["items"].as_array().expect("bank lines") {
        // The last line of a month has the balance at its end.
        let month = rule::period_of(number(&line["occurred_at"]));
        months.insert(month, number(&line["balance_fen"]));
    }
    let mut opening = 0;
    for (period, closing) in months {
        let call = IFunds::statementCall {
            fund,
            period,
            openingFen: opening,
            closingFen: closing,
            linesHash: keccak256(format!("lines of {period}")),
        };
        let wrong = IFunds::statementCall { closingFen: closing + 1, ..call.clone() };
        let why = world.refused(&bank, FUNDS, &wrong);
        assert!(why.starts_with("NotBalanced("), "{why}");
        world.act(&bank, FUNDS, &call);
        opening = closing;
    }
    assert_eq!(opening, FUND_FEN - SETTLED_FEN);
    let all = world.read(&format!("funds/statements?of_fund={fund}&limit=200"));
    for row in all["items"].as_array().expect("statements") {
        let [opening, credits, debits, closing] =
            ["opening_fen", "credits_fen", "debits_fen", "closing_fen"]
                .map(|name| number(&row[name]));
        assert_eq!(opening + credits, debits + closing, "{row}");
    }
}
