use axum::http::{HeaderMap, header};

use crate::web::{accepts, lookup};

#[test]
fn a_path_is_a_file_or_the_app_or_nothing() {
    let files = ["index.html", "index.html.br", "assets/a.js", "assets/a.js.br", "logo.svg"];
    let exists = |name: &str| files.contains(&name);
    for (path, file) in [
        ("", Some("index.html")),
        ("index.html", Some("index.html")),
        ("motions/7", Some("index.html")),
        ("assets/a.js", Some("assets/a.js")),
        ("assets/b.js", None),
        ("assets/b", None),
        ("logo.svg", Some("logo.svg")),
        ("other.svg", None),
        ("deep/other.svg", None),
        // Compressed twins are not files of their own.
        ("index.html.br", None),
        ("../Cargo.toml", None),
    ] {
        assert_eq!(lookup(path, exists), file, "{path}");
    }
    assert_eq!(lookup("", |_| false), None);
}

#[test]
fn an_encoding_with_weight_zero_is_not_accepted() {
    let mut headers = HeaderMap::new();
    assert!(!accepts(&headers, "br"));
    headers.insert(header::ACCEPT_ENCODING, "gzip;q=0.5, BR ; q=0, deflate".parse().unwrap());
    assert!(accepts(&headers, "gzip"));
    assert!(!accepts(&headers, "br"));
}
