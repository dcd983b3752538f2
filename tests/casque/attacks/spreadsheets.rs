//! Files of ours, opened by a spreadsheet as people open them: with a comma, a semicolon or a tab between cells.

use std::process::Command;

use serde_json::json;

use crate::harness::process::{has, output};
use crate::harness::{TestServer, ambush, skipped};

/// What begins a formula, behind what some program takes for the end of a cell.
const HOSTILE: [&str; 9] = [
    "=1+1",
    "x;=1+1",
    "x; =1+1",
    "x\t=1+1",
    "x\";=1+1;\"",
    "x;@SUM(1,1)",
    "x|=1+1",
    "x;+1+1;-1+1",
    "\";\"=HYPERLINK(\"http://127.0.0.1/\";\"x\")",
];

#[test]
fn no_cell_of_a_csv_runs_whatever_the_spreadsheet_takes_for_the_separator() {
    if skipped("LibreOffice (soffice)", has("soffice")) {
        return;
    }
    let server = TestServer::start();
    for text in HOSTILE.iter().filter(|text| !text.contains('\t')) {
        let body = json!({"state": "MLI", "kind": "special_unit", "instrument": format!("x {text}"), "taken_on": "2022-06-01"});
        assert_eq!(server.as_("mali").post("/v1/measures", &body).status, 201, "{text}");
    }
    let mut files = vec![("list", server.as_("mali").get_bytes("/v1/measures?format=csv"))];
    let mut body = ambush();
    body["narrative"] = json!(HOSTILE.join("\n"));
    body["attribution"] = json!(HOSTILE.join(" "));
    let record = format!("incidents/{}", server.report("minusma", &body));
    server.as_("minusma");
    let ask = json!({"records": [record], "class": "confidential", "purpose": "follow_up", "format": "csv", "code": server.code("minusma")});
    files.push(("opened", server.as_("minusma").post_bytes("/v1/disclosures/files", &ask)));

    let folder = tempfile::tempdir().unwrap();
    let opened = |name: &str, bytes: &[u8], separator: u8| {
        let name = format!("{name}-{separator}");
        std::fs::write(folder.path().join(format!("{name}.csv")), bytes).unwrap();
        let mut command = Command::new("soffice");
        command.current_dir(folder.path()).args([
            &format!("-env:UserInstallation=file://{}/profile", folder.path().display()),
            "--headless",
            &format!("--infilter=CSV:{separator},34,76"),
            "--convert-to",
            "fods",
            &format!("{name}.csv"),
        ]);
        let done = output(&mut command);
        let path = folder.path().join(format!("{name}.fods"));
        std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&done.stderr)))
    };
    // What would run does run here: else this test would tell nothing.
    assert!(opened("control", b"a;=1+1\n", b';').contains("table:formula"));
    for (name, bytes) in &files {
        for separator in [b',', b';', b'\t'] {
            let sheet = opened(name, bytes, separator);
            let cells: Vec<&str> =
                sheet.split("table:formula=").skip(1).map(|cell| cell.split('>').next().unwrap()).collect();
            assert!(cells.is_empty(), "{name} with {:?}: {cells:?}", char::from(separator));
        }
    }
}
