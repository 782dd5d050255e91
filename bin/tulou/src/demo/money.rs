//! A year of the maintenance fund: every line of its bank account, and for each payment the request,
//! the signatures and the decision behind it.

use std::str::FromStr;

use alloy_primitives::{B256, keccak256};
use tulou_client::demo_key;
use tulou_modules::{
    address::{documents as DOCUMENTS, funds as FUNDS},
    documents::IDocuments::{self, Kind},
    funds::IFunds,
};
use tulou_primitives::Fen;

use super::{
    Agenda, Scene,
    calendar::{Calendar, DAY_S, Date},
    data::{self, FUND, FUND_LINES},
    driver::Driver,
};
use crate::output::{Failure, Outcome};

pub(crate) const YEAR_BUDGET_FEN: u64 = 15_500_000;
pub(crate) const FIRST_LIFT_FEN: u64 = 8_640_000;
pub(crate) const SECOND_LIFT_FEN: u64 = 9_600_000;
/// What the price check takes off a lift.
const PRICE_CHECK_FEN: u64 = 121_000;
pub(crate) const LIFT_FIRM: &str = "枫泽电梯维保有限公司";
const REPAIR_FIRM: &str = "泽林建筑工程有限公司";
const MAINTENANCE: u8 = 1;
const ADVANCE: u8 = 1;
const PROGRESS: u8 = 2;
const FINAL: u8 = 3;
/// Signers in the order in which they are asked.
const SIGNERS: &[&str] = &["treasurer", "chair", "committee-1", "committee-2", "committee-3"];
/// Budget lines of the year: our name, shown name, planned.
const LINES: &[(&str, &str, u64)] = &[
    ("repair", "日常维修", 12_500_000),
    ("pump", "应急维修", 2_800_000),
    ("fee", "账户费用", 20_000),
];

/// Commitment to a company.
pub(crate) fn payee_hash(name: &str) -> B256 {
    keccak256(format!("tulou/payee/v1{name}"))
}

/// One line of the bank account.
#[derive(Clone, Debug)]
struct Line {
    at: u64,
    bank_ref: String,
    is_credit: bool,
    amount: Fen,
    memo: String,
    kind: String,
}

/// Opens the fund with what the units have in it, and makes its payees known. Returns its number.
pub(crate) fn open(driver: &mut Driver<'_>, c: &Calendar) -> Result<u64, Failure> {
    let call =
        IFunds::openFundCall { name: "住宅专项维修资金".into(), purpose: MAINTENANCE };
    driver.send("chair", FUNDS, &call)?;
    driver.settle()?;
    let fund = 1;
    let mut total = Fen::ZERO;
    let mut balances = Vec::new();
    for row in data::rows(FUND)? {
        let opening = Fen::from_str(&row[2])?;
        total = total
            .checked_add(opening)
            .ok_or_else(|| Failure("demo data: too much money".into()))?;
        balances.push((row[0].clone(), opening.0));
    }
    let call = IFunds::creditCall {
        fund,
        amountFen: total.0,
        bankRef: "W20241100001".into(),
        occurredAt: c.begin(),
        memo: "从上一账户转入维修资金余额".into(),
    };
    driver.send("bank", FUNDS, &call)?;
    driver.settle()?;
    for chunk in balances.chunks(50) {
        let mut units = Vec::new();
        for (code, _) in chunk {
            units.push(super::estate::unit_number(driver, code)?);
        }
        let amounts = chunk.iter().map(|(_, opening)| *opening).collect();
        let call = IFunds::openUnitBalancesCall { fund, units, amountsFen: amounts };
        driver.send("registrar", FUNDS, &call)?;
    }
    for firm in [LIFT_FIRM, REPAIR_FIRM] {
        let call = IFunds::setPayeeCall {
            payeeHash: payee_hash(firm),
            accountHash: keccak256(format!("{firm} account")),
            name: firm.into(),
        };
        driver.send("manager", FUNDS, &call)?;
    }
    driver.settle()?;
    Ok(fund)
}

