//! Finds what the server embeds: the built web app and the modules' interface texts. Runs no other
//! tool and reaches no network.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

/// Served until the web app is built.
const PLACEHOLDER: &str = r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tulou</title>
<h1>Tulou is running</h1>
<p>The web app is not part of this build. Run <code>make web</code>, then build again.</p>
<p>Everything else works: <a href="/api/v1">what can be read here</a>,
<a href="/api/v1/openapi.json">its description</a>, and JSON-RPC on this address.</p>
</html>
"#;

fn main() -> io::Result<()> {
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(variable("OUT_DIR")?);
    println!("cargo:rerun-if-env-changed=TULOU_WEB_DIST");
    println!("cargo:rerun-if-env-changed=TULOU_REQUIRE_WEB");
    let web = web_folder(&root, &out)?;
    println!("cargo:rustc-env=TULOU_WEB_SRC={}", web.display());
    fs::write(out.join("interfaces.rs"), interfaces(&root.join("../../modules"))?)
}

fn variable(name: &str) -> io::Result<String> {
    env::var(name).map_err(|error| io::Error::other(format!("{name}: {error}")))
}

/// `TULOU_WEB_DIST`, or `web/dist`, or a page that says how to get one.
fn web_folder(root: &Path, out: &Path) -> io::Result<PathBuf> {
    let dist =
        env::var_os("TULOU_WEB_DIST").map_or_else(|| root.join("../../web/dist"), PathBuf::from);
    let index = dist.join("index.html");
    if index.is_file() {
        println!("cargo:rerun-if-changed={}", index.display());
        return dist.canonicalize();
    }
    if env::var_os("TULOU_REQUIRE_WEB").is_some() {
        let text = format!("no index.html in {}: run `make web` first", dist.display());
        return Err(io::Error::other(text));
    }
    let folder = out.join("web");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("index.html"), PLACEHOLDER)?;
    println!("cargo:warning=the web app is not built (`make web`): serving a placeholder");
    Ok(folder)
}

/// A table of the modules' Solidity interfaces, as `&[(module, text)]`.
fn interfaces(modules: &Path) -> io::Result<String> {
    println!("cargo:rerun-if-changed={}", modules.display());
    let mut rows = Vec::new();
    for folder in fs::read_dir(modules)? {
        let folder = folder?.path();
        let Some(name) = folder.file_name().and_then(|name| name.to_str()) else { continue };
        if !folder.is_dir() {
            continue;
        }
        for file in fs::read_dir(&folder)? {
            let file = file?.path().canonicalize()?;
            if file.extension().is_some_and(|end| end == "sol") {
                rows.push(format!("({name:?}, include_str!({:?})),\n", file.display().to_string()));
            }
        }
    }
    rows.sort();
    Ok(format!("&[\n{}]\n", rows.concat()))
}
