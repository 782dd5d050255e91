use serde_json::json;

use super::*;

const INDEX: &[u8] = b"<!doctype html>";
const SCRIPT: &[u8] = b"vote()";

fn told(index: &str, script: &str, digest: &str) -> Vec<u8> {
    json!({ "digest": format!("0x{digest}"), "files": [
        { "path": "assets/a.js", "sha256": format!("0x{script}"), "bytes": SCRIPT.len() },
        { "path": "index.html", "sha256": format!("0x{index}"), "bytes": INDEX.len() },
    ]})
    .to_string()
    .into_bytes()
}

fn files() -> Files {
    [("index.html", INDEX), ("assets/a.js", SCRIPT)]
        .map(|(path, bytes)| (path.to_owned(), sha256(bytes)))
        .into()
}

/// A node with this manifest that serves these two files.
fn node<'a>(
    manifest: &'a [u8],
    index: &'a [u8],
    script: &'a [u8],
) -> impl Fn(&str) -> Result<Vec<u8>, ClientError> + 'a {
    move |path| match path {
        MANIFEST => Ok(manifest.to_vec()),
        "/" => Ok(index.to_vec()),
        "/assets/a.js" => Ok(script.to_vec()),
        other => Err(ClientError::Refused { code: 404, message: other.to_owned(), data: None }),
    }
}

#[test]
fn an_app_is_whole_where_every_file_is_what_the_node_says() {
    let digest = digest(&files());
    let manifest = told(&sha256(INDEX), &sha256(SCRIPT), &digest);
    assert_eq!(look(node(&manifest, INDEX, SCRIPT)), Found::Whole(digest));
}

#[test]
fn whatever_was_changed_is_named() {
    let digest = digest(&files());
    let manifest = told(&sha256(INDEX), &sha256(SCRIPT), &digest);
    let changed = |paths: &[&str]| Found::Changed(paths.iter().map(|p| (*p).to_owned()).collect());
    // A proxy that adds to the page, and one that adds to the script.
    assert_eq!(look(node(&manifest, b"<!doctype html><script>", SCRIPT)), changed(&["index.html"]));
    assert_eq!(look(node(&manifest, INDEX, b"")), changed(&["assets/a.js"]));
    // One that changes the list too cannot give the digest that the others have.
    let forged = told(&sha256(b"evil"), &sha256(SCRIPT), &digest);
    assert_eq!(look(node(&forged, b"evil", SCRIPT)), changed(&["the digest of the list"]));
    // A list that names no first page, and none at all.
    for list in ["{}", r#"{"digest":"0x00","files":[]}"#, "no json"] {
        assert!(matches!(look(node(list.as_bytes(), INDEX, SCRIPT)), Found::Untold(_)), "{list}");
    }
}

#[test]
fn a_build_has_the_digest_that_sha256sum_gives() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("assets")).unwrap();
    for (path, bytes) in [
        ("index.html", INDEX),
        ("assets/a.js", SCRIPT),
        // Twins are made from the others.
        ("index.html.br", b"twin".as_slice()),
        ("assets/a.js.gz", b"twin"),
    ] {
        fs::write(home.path().join(path), bytes).unwrap();
    }
    assert_eq!(build(home.path()).unwrap(), files());
    let sum = std::process::Command::new("sh")
        .arg("-c")
        .arg("sha256sum assets/a.js index.html | sha256sum | cut -d ' ' -f 1")
        .current_dir(home.path())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(sum.stdout).unwrap().trim(), digest(&files()));
    assert!(build(&home.path().join("none")).unwrap_err().to_string().contains("make web"));
}
