use super::*;

fn needles(words: &[&str]) -> Needles {
    let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
    Needles::new(&words).unwrap_or_else(|failure| panic!("{failure}"))
}

fn found(needles: &Needles, bytes: &[u8]) -> Vec<&'static str> {
    let mut ways: Vec<_> = needles.find(bytes).map(|hit| hit.how).collect();
    ways.dedup();
    ways
}

#[test]
fn a_word_is_found_however_it_was_written() {
    let needles = needles(&["潘学峰", "15402843467", "浙A12B45", "李雷"]);
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    let gbk = |text: &str| encoding_rs::GBK.encode(text).0.into_owned();
    let base64 = |text: &str| {
        use base64::{Engine, engine::general_purpose::STANDARD};
        STANDARD.encode(text).into_bytes()
    };
    let number = 15_402_843_467_u64.to_be_bytes();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("UTF-8", "业主潘学峰先生".into()),
        ("UTF-8", "电话15402843467。".into()),
        ("UTF-8", "154-0284-3467".into()),
        ("UTF-8", "154 0284 3467".into()),
        ("UTF-8", "+86 15402843467".into()),
        ("UTF-8", "浙A·12B45".into()),
        ("UTF-8", "浙A-12B45".into()),
        ("UTF-8", "李雷".into()),
        ("UTF-16LE", utf16("业主潘学峰先生")),
        ("UTF-16LE", utf16("\"李雷\"")),
        ("UTF-16BE", "潘学峰".encode_utf16().flat_map(u16::to_be_bytes).collect()),
        ("GBK", gbk("业主潘学峰先生")),
        ("GBK", gbk("李雷,")),
        ("hexadecimal", hex::encode("业主潘学峰").into_bytes()),
        ("hexadecimal", hex::encode_upper("15402843467").into_bytes()),
        ("hexadecimal of GBK", hex::encode(gbk("潘学峰")).into_bytes()),
        ("base64", base64("潘学峰")),
        ("base64", base64("1潘学峰22")),
        ("base64", base64("12潘学峰2")),
        ("base64", base64("电话:15402843467")),
        ("percent escapes", "?q=%E6%BD%98%E5%AD%A6%E5%B3%B0".into()),
        ("JSON escapes", "\\u6f58\\u5b66\\u5cf0".into()),
        ("a number", [&[0; 24][..], &number].concat()),
        ("a number in RLP", [&[0x85][..], &number[3..]].concat()),
        ("packed decimals", hex::decode("015402843467").unwrap()),
    ];
    for (how, bytes) in cases {
        assert!(found(&needles, &bytes).contains(&how), "{how}: {}", hex::encode(&bytes));
    }
}

#[test]
fn what_is_not_there_is_not_found() {
    let needles = needles(&["潘学峰", "15402843467", "浙A12B45", "李雷"]);
    for text in ["潘学", "学峰潘", "1540284346", "15402843468", "浙A12B4", "154-0284-3468", "李 雷"]
    {
        assert_eq!(found(&needles, text.as_bytes()), [] as [&str; 0], "{text}");
    }
    // Four bytes that chance wrote stand between no delimiters.
    let short = encoding_rs::GBK.encode("李雷").0.into_owned();
    let by_chance = [&[0xc3, 0x91][..], &short, &[0xfe, 0x41]].concat();
    assert_eq!(found(&needles, &by_chance), [] as [&str; 0]);
}

#[test]
fn pieces_of_a_file_hide_nothing_between_them() {
    let needles = needles(&["潘学峰"]);
    let reach = needles.reach();
    for at in [0, PIECE - 20, PIECE - 8, PIECE - 4, PIECE, PIECE + 3, 2 * PIECE - reach - 5] {
        let mut bytes = vec![b'.'; 2 * PIECE + 100];
        bytes[at..at + 9].copy_from_slice("潘学峰".as_bytes());
        let mut findings = Findings::default();
        let read = scan_stream(&needles, &mut &bytes[..], "a file", &mut findings).unwrap();
        assert_eq!(read, bytes.len() as u64);
        let places: Vec<_> = findings.found.iter().map(|(_, place, ..)| *place).collect();
        assert_eq!(places, [at]);
    }
}

#[test]
fn compressed_files_and_names_of_files_are_looked_at() {
    let dir = tempfile::tempdir().unwrap();
    let text = "业主潘学峰先生".repeat(50);
    fs::write(dir.path().join("chunk"), zstd::encode_all(text.as_bytes(), 3).unwrap()).unwrap();
    fs::write(dir.path().join("潘学峰.txt"), "nothing").unwrap();
    let mut findings = Findings::default();
    scan_path(&needles(&["潘学峰"]), dir.path(), &mut findings).unwrap();
    let places: BTreeSet<_> = findings.found.iter().map(|(place, ..)| place.clone()).collect();
    assert!(places.iter().any(|place| place.ends_with("chunk, decompressed")), "{places:?}");
    assert!(places.iter().any(|place| place.starts_with("the name of")), "{places:?}");
    assert_eq!(findings.files, 2);
}
