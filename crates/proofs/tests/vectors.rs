//! The vectors that all verifiers share: made here with fixed keys, compared with the committed file, and
//! run through this crate. The TypeScript verifier runs the same file.

mod estate;
mod tamper;

use std::path::PathBuf;

use serde_json::Value;
use tulou_proofs::{
    AccountProof, EpochLink, KeySheet, LightClient, PageProof, ProofError, ReceiptProof,
};

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/light.json")
}

#[test]
fn the_committed_vectors_are_what_this_code_makes() {
    let made = tamper::vectors();
    // A line for each case, so that a change shows which.
    let text = made.to_string().replace("{\"name\"", "\n{\"name\"") + "\n";
    if std::env::var_os("TULOU_WRITE_VECTORS").is_some() {
        std::fs::create_dir_all(file().parent().unwrap()).unwrap();
        std::fs::write(file(), &text).unwrap();
    }
    let committed = std::fs::read_to_string(file()).unwrap();
    assert!(committed == text, "tests/vectors/light.json differs: see README.md of this crate");
}

/// What a check of a case gives: `ok`, or the name of the step that fails.
fn verdict(vectors: &Value, case: &Value) -> String {
    let name = |error: ProofError| error.step().name().to_owned();
    if case["kind"] == "sheet" {
        return match KeySheet::parse(case["text"].as_str().unwrap()) {
            Ok(sheet) => {
                assert_eq!(KeySheet::parse(&sheet.print()), Ok(sheet));
                "ok".into()
            }
            Err(_) => "sheet".into(),
        };
    }
    let sheet = case.get("sheet").unwrap_or(&vectors["sheet"]).as_str().unwrap();
    let mut client = LightClient::new(KeySheet::parse(sheet).unwrap());
    let links: Vec<EpochLink> = serde_json::from_value(vectors["links"].clone()).unwrap();
    let follow = case["follow"].as_u64().unwrap() as usize;
    for link in &links[..follow] {
        client
            .follow(link)
            .unwrap_or_else(|e| panic!("{}: link {}: {e}", case["name"], link.epoch));
    }
    let proof = case["proof"].clone();
    let result = match case["kind"].as_str().unwrap() {
        "link" => {
            let before = client.epoch();
            let done = client.follow(&serde_json::from_value(proof).unwrap());
            assert_eq!(client.epoch(), before + u64::from(done.is_ok()));
            done
        }
        "page" => client.page(&serde_json::from_value::<PageProof>(proof).unwrap()).map(|page| {
            let header = &page.header;
            assert_eq!(case["height"].as_u64(), Some(header.number), "{}", case["name"]);
        }),
        "receipt" => client
            .receipt(
                serde_json::from_value(case["transaction"].clone()).unwrap(),
                &serde_json::from_value::<ReceiptProof>(proof).unwrap(),
            )
            .map(|found| assert_eq!(case["succeeded"].as_bool(), Some(found.succeeded()))),
        "account" => {
            let page = serde_json::from_value::<PageProof>(proof["page"].clone()).unwrap();
            let account = serde_json::from_value::<AccountProof>(proof["account"].clone()).unwrap();
            client.account(&page, &account).map(|found| {
                let balance =
                    found.account.map_or_else(Default::default, |account| account.balance);
                assert_eq!(case["balance"], serde_json::to_value(balance).unwrap());
            })
        }
        kind => panic!("unknown kind {kind}"),
    };
    result.map_or_else(name, |()| "ok".into())
}

#[test]
fn every_vector_is_accepted_or_fails_at_the_step_it_names() {
    let vectors: Value = serde_json::from_str(&std::fs::read_to_string(file()).unwrap()).unwrap();
    let cases = vectors["cases"].as_array().unwrap();
    let mut wrong = Vec::new();
    for case in cases {
        let found = verdict(&vectors, case);
        if case["expect"] != found {
            wrong.push(format!("{}: expected {}, found {found}", case["name"], case["expect"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let good = cases.iter().filter(|case| case["expect"] == "ok").count();
    assert!(good >= 10 && cases.len() - good >= 40, "{good} good of {}", cases.len());
}

#[test]
fn certificate_bytes_by_number_of_validators() {
    let expected = [(4, 239), (7, 367), (10, 496), (20, 945)];
    for (n, bytes) in expected {
        let length = estate::certificate_of(n).len();
        println!("{n} validators: certificate of {length} bytes");
        assert_eq!(length, bytes, "{n} validators");
    }
}
