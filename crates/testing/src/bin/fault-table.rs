//! Writes the table of `docs/design/faults.md` from what the drills recorded: `fault-table RECORD PAGE`.

use std::{collections::BTreeMap, env, fs, process::ExitCode};

use serde_json::Value;

/// The table stands between these two lines of the page.
const BEGIN: &str = "<!-- fault table: begin -->";
const END: &str = "<!-- fault table: end -->";

/// All runs of one fault.
#[derive(Default)]
struct Fault {
    expected: String,
    outcomes: Vec<String>,
    first_block_ms: Vec<u64>,
    caught_up_ms: Vec<u64>,
    notes: String,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [record, page] = arguments.as_slice() else {
        eprintln!("usage: fault-table RECORD PAGE");
        return ExitCode::FAILURE;
    };
    match write(record, page) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(failed) => {
            eprintln!("{failed} drills failed; the table says which");
            ExitCode::FAILURE
        }
        Err(reason) => {
            eprintln!("{reason}; {page} is as it was");
            ExitCode::FAILURE
        }
    }
}

/// Writes the table and returns how many drills failed.
fn write(record: &str, page: &str) -> Result<usize, String> {
    let lines = fs::read_to_string(record).map_err(|e| format!("{record}: {e}"))?;
    let text = fs::read_to_string(page).map_err(|e| format!("{page}: {e}"))?;
    let (before, rest) = text.split_once(BEGIN).ok_or(format!("{page} lacks {BEGIN}"))?;
    let (_, after) = rest.split_once(END).ok_or(format!("{page} lacks {END}"))?;
    let (order, faults) = read(&lines)?;
    let mut table = String::from(
        "| fault | expected | result | first new final block, s | level again, s | last run |\n\
         |---|---|---|---|---|---|\n",
    );
    for name in &order {
        table += &row(name, &faults[name]);
    }
    let runs = faults.values().map(|fault| fault.outcomes.len()).max().unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let method = env::var("TULOU_FAULT_METHOD").unwrap_or_default();
    let new = format!(
        "{before}{BEGIN}\n{runs} run(s), {cores} cores{method}. Times are minimum / median / maximum.\n\n\
         {table}{END}{after}"
    );
    fs::write(page, new).map_err(|e| format!("{page}: {e}"))?;
    let outcomes = faults.values().flat_map(|fault| &fault.outcomes);
    Ok(outcomes.filter(|outcome| *outcome == "FAILED").count())
}

/// The faults in the order of their first drill.
fn read(lines: &str) -> Result<(Vec<String>, BTreeMap<String, Fault>), String> {
    let (mut order, mut faults) = (Vec::new(), BTreeMap::<String, Fault>::new());
    for line in lines.lines() {
        let drill: Value = serde_json::from_str(line).map_err(|e| format!("{line}: {e}"))?;
        let text = |field: &str| drill[field].as_str().unwrap_or_default().to_owned();
        let name = text("fault");
        if !faults.contains_key(&name) {
            order.push(name.clone());
        }
        let fault = faults.entry(name).or_default();
        fault.expected = text("expected");
        fault.outcomes.push(text("outcome"));
        fault.first_block_ms.extend(drill["firstBlockMs"].as_u64());
        fault.caught_up_ms.extend(drill["caughtUpMs"].as_u64());
        let notes = drill["notes"].as_array().cloned().unwrap_or_default();
        let notes: Vec<&str> = notes.iter().filter_map(Value::as_str).collect();
        fault.notes = notes.join("; ");
    }
    Ok((order, faults))
}

fn row(name: &str, fault: &Fault) -> String {
    let held = fault.outcomes.iter().filter(|outcome| *outcome == "holds").count();
    let of = fault.outcomes.len();
    let result = match fault.outcomes.last().map(String::as_str) {
        Some("not tried") => "not tried here".to_owned(),
        _ if held == of => format!("holds ({held} of {of})"),
        _ => format!("**FAILED** ({} of {of})", of - held),
    };
    let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
    format!(
        "| {} | {} | {result} | {} | {} | {} |\n",
        cell(name),
        cell(&fault.expected),
        spread(&fault.first_block_ms),
        spread(&fault.caught_up_ms),
        cell(&fault.notes)
    )
}

fn spread(times_ms: &[u64]) -> String {
    let mut sorted = times_ms.to_vec();
    sorted.sort_unstable();
    let s = |ms: u64| format!("{:.2}", ms as f64 / 1_000.0);
    match sorted.as_slice() {
        [] => "-".into(),
        [only] => s(*only),
        [first, .., last] => {
            format!("{} / {} / {}", s(*first), s(sorted[sorted.len() / 2]), s(*last))
        }
    }
}
