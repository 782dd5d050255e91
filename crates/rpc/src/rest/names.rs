//! Names as people write them.

/// `ownersVoteM2` becomes `owners_vote_m2`, `HTTPServer` becomes `http_server`.
pub(crate) fn snake(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut out = String::with_capacity(name.len() + 4);
    for (n, c) in chars.iter().enumerate() {
        let before = n.checked_sub(1).map(|n| chars[n]);
        let after = chars.get(n + 1);
        let begins = c.is_uppercase()
            && before.is_some_and(|before| {
                before.is_lowercase()
                    || before.is_ascii_digit()
                    || (before.is_uppercase() && after.is_some_and(|after| after.is_lowercase()))
            });
        if begins {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out.trim_matches('_').to_owned()
}

/// `NoSuchMotion` becomes `No such motion`.
pub(crate) fn words(name: &str) -> String {
    let text = snake(name).replace('_', " ");
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => text,
    }
}

/// How the value of a field is written, by the end of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Hundredths of a square metre, written as square metres with two decimals.
    SquareMetres,
    /// Anything else.
    Plain,
}

/// The unit that a name says.
pub(crate) fn unit(name: &str) -> Unit {
    if name.ends_with("M2") || name == "m2" { Unit::SquareMetres } else { Unit::Plain }
}

/// The candidates nearest to `name`, best first, at most three.
pub(crate) fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut scored: Vec<_> = candidates
        .map(|candidate| {
            let contains = !name.is_empty() && candidate.contains(name);
            let steps = if contains { 1 } else { distance(name, candidate) };
            (steps, candidate)
        })
        .filter(|(steps, candidate)| *steps <= 2 + candidate.len() / 3)
        .collect();
    scored.sort_unstable();
    scored.into_iter().take(3).map(|(_, candidate)| candidate.to_owned()).collect()
}

/// Levenshtein distance in bytes.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut corner = i;
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let replaced = corner + usize::from(x != y);
            corner = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()]
}
