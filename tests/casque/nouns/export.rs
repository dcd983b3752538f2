//! Whole lists as files.

use std::io::{Cursor, Read};

use crate::harness::TestServer;

#[test]
fn a_file_has_the_whole_list_that_paging_through_it_shows() {
    let server = TestServer::with_sample();
    for who in ["verifier", "minusma", "mali", "iceland"] {
        let (mut paged, mut path) = (Vec::new(), "/v1/incidents?limit=200".to_owned());
        loop {
            let page = server.as_(who).get(&path);
            paged.extend(page.references());
            match page.header("link") {
                Some(link) => path = link.split(['<', '>']).nth(1).unwrap().to_owned(),
                None => break,
            }
        }
        let csv = server.as_(who).get("/v1/incidents?format=csv");
        assert_eq!(csv.status, 200);
        assert!(csv.header("content-disposition").unwrap().contains("incidents.csv"));
        let mut reader = csv::Reader::from_reader(csv.text.as_bytes());
        let rows: Vec<String> = reader.records().map(|row| row.unwrap().get(0).unwrap().to_owned()).collect();
        assert_eq!(rows, paged, "{who}");
    }
    assert!(server.as_("verifier").get("/v1/incidents?format=csv").text.lines().count() > 600);
    let page = server.as_("verifier").get("/v1/incidents?format=csv&limit=10");
    assert_eq!(page.text.lines().count(), 11, "with a limit, a page");
    assert!(page.header("link").is_some());
}

#[test]
fn a_sheet_has_the_rows_of_the_csv_with_numbers_as_numbers() {
    let server = TestServer::with_sample();
    for list in super::lists() {
        let csv = server.as_("verifier").get(&format!("/v1/{list}?format=csv")).text;
        let xlsx = server.as_("verifier").get_bytes(&format!("/v1/{list}?format=xlsx"));
        let mut archive = zip::ZipArchive::new(Cursor::new(xlsx)).unwrap();
        let mut sheet = String::new();
        archive.by_name("xl/worksheets/sheet1.xml").unwrap().read_to_string(&mut sheet).unwrap();
        let records = csv::Reader::from_reader(csv.as_bytes()).records().count();
        // An empty list is an empty file, without a header.
        let rows = if records == 0 { 0 } else { records + 1 };
        assert_eq!(sheet.matches("<row ").count(), rows, "{list}");
        if list == "incidents" {
            assert!(sheet.contains("<v>1</v>") && sheet.contains("autoFilter"), "numbers, and a header to filter by");
        }
    }
}

#[test]
fn a_file_is_refused_before_its_first_row_as_anything_else_is() {
    let server = TestServer::start();
    assert_eq!(server.anonymous().get("/v1/incidents?format=csv").status, 401);
    assert_eq!(server.with_token("nonsense").get("/v1/incidents?format=csv").status, 401);
    assert_eq!(server.as_("minusma").get("/v1/audit?format=csv").status, 403);
    assert_eq!(server.as_("minusma").get("/v1/incidents?format=csv&as=MLI").status, 403);
    assert_eq!(server.as_("minusma").get("/v1/incidents?format=pdf").status, 400);
    assert_eq!(server.as_("minusma").get("/v1/incidents?format=csv").text, "", "an empty list is an empty file");
}