pub(crate) fn plan(c: &Calendar, agenda: &mut Agenda) -> Outcome {
    agenda.push((c.at(Date { year: 2024, month: 12, day: 5 }, 36_000), Box::new(open_lines)));
    let mut lift_parts = 0;
    for row in data::rows(FUND_LINES)? {
        let line = read_line(c, &row)?;
        match (line.is_credit, line.kind.as_str()) {
            (true, _) => agenda.push((line.at, Box::new(move |scene| credit(scene, &line)))),
            (false, "repair") => {
                let basis =
                    Basis { line: "repair", decision: "", stage: PROGRESS, firm: REPAIR_FIRM };
                payment(agenda, line, basis);
            }
            (false, "lift") => {
                lift_parts += 1;
                if lift_parts == 2 {
                    agenda.push((
                        line.at - 8 * DAY_S,
                        Box::new(|scene| price_check(scene, "lift-1", FIRST_LIFT_FEN)),
                    ));
                    agenda.push((line.at + 60, Box::new(|scene| allot(scene, "lift-1"))));
                }
                let stage = if lift_parts == 1 { ADVANCE } else { FINAL };
                let basis = Basis { line: "", decision: "lift-1", stage, firm: LIFT_FIRM };
                payment(agenda, line, basis);
            }
            (false, _) => {
                agenda.push((line.at, Box::new(move |scene| explained_debit(scene, &line))))
            }
        }
    }
    present(c, agenda);
    for month in 1..=12 {
        statement(c, agenda, month);
    }
    Ok(())
}

fn read_line(c: &Calendar, row: &[String]) -> Result<Line, Failure> {
    Ok(Line {
        at: c.moved(&row[0])?,
        bank_ref: row[1].clone(),
        is_credit: row[2] == "in",
        amount: Fen::from_str(&row[3])?,
        memo: row[5].clone(),
        kind: row[6].clone(),
    })
}

/// What a payment stands on.
#[derive(Clone, Copy, Debug)]
struct Basis {
    /// Our name of the budget line, or nothing.
    line: &'static str,
    /// Our name of the decision, or nothing.
    decision: &'static str,
    stage: u8,
    firm: &'static str,
}

/// Request three days before, signatures two days before, the bank's line on its day.
fn payment(agenda: &mut Agenda, line: Line, basis: Basis) {
    let (asked, paid) = (line.clone(), line.clone());
    agenda.push((line.at - 3 * DAY_S, Box::new(move |scene| ask(scene, &asked, basis))));
    let name = line.bank_ref.clone();
    agenda.push((line.at - 2 * DAY_S, Box::new(move |scene| sign(scene, &name, SIGNERS))));
    agenda.push((
        line.at,
        Box::new(move |scene| {
            let call = IFunds::confirmDebitCall {
                id: scene.number(&format!("request:{}", paid.bank_ref))?,
                bankRef: paid.bank_ref.clone(),
                occurredAt: paid.at,
            };
            scene.driver.send("bank", FUNDS, &call)
        }),
    ));
}

fn ask(scene: &mut Scene<'_>, line: &Line, basis: Basis) -> Outcome {
    let numbered = |scene: &Scene<'_>, kind: &str, name: &str| {
        if name.is_empty() { Ok(0) } else { scene.number(&format!("{kind}:{name}")) }
    };
    let quote = filed(scene, "manager", Kind::Quote, &format!("报价单 {}", line.bank_ref))?;
    let invoice = filed(scene, "manager", Kind::Invoice, &format!("发票 {}", line.bank_ref))?;
    let draft = IFunds::Draft {
        fund: scene.fund,
        line: numbered(scene, "line", basis.line)?,
        decision: numbered(scene, "motion", basis.decision)?,
        amountFen: line.amount.0,
        payeeHash: payee_hash(basis.firm),
        quoteDigest: quote,
        invoiceDigest: invoice,
        purpose: line.memo.clone(),
        stage: basis.stage,
    };
    scene.driver.send("manager", FUNDS, &IFunds::requestCall { draft })?;
    scene.driver.settle()?;
    // Requests are numbered in the order in which they are asked.
    let next = 1 + scene.numbers.keys().filter(|name| name.starts_with("request:")).count() as u64;
    scene.numbers.insert(format!("request:{}", line.bank_ref), next);
    Ok(())
}

