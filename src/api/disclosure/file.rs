//! A selection, opened as one file: built in memory, each row marked with who opened it, when and why.

use crate::api::input::InputReader;
use crate::api::input::Reader as _;
use crate::api::input::describe;
use actix_web::web::Bytes;
use actix_web::{HttpResponse, post};
use seal::Plain;
use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::{note, open, record, wanted};
use crate::api::Routes;
use crate::api::call::Call;
use crate::api::export;
use crate::api::input::{self, Context, InputValue};
use crate::api::list::File;
use crate::api::problem::{Problem, Problems};
use crate::api::session::secret;
use crate::disclosure::{Given, Opened};
use crate::domain::{Code, DisclosureMode, Purpose, SealedField};
use crate::exchange::{CsvTable, XlsxTable};
use crate::policy::{may_begin, mode_rule};
use crate::store::{Authorization, DisclosureAsk};

pub(super) fn routes(config: &mut impl Routes) {
    config.service(file_create);
}

describe::input!(
    /// What to open as a file, and why.
    FileInput,
    "What to open as a file, and why.",
    file_input,
    {"records": ["incidents/MINUSMA-2019-7KQ4"], "class": "confidential", "format": "xlsx", "purpose": "follow_up", "code": "123456"}
);

fn file_input(input: &mut InputReader<'_>) -> Option<(DisclosureAsk, File, Plain)> {
    let most = mode_rule(DisclosureMode::File).records.unwrap_or(0);
    let records = input::list_of(most, record).about("Paths of records, each with its children; at most 5,000 rows.");
    let records = input.required("records", None, records);
    if records.as_ref().is_some_and(Vec::is_empty) {
        input.fault("records", "must have at least one record");
    }
    let wanted = wanted(input);
    let format = input.required("format", None, format.about("`csv` or `xlsx`."));
    let purpose = input.required("purpose", None, input::code().about("Why."));
    let note = input.optional("note", None, note.about("Why, in words: sealed."));
    let code = input.required("code", None, secret.about("A new code of the second factor."));
    let (class, fields) = wanted?;
    let (records, warrant) = (records?, Authorization::File(purpose?));
    Some((DisclosureAsk { records, class, fields, warrant, note, factor: None }, format?, code?))
}

fn format(input: &InputValue, _: &Context) -> Result<File, String> {
    match input::as_text(input)? {
        "csv" => Ok(File::Csv),
        "xlsx" => Ok(File::Xlsx),
        _ => Err("must be csv or xlsx".into()),
    }
}

/// Who opened a file, when and why: on every row, so that a row that is copied elsewhere still says so.
struct Mark {
    by: String,
    at: String,
    purpose: Purpose,
    file: String,
}

/// A row: a record's path, its fields, and the mark.
struct Row<'a> {
    columns: &'a [&'static str],
    opened: &'a Opened,
    mark: &'a Mark,
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut row = serializer.serialize_struct("Row", self.columns.len() + 5)?;
        row.serialize_field("record", &self.opened.path)?;
        for column in self.columns {
            let value =
                self.opened.fields.iter().find(|(name, _)| name == column).and_then(|(_, value)| value.as_ref());
            row.serialize_field(column, &value.map(|plain| plain.expose()))?;
        }
        row.serialize_field("opened_by", &self.mark.by)?;
        row.serialize_field("opened_at", &self.mark.at)?;
        row.serialize_field("purpose", self.mark.purpose.code())?;
        row.serialize_field("file", &self.mark.file)?;
        row.end()
    }
}

/// Opens a selection as one file, CSV or XLSX: a row for each record and child of which anything may be opened. Each record is a
/// disclosure of its own, on the record. Ten a day.
#[utoipa::path(
    tag = "disclosures",
    request_body = FileInput,
    responses((status = 200, description = "The file", content((String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))), Problems)
)]
#[post("/disclosures/files")]
async fn file_create(call: Call, body: Bytes) -> Result<HttpResponse, Problem> {
    let (ask, format, code) = call.body(&body, file_input).await?;
    let bytes = call
        .as_viewer(move |call, session| {
            let (class, viewer) = (ask.class, &session.account.viewer);
            may_begin(viewer, call.app().store.now())
                .map_err(|refusal| Problem::of("sealed").with_detail(refusal.code()))?;
            let Given { id, at, purpose, review_due_at: _, records, refused: _ } =
                open(call, session, ask, Some(&code))?;
            let opened =
                |name: &str| records.iter().any(|record| record.fields.iter().any(|(known, _)| *known == name));
            let mut columns: Vec<&'static str> = Vec::new();
            for field in SealedField::all().filter(|field| field.class == class && opened(field.name)) {
                if !columns.contains(&field.name) {
                    columns.push(field.name);
                }
            }
            let by = format!("{} <{}>", session.account.name, session.account.email);
            let mark = Mark { by, at: at.and_utc().to_rfc3339(), purpose, file: id };
            let rows = records.iter().map(|opened| Row { columns: &columns, opened, mark: &mark });
            written(format, rows)
        })
        .await?;
    Ok(export::head(&call, format).body(bytes))
}

fn written<'a>(format: File, rows: impl Iterator<Item = Row<'a>>) -> Result<Vec<u8>, Problem> {
    let failed = || Problem::of("internal");
    match format {
        File::Csv => {
            let mut table = CsvTable::default();
            for row in rows {
                table.add(&row).map_err(|_| failed())?;
            }
            Ok(table.take())
        }
        File::Xlsx => {
            let mut table = XlsxTable::in_memory("disclosure").map_err(|_| failed())?;
            for row in rows {
                table.add(&row).map_err(|_| failed())?;
            }
            table.bytes().map_err(|_| failed())
        }
    }
}
