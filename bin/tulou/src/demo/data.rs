//! The estate's files, inside the program, so that the demo needs no folder beside it.

use crate::output::Failure;

/// A file of `demo/guihua`.
macro_rules! file {
    ($name:literal) => {
        include_str!(concat!("../../../../demo/guihua/", $name))
    };
}

pub(crate) const UNITS: &str = file!("units.csv");
pub(crate) const OWNERS: &str = file!("owners.csv");
pub(crate) const HOLDINGS: &str = file!("holdings.csv");
pub(crate) const FUND: &str = file!("fund.csv");
pub(crate) const FUND_LINES: &str = file!("fund-lines.csv");
/// Title, matter, opening, close and ballots of the three motions of the files.
pub(crate) const MOTIONS: &[MotionFile] = &[
    MotionFile {
        title: "选聘新物业服务人",
        matter: 4,
        opens: "2025-05-10T00:00:00+08:00",
        closes: "2025-06-09T00:00:00+08:00",
        ballots: file!("ballots/motion-1.csv"),
    },
    MotionFile {
        title: "利用小区中心绿地经营停车",
        matter: 8,
        opens: "2025-08-04T00:00:00+08:00",
        closes: "2025-09-03T00:00:00+08:00",
        ballots: file!("ballots/motion-2.csv"),
    },
    MotionFile {
        title: "使用维修资金更换单元门禁",
        matter: 5,
        opens: "2025-10-12T00:00:00+08:00",
        closes: "2025-11-01T00:00:00+08:00",
        ballots: file!("ballots/motion-3.csv"),
    },
];

/// One motion of the files.
#[derive(Debug)]
pub(crate) struct MotionFile {
    pub(crate) title: &'static str,
    pub(crate) matter: u8,
    pub(crate) opens: &'static str,
    pub(crate) closes: &'static str,
    pub(crate) ballots: &'static str,
}

/// Rows of a CSV text without its head, as fields.
pub(crate) fn rows(text: &str) -> Result<Vec<Vec<String>>, Failure> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let mut rows = Vec::new();
    for record in reader.records() {
        rows.push(record?.iter().map(str::to_owned).collect());
    }
    Ok(rows)
}
