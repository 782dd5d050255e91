use std::{fs, io::Write, path::Path};

use clap::Parser;
use tracing::subscriber::with_default;
use tracing_subscriber::layer::SubscriberExt;

use super::{FILE, Format, Options, appender, lines};

#[derive(Debug, Parser)]
struct Command {
    #[command(flatten)]
    log: Options,
}

fn options(arguments: &[&str]) -> Options {
    let all = ["tulou"].into_iter().chain(arguments.iter().copied());
    Command::try_parse_from(all).unwrap().log
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_json_line_is_one_object_with_the_fields_of_the_event() {
    let dir = tempfile::tempdir().unwrap();
    let text = dir.path().to_str().unwrap();
    let options = options(&["--log-dir", text, "--log-format", "json", "--log", "info"]);
    let (file, guard) = options.files().unwrap().unwrap();
    let subscriber = tracing_subscriber::registry()
        .with(options.filter().unwrap())
        .with(lines(options.log_format, file));
    with_default(subscriber, || {
        tracing::info!(height = 7, hash = %"0xab", "a block\nis final");
        tracing::debug!("not asked for");
    });
    drop(guard);
    let written = fs::read_to_string(dir.path().join(FILE)).unwrap();
    let rows: Vec<serde_json::Value> =
        written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 1, "{written}");
    assert_eq!(rows[0]["level"], "INFO");
    assert_eq!(rows[0]["message"], "a block\nis final");
    assert_eq!(rows[0]["height"], 7);
    assert_eq!(rows[0]["hash"], "0xab");
    assert_eq!(rows[0]["target"], "tulou::log::tests");
    assert!(rows[0]["timestamp"].as_str().unwrap().ends_with('Z'), "{written}");
}

#[test]
fn files_are_bounded_in_size_and_number_and_keep_the_newest() {
    let dir = tempfile::tempdir().unwrap();
    let mut file = appender(dir.path().join(FILE), 1_000, 3).unwrap();
    for n in 0..100 {
        writeln!(file, "{n:0>99}").unwrap();
    }
    file.flush().unwrap();
    assert_eq!(names(dir.path()), ["tulou.log", "tulou.log.1", "tulou.log.2"]);
    for name in names(dir.path()) {
        let length = fs::metadata(dir.path().join(&name)).unwrap().len();
        assert!((1..=1_100).contains(&length), "{name}: {length}");
    }
    let newest = fs::read_to_string(dir.path().join(FILE)).unwrap();
    assert!(newest.ends_with("99\n"), "{newest}");
}

#[test]
fn a_start_goes_on_where_the_last_one_stopped() {
    let dir = tempfile::tempdir().unwrap();
    for text in ["first\n", "second\n"] {
        let mut file = appender(dir.path().join(FILE), 1_000, 3).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file.flush().unwrap();
    }
    assert_eq!(fs::read_to_string(dir.path().join(FILE)).unwrap(), "first\nsecond\n");
}

#[test]
fn text_lines_carry_no_colours() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out");
    let file = fs::File::create(&path).unwrap();
    let subscriber =
        tracing_subscriber::registry().with(lines(Format::Text, std::sync::Arc::new(file)));
    with_default(subscriber, || tracing::warn!(peer = "0x07", "a peer is gone"));
    let written = fs::read_to_string(path).unwrap();
    assert!(
        written.contains("WARN") && written.contains("a peer is gone peer=\"0x07\""),
        "{written}"
    );
    assert!(!written.contains('\u{1b}'), "{written:?}");
}

#[test]
fn what_cannot_be_is_said_at_the_start() {
    let bad = options(&["--log", "tulou=loud"]);
    assert!(bad.filter().unwrap_err().to_string().contains("hint:"));
    let dir = tempfile::tempdir().unwrap();
    let taken = dir.path().join("taken");
    fs::write(&taken, "").unwrap();
    let under = options(&["--log-dir", taken.join("log").to_str().unwrap()]);
    assert!(under.files().unwrap_err().to_string().contains("taken"));
    for arguments in [["--log-files", "0"], ["--log-mib", "0"], ["--log-format", "xml"]] {
        assert!(Command::try_parse_from(["tulou", arguments[0], arguments[1]]).is_err());
    }
    assert!(options(&[]).files().unwrap().is_none());
}