/// Puts a document on file and returns its hash. It must be known before anything refers to it.
fn filed(scene: &mut Scene<'_>, who: &str, kind: Kind, title: &str) -> Result<B256, Failure> {
    let hash = keccak256(title);
    let call = IDocuments::registerCall {
        hash,
        kind,
        custodian: demo_key(who).address(),
        retainUntil: scene.driver.now() + 15 * 365 * DAY_S,
        title: title.into(),
    };
    scene.driver.send(who, DOCUMENTS, &call)?;
    scene.driver.settle()?;
    Ok(hash)
}

/// Signers sign what they are shown, until nothing more is needed.
fn sign(scene: &mut Scene<'_>, name: &str, signers: &[&str]) -> Outcome {
    const REQUESTED: u8 = 1;
    let id = scene.number(&format!("request:{name}"))?;
    for signer in signers {
        let request = scene.driver.view(FUNDS, &IFunds::requestOfCall { id })?;
        if request.state as u8 != REQUESTED {
            break;
        }
        let sentence = format!(
            "同意付给{} {}元，用于{}",
            request.payeeName,
            Fen(request.amountFen),
            request.purpose
        );
        let call = IFunds::approveCall {
            id,
            revision: request.revision,
            sentenceHash: keccak256(sentence),
        };
        scene.driver.send(signer, FUNDS, &call)?;
        scene.driver.settle()?;
    }
    Ok(())
}

fn open_lines(scene: &mut Scene<'_>) -> Outcome {
    let decision = scene.number("motion:budget")?;
    let year = scene.calendar.year();
    for (i, (name, shown, planned)) in LINES.iter().enumerate() {
        let call = IFunds::openLineCall {
            fund: scene.fund,
            year,
            name: (*shown).into(),
            plannedFen: *planned,
            decision,
        };
        scene.driver.send("treasurer", FUNDS, &call)?;
        scene.numbers.insert(format!("line:{name}"), i as u64 + 1);
    }
    scene.driver.settle()
}

fn credit(scene: &mut Scene<'_>, line: &Line) -> Outcome {
    let call = IFunds::creditCall {
        fund: scene.fund,
        amountFen: line.amount.0,
        bankRef: line.bank_ref.clone(),
        occurredAt: line.at,
        memo: line.memo.clone(),
    };
    scene.driver.send("bank", FUNDS, &call)
}

/// A debit that came without an order: the bank's own fee, or an emergency. The treasurer says what
/// it was.
fn explained_debit(scene: &mut Scene<'_>, line: &Line) -> Outcome {
    let movement = debit(scene, line)?;
    let explanation = if line.kind == "fee" {
        "银行账户管理费"
    } else {
        "应急维修，居委会和业委会已确认"
    };
    let call = IFunds::explainCall {
        movement,
        line: scene.number(&format!("line:{}", line.kind))?,
        explanation: explanation.into(),
    };
    scene.driver.send("treasurer", FUNDS, &call)
}

/// Books a debit without an order and returns the number of its bank line.
fn debit(scene: &mut Scene<'_>, line: &Line) -> Result<u64, Failure> {
    let call = IFunds::debitCall {
        fund: scene.fund,
        amountFen: line.amount.0,
        bankRef: line.bank_ref.clone(),
        occurredAt: line.at,
        memo: line.memo.clone(),
    };
    scene.driver.send("bank", FUNDS, &call)?;
    scene.driver.settle()?;
    Ok(scene.driver.view(FUNDS, &IFunds::fundCall { id: scene.fund })?.movements)
}

