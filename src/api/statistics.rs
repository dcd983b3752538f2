//! Counts within scope.

use std::sync::Arc;

use actix_web::{HttpResponse, get};
use chrono::{DateTime, Utc};
use serde::Serialize;
use strum::VariantArray;
use utoipa::ToSchema;

use super::Routes;
use super::call::{Call, Shown};
use super::input::{self, Context, InputReader, InputValue, Reader as _, describe};
use super::problem::{NotModified, Problem, Problems};
use crate::domain::{Act, Code, Forum, Harm, InformationStatus, Means, Outcome, Personnel, Stage};
use crate::store::{Dimension, StatisticsAsk, Unit};

/// Adds the routes.
pub fn routes(config: &mut impl Routes) {
    config.service(statistics);
}

/// The values of a cell, by dimension.
#[derive(Debug)]
pub struct By {
    names: Arc<[&'static str]>,
    values: Vec<Option<String>>,
}

impl Serialize for By {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.names.iter().zip(&self.values))
    }
}

/// One cell.
#[derive(Debug, Serialize, ToSchema)]
pub struct CellView {
    /// A value for each dimension asked; null where the source does not tell.
    #[schema(value_type = HashMap<String, Option<String>>, example = json!({"mission": "MINUSMA", "year": "2019"}))]
    by: By,
    /// How many of the unit.
    count: u64,
}

/// Counts of a named unit.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatisticsView {
    /// What is counted. Counts of different units are never to be added or compared.
    unit: Unit,
    /// Dimensions, in order.
    by: Vec<Dimension>,
    /// Whose records: `everything`, `missions` or `state`.
    #[schema(example = "everything")]
    scope: String,
    /// When it was counted.
    cut_off: DateTime<Utc>,
    /// Where the figures come from.
    source: &'static str,
    /// Cells that are not empty.
    cells: Vec<CellView>,
}

describe::query!(
    /// What is counted. Every dimension may also be given as a parameter, to count only that value.
    StatisticsQuery,
    ask
);

fn dimensions(input: &InputValue, _: &Context) -> Result<Vec<Dimension>, String> {
    let text = input::as_text(input)?;
    let mut list = Vec::new();
    for name in text.split(',').filter(|name| !name.is_empty()) {
        let dimension =
            Dimension::parse(name).ok_or("must be a code of the list dimension (see GET /v1/vocabulary)")?;
        if list.contains(&dimension) {
            return Err("must not name the same dimension twice".into());
        }
        list.push(dimension);
    }
    Ok(list)
}

/// The value that a dimension is narrowed to, read as what the dimension holds.
fn only_value(input: &mut InputReader<'_>, dimension: Dimension) -> Option<String> {
    fn coded<C: Code>(input: &mut InputReader<'_>, dimension: Dimension) -> Option<String> {
        input.optional(dimension.code(), None, input::code::<C>()).map(|value| value.code().to_owned())
    }
    let name = dimension.code();
    match dimension {
        Dimension::Mission => input.optional(name, None, input::mission()),
        Dimension::HostState => input.optional(name, None, input::state()),
        Dimension::Year => input.optional(name, None, input::integer::<i32>(1948, 9998)).map(|year| year.to_string()),
        Dimension::Act => coded::<Act>(input, dimension),
        Dimension::Means => coded::<Means>(input, dimension),
        Dimension::Outcome => input.optional(name, None, |input: &InputValue, context: &Context| {
            let harm = input::code::<Harm>().read(input, context).map(|harm| harm.code().to_owned());
            harm.or_else(|_| input::code::<Outcome>().read(input, context).map(|outcome| outcome.code().to_owned()))
        }),
        Dimension::PersonnelCategory => coded::<Personnel>(input, dimension),
        Dimension::Stage => coded::<Stage>(input, dimension),
        Dimension::Forum => coded::<Forum>(input, dimension),
        Dimension::InAbsentia => input.optional(name, None, input::truth()).map(|truth| truth.to_string()),
        Dimension::InformationStatus => coded::<InformationStatus>(input, dimension),
    }
}

pub(super) fn ask(input: &mut InputReader<'_>) -> Option<StatisticsAsk> {
    let unit =
        input.required("unit", Some(Unit::Incidents), input::code::<Unit>().about("Unit: `incidents` if absent."));
    let by = input.required(
        "by",
        Some(Vec::new()),
        dimensions.about("Dimensions, parted by commas: each unit has its own."),
    );
    let mut only = Vec::new();
    for dimension in Dimension::VARIANTS {
        if let Some(value) = only_value(input, *dimension) {
            only.push((*dimension, value));
        }
    }
    let (unit, by) = (unit?, by?);
    let has = |dimension: &Dimension| unit.dimensions().contains(dimension);
    if !by.iter().all(has) {
        input.fault("by", "this unit cannot be counted by this dimension");
    }
    for (dimension, _) in only.iter().filter(|(dimension, _)| !has(dimension)) {
        input.fault(dimension.code(), "this unit cannot be filtered by this dimension");
    }
    Some(StatisticsAsk { unit, by, only })
}

/// Counts of a named unit by open dimensions, within your scope. Released editions are counted, for everybody.
#[utoipa::path(tag = "statistics", params(StatisticsQuery), responses((status = 200, body = StatisticsView), NotModified, Problems))]
#[get("/statistics")]
async fn statistics(call: Call) -> Result<HttpResponse, Problem> {
    let ask = InputReader::query(&call.context(), &call.query, ask)?;
    let view = call
        .read(move |viewer, r| {
            let cells = r.statistics(&ask)?;
            let names: Arc<[&'static str]> = ask.by.iter().map(|dimension| dimension.code()).collect();
            let cells = cells
                .into_iter()
                .map(|cell| CellView { by: By { names: names.clone(), values: cell.by }, count: cell.count })
                .collect();
            let scope = match viewer.scope() {
                crate::policy::Scope::Everything => "everything".to_owned(),
                crate::policy::Scope::Missions(missions) => format!("missions {}", missions.join(", ")),
                crate::policy::Scope::State(state) => format!("records that concern {state}"),
                crate::policy::Scope::Nothing => "nothing".to_owned(),
            };
            Ok(StatisticsView {
                unit: ask.unit,
                by: ask.by,
                scope,
                cut_off: r.now().and_utc(),
                source: "Casque, released editions",
                cells,
            })
        })
        .await?;
    call.one(&Shown::plain(view))
}
