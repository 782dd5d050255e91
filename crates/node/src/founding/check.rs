//! What a founding file must not say, and what it had better not.

use std::{collections::BTreeMap, fmt};

use tulou_primitives::{CouncilRules, NodeKind};

use super::plan::PlannedMember;

/// Fewest members that govern: with two, one can block everything and no third can settle it.
const GOVERNORS: usize = 3;
/// Most members: every node keeps room for all of them.
const MEMBERS: usize = 24;

/// Something wrong or unwise in what people wrote, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Line of the file, from 1.
    pub line: Option<usize>,
    /// What is the matter.
    pub what: String,
    /// What to do.
    pub cure: String,
    /// Whether nothing can be founded like this.
    pub is_error: bool,
}

impl Problem {
    pub(super) fn error(
        line: Option<usize>,
        what: impl Into<String>,
        cure: impl Into<String>,
    ) -> Self {
        Self { line, what: what.into(), cure: cure.into(), is_error: true }
    }

    fn warning(line: Option<usize>, what: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { is_error: false, ..Self::error(line, what, cure) }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        write!(f, "{}\n  cure: {}", self.what, self.cure)
    }
}

/// Everything that is wrong, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            let line_end = if i == 0 { "" } else { "\n" };
            write!(f, "{line_end}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// Host and port of `host:port`; IPv6 hosts in brackets.
pub(crate) fn host_and_port(text: &str) -> Option<(&str, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let port: u16 = port.parse().ok()?;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let is_v6 = bare.contains(':');
    let plain = bare.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':'));
    (port != 0 && !bare.is_empty() && plain && (!is_v6 || host.starts_with('[')))
        .then_some((bare, port))
}

/// What the members together must be.
pub(super) fn members(members: &[PlannedMember], council: &CouncilRules) -> Vec<Problem> {
    let mut problems = Vec::new();
    problems.extend(twice(members, "name", |member| Some(member.name.clone())));
    problems.extend(twice(members, "folder", |member| Some(member.folder.clone())));
    problems.extend(twice(members, "address", |member| member.address.clone()));
    problems.extend(twice(members, "rpc", |member| member.rpc.clone()));
    problems.extend(twice(members, "node", |member| member.node.map(|key| key.to_string())));
    problems.extend(twice(members, "account", |member| member.account.map(|key| key.to_string())));
    problems.extend(governors(members, council));
    problems.extend(validators(members));
    if members.len() > MEMBERS {
        problems.push(Problem::error(
            None,
            format!("{} members are more than {MEMBERS}", members.len()),
            "let some of them follow as observers of another member's node",
        ));
    }
    problems
}

/// Members that share what each must have alone.
fn twice(
    members: &[PlannedMember],
    what: &str,
    of: impl Fn(&PlannedMember) -> Option<String>,
) -> Vec<Problem> {
    let mut first: BTreeMap<String, &PlannedMember> = BTreeMap::new();
    let mut problems = Vec::new();
    for member in members {
        let Some(value) = of(member) else { continue };
        if let Some(other) = first.get(&value) {
            problems.push(Problem::error(
                Some(member.line),
                format!("{what} {value} is that of {} on line {} already", other.name, other.line),
                format!("give each member a {what} of its own"),
            ));
        } else {
            first.insert(value, member);
        }
    }
    problems
}

fn governors(members: &[PlannedMember], council: &CouncilRules) -> Vec<Problem> {
    let governors: Vec<_> = members.iter().filter(|member| member.weight > 0).collect();
    if governors.len() < GOVERNORS {
        return vec![Problem::error(
            governors.last().map(|member| member.line),
            format!(
                "{} member(s) govern, at least {GOVERNORS} must: with fewer, one of them is above \
                 the rules",
                governors.len()
            ),
            "add members whose weight is 1 or more",
        )];
    }
    let total: u64 = governors.iter().map(|member| u64::from(member.weight)).sum();
    let reaches = |weight: u32, share: tulou_primitives::Share| {
        u64::from(weight) * u64::from(share.den) >= total * u64::from(share.num)
    };
    // Alone it is all of the weight that takes part, so the majority is reached with it.
    governors
        .iter()
        .filter(|member| reaches(member.weight, council.participation))
        .map(|member| {
            Problem::warning(
                Some(member.line),
                format!(
                    "{} can decide alone: it has {} of {total} votes",
                    member.name, member.weight
                ),
                "lower its weight, or raise participation",
            )
        })
        .collect()
}

fn validators(members: &[PlannedMember]) -> Vec<Problem> {
    let count = members.iter().filter(|member| member.kind == NodeKind::Validator).count();
    match count {
        0 => vec![Problem::error(
            None,
            "no member's node is a validator",
            "write kind = \"validator\" for at least four members",
        )],
        1..4 => vec![Problem::warning(
            None,
            format!("{count} validator(s) bear no fault: if one stops, the ledger stops"),
            "four validators bear one fault, seven bear two, ten bear three",
        )],
        _ => Vec::new(),
    }
}
