//! Lists: which part is asked for, in which format, and the shapes in which it is answered.

use std::borrow::Cow;

use actix_web::HttpResponse;
use actix_web::http::header;
use serde::Serialize;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::call::{Call, last_part};
use super::export;
use super::input::{Context, InputReader, InputValue, Reader as _, as_text, integer};
pub use super::part::{File, Format, Part};
use super::problem::Problem;
use crate::policy::Viewer;
use crate::store::{Cursor, Page, Read, Result as StoreResult};

/// A page of a list, as it is answered.
#[derive(Debug, Serialize)]
pub struct PageOf<T> {
    items: Vec<T>,
    next: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    gone: Vec<String>,
}

impl<T: ToSchema> PartialSchema for PageOf<T> {
    fn schema() -> RefOr<Schema> {
        let items = ArrayBuilder::new().items(Ref::from_schema_name(T::name())).description(Some("Newest first."));
        let next = ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
            .description(Some("Cursor of the next page; null on the last."));
        let gone = ArrayBuilder::new()
            .items(ObjectBuilder::new().schema_type(Type::String))
            .description(Some("With `updated_from`: references of what you had seen, and that was withdrawn or concerns you no more; on the first page."));
        let page = ObjectBuilder::new()
            .property("items", items)
            .required("items")
            .property("next", next)
            .property("gone", gone);
        page.required("next").description(Some("A page of the list.")).into()
    }
}

impl<T: ToSchema> ToSchema for PageOf<T> {
    fn name() -> Cow<'static, str> {
        format!("{}Page", T::name().trim_end_matches("View")).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((T::name().into(), T::schema()));
        T::schemas(schemas);
    }
}

/// What every list takes: `limit`, `after`, `format`.
#[derive(Debug)]
pub struct Paging {
    /// Rows, 1 to 200.
    pub limit: i64,
    /// Where the page begins.
    pub after: Option<Cursor>,
    /// Format asked for.
    pub format: Option<Format>,
    /// Whether neither `limit` nor `after` was given: then a file has the whole list.
    pub is_whole: bool,
}

impl Paging {
    /// Takes the members out of a query.
    pub fn of(input: &mut InputReader<'_>) -> Option<Self> {
        let limit = input.optional("limit", None, integer(1, 200).about("Rows a page; 50 if absent."));
        let cursor = |input: &InputValue, _: &Context| {
            Cursor::decode(as_text(input)?).ok_or_else(|| "must be a cursor that this list gave".to_owned())
        };
        let after = input.optional("after", None, cursor.about("Cursor of the next page, as the last answer gave it."));
        let format = |input: &InputValue, _: &Context| match as_text(input)? {
            "json" => Ok(Format::Json),
            "csv" => Ok(Format::File(File::Csv)),
            "xlsx" => Ok(Format::File(File::Xlsx)),
            _ => Err("must be json, csv or xlsx".to_owned()),
        };
        let words = "`json`, `csv` or `xlsx`, before `Accept`. Without `limit` and `after` a file has the whole list.";
        let format = input.optional("format", None, format.about(words));
        let is_whole = limit.is_none() && after.is_none();
        Some(Self { limit: limit.unwrap_or(50), after, format, is_whole })
    }
}

impl Call {
    /// Answers with a page of a list as JSON, or with all of it as a file where the call asks for one without `limit`.
    ///
    /// # Errors
    /// 401; 406 for another format; 503 when too many exports run; those of `list`.
    pub async fn list<T: Serialize + Send + 'static>(
        &self,
        paging: Paging,
        list: impl Fn(&Viewer, &mut Read<'_>, Part<'_>) -> StoreResult<Page<T>> + Send + 'static,
    ) -> Result<HttpResponse, Problem> {
        self.list_as(paging, |viewer| Ok(viewer.clone()), list).await
    }

    /// As [`Call::list`], as the viewer that `effective_viewer` gives: oneself, or a State that the Secretariat looks through.
    ///
    /// # Errors
    /// As [`Call::list`]; those of `effective_viewer`.
    pub async fn list_as<T: Serialize + Send + 'static>(
        &self,
        paging: Paging,
        effective_viewer: impl FnOnce(&Viewer) -> StoreResult<Viewer> + Send + 'static,
        list: impl Fn(&Viewer, &mut Read<'_>, Part<'_>) -> StoreResult<Page<T>> + Send + 'static,
    ) -> Result<HttpResponse, Problem> {
        let format = self.format(paging.format)?;
        if let (Format::File(file), true) = (format, paging.is_whole) {
            return export::whole(self, file, effective_viewer, list).await;
        }
        let page = self
            .as_viewer(move |call, session| {
                let viewer = effective_viewer(&session.account.viewer)?;
                let part = Part { after: paging.after.as_ref(), limit: paging.limit, whole: false };
                Ok(call.app().store.read_committed(&viewer, |r| list(&viewer, r, part))?)
            })
            .await?;
        let next = page.next.as_ref().map(Cursor::encode);
        let mut response = match format {
            Format::Json => HttpResponse::Ok(),
            Format::File(file) => export::head(self, file),
        };
        if let Some(next) = &next {
            let rest: Vec<&str> =
                self.query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("after=")).collect();
            let rest: String = rest.iter().map(|pair| format!("&{pair}")).collect();
            response.insert_header((header::LINK, format!("<{}?after={next}{rest}>; rel=\"next\"", self.path)));
        }
        match format {
            Format::Json => Ok(response.json(PageOf { items: page.items, next, gone: page.gone })),
            Format::File(file) => Ok(response.body(export::page(self, file, &page.items)?)),
        }
    }

    /// The name of the list that is asked for, as its file has it.
    pub fn list_name(&self) -> &str {
        last_part(&self.path)
    }

    fn format(&self, asked: Option<Format>) -> Result<Format, Problem> {
        if let Some(format) = asked {
            return Ok(format);
        }
        let accept = self.accept.as_deref().unwrap_or("*/*");
        let wants = |kind: &str| accept.split(',').any(|part| part.split(';').next().unwrap_or("").trim() == kind);
        if wants("application/json") || wants("*/*") || wants("application/*") {
            Ok(Format::Json)
        } else if wants("text/csv") || wants("text/*") {
            Ok(Format::File(File::Csv))
        } else if wants("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet") {
            Ok(Format::File(File::Xlsx))
        } else {
            Err(Problem::of("not_acceptable"))
        }
    }
}
