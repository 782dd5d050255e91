//! `tulou abi`: the modules' interfaces as files, for the web app, explorers and other tools.

use std::{fs, path::Path};

use crate::output::{Failure, Outcome};

pub(crate) fn run(out: &Path) -> Outcome {
    let write = |name: &str, text: String| {
        let path = out.join(name);
        fs::write(&path, text).map_err(|e| Failure(format!("{}: {e}", path.display())))
    };
    let folder = out.join("abi");
    fs::create_dir_all(&folder).map_err(|e| Failure(format!("{}: {e}", folder.display())))?;
    for module in tulou_modules::ALL {
        let abi = serde_json::to_string_pretty(&(module.abi)())?;
        write(&format!("abi/{}.json", module.name), format!("{abi}\n"))?;
    }
    let addresses: serde_json::Map<String, serde_json::Value> = tulou_modules::ALL
        .iter()
        .map(|module| (module.name.to_owned(), module.address.to_string().into()))
        .collect();
    write("addresses.json", format!("{}\n", serde_json::to_string_pretty(&addresses)?))
}