fn price_check(scene: &mut Scene<'_>, name: &str, voted_fen: u64) -> Outcome {
    let report = filed(scene, "auditor", Kind::PriceReport, &format!("审价报告 {name}"))?;
    let call = IFunds::settleCall {
        decision: scene.number(&format!("motion:{name}"))?,
        finalFen: voted_fen - PRICE_CHECK_FEN,
        reportDigest: report,
    };
    scene.driver.send("auditor", FUNDS, &call)
}

fn allot(scene: &mut Scene<'_>, name: &str) -> Outcome {
    let decision = scene.number(&format!("motion:{name}"))?;
    scene.driver.send("treasurer", FUNDS, &IFunds::allotCall { decision })
}

/// The second lift: half is paid, the price check is in, the rest waits for signatures. And a line of
/// yesterday that nobody has explained yet.
fn present(c: &Calendar, agenda: &mut Agenda) {
    let advance = Line {
        at: c.days_ago(9) + 50_000,
        bank_ref: "W20251300001".into(),
        is_credit: false,
        amount: Fen(SECOND_LIFT_FEN / 2),
        memo: "1栋2单元电梯更换 首付50%".into(),
        kind: "lift".into(),
    };
    let rest = Line {
        at: c.days_ago(1) + 50_000,
        bank_ref: "W20251300002".into(),
        amount: Fen(SECOND_LIFT_FEN / 2 - PRICE_CHECK_FEN),
        memo: "1栋2单元电梯更换 尾款".into(),
        ..advance.clone()
    };
    let odd = Line {
        at: c.days_ago(1) + 30_000,
        bank_ref: "W20251300003".into(),
        amount: Fen(200),
        memo: "短信服务费".into(),
        kind: "fee".into(),
        ..advance.clone()
    };
    let basis = Basis { line: "", decision: "lift-2", stage: ADVANCE, firm: LIFT_FIRM };
    payment(agenda, advance, basis);
    agenda.push((
        c.days_ago(3) + 40_000,
        Box::new(|scene| price_check(scene, "lift-2", SECOND_LIFT_FEN)),
    ));
    agenda.push((odd.at, Box::new(move |scene| debit(scene, &odd).map(|_| ()))));
    agenda.push((
        rest.at,
        Box::new(move |scene| {
            ask(scene, &rest, Basis { stage: FINAL, ..basis })?;
            sign(scene, &rest.bank_ref, &SIGNERS[..1])
        }),
    ));
}

/// The bank's statement of a month of the files, on its last day.
fn statement(c: &Calendar, agenda: &mut Agenda, month: u64) {
    let next = if month == 12 {
        Date { year: 2026, month: 1, day: 1 }
    } else {
        Date { year: 2025, month: month + 1, day: 1 }
    };
    let end = c.at(next, 0);
    agenda.push((
        end + 7_200,
        Box::new(move |scene| {
            scene.driver.settle()?;
            let fund = scene.driver.view(FUNDS, &IFunds::fundCall { id: scene.fund })?;
            let opening = scene.numbers.get("closing").copied();
            let period = scene.calendar.period(end - DAY_S);
            let opening = match opening {
                Some(opening) => opening,
                None => opening_of(scene, end)?,
            };
            let call = IFunds::statementCall {
                fund: scene.fund,
                period,
                openingFen: opening,
                closingFen: fund.balanceFen,
                linesHash: keccak256(format!("GH-FUND-{period}")),
            };
            scene.numbers.insert("closing".into(), fund.balanceFen);
            scene.driver.send("bank", FUNDS, &call)
        }),
    ));
}

/// Balance before the first month: that of the last line booked before it.
fn opening_of(scene: &Scene<'_>, end: u64) -> Result<u64, Failure> {
    let begin = scene.calendar.at(Date { year: 2025, month: 1, day: 1 }, 0);
    let call = IFunds::movementsCall {
        ofFund: scene.fund,
        from: 0,
        until: begin.min(end),
        cursor: 0,
        limit: 200,
    };
    let page = scene.driver.view(FUNDS, &call)?;
    Ok(page.items.last().map_or(0, |movement| movement.balanceFen))
}
