//! Reference data: missions, States, vocabulary, policy, designations.

use actix_web::web::Path;
use actix_web::{HttpResponse, get};
use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

use super::Routes;
use super::call::{Call, Shown};
use super::input::{self, InputReader, Reader as _, describe};
use super::problem::{NotModified, Problem, Problems};
use strum::VariantArray as _;

use crate::domain::{self, DesignationKind, MissionKind, Noun, SealedField, Visibility, list, tables};
use crate::policy::{ActRule, MATCHES, MODES, ModeRule, Party, RULES, Rule, acts};
use crate::store::{Dimension, Error, Mission, State, Unit};

/// Adds the routes.
pub fn routes(config: &mut impl Routes) {
    config
        .service(mission_list)
        .service(mission_get)
        .service(state_list)
        .service(vocabulary)
        .service(policy)
        .service(designation_list);
}

/// A mission.
#[derive(Debug, Serialize, ToSchema)]
pub struct MissionView {
    /// Acronym.
    #[schema(example = "MINUSMA")]
    acronym: String,
    /// Name in English.
    name: String,
    /// Kind.
    kind: MissionKind,
    /// Host States, alpha-3.
    #[schema(example = json!(["MLI"]))]
    host_states: Vec<String>,
    /// Start, where known; often to the month only.
    started_on: Option<NaiveDate>,
    /// End, where it ended.
    ended_on: Option<NaiveDate>,
}

impl From<Mission> for MissionView {
    fn from(mission: Mission) -> Self {
        let Mission { acronym, name, kind, started_on, ended_on, host_states } = mission;
        Self { acronym, name, kind, host_states, started_on, ended_on }
    }
}

/// Names in the six official languages.
#[derive(Debug, Serialize, ToSchema)]
pub struct Names {
    ar: String,
    zh: String,
    en: String,
    fr: String,
    ru: String,
    es: String,
}

/// A State.
#[derive(Debug, Serialize, ToSchema)]
pub struct StateView {
    /// ISO 3166-1 alpha-3.
    #[schema(example = "MLI")]
    code: String,
    /// M49.
    #[schema(example = "466")]
    m49: String,
    /// Whether it exists no more.
    historical: bool,
    /// United Nations short names.
    names: Names,
}

impl From<State> for StateView {
    fn from(state: State) -> Self {
        let State { code, m49, historical, name_ar, name_zh, name_en, name_fr, name_ru, name_es } = state;
        Self {
            code,
            m49,
            historical,
            names: Names { ar: name_ar, zh: name_zh, en: name_en, fr: name_fr, ru: name_ru, es: name_es },
        }
    }
}

/// A whole list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Missions {
    items: Vec<MissionView>,
}

/// A whole list.
#[derive(Debug, Serialize, ToSchema)]
pub struct States {
    items: Vec<StateView>,
}

/// A code with its label.
#[derive(Debug, Serialize, ToSchema)]
pub struct CodeLabel {
    /// Stable code.
    #[schema(example = "killing")]
    code: &'static str,
    /// Label in English.
    #[schema(example = "Killing")]
    label: &'static str,
}

/// A code list.
#[derive(Debug, Serialize, ToSchema)]
pub struct CodeList {
    /// Name of the list, as fields name it.
    #[schema(example = "act")]
    list: &'static str,
    /// Its codes, in order.
    codes: Vec<CodeLabel>,
}

/// All code lists.
#[derive(Debug, Serialize, ToSchema)]
pub struct Vocabulary {
    lists: Vec<CodeList>,
}

/// Code lists of no noun.
const OTHER_LISTS: &[domain::CodeList] = &[
    list::<domain::DesignationKind>(),
    list::<domain::DuplicateSource>(),
    list::<domain::DuplicateFinding>(),
    list::<crate::briefing::PublishedTable>(),
    list::<domain::StateFunction>(),
    list::<domain::AccountStatus>(),
    list::<domain::AccountChangeKind>(),
    list::<domain::NoticeKind>(),
    list::<domain::ErasureReason>(),
    list::<domain::Role>(),
    list::<domain::MissionKind>(),
    list::<domain::TaskKind>(),
    list::<Unit>(),
    list::<Dimension>(),
];

fn vocabulary_lists() -> Vec<CodeList> {
    let lists = Noun::VARIANTS.iter().flat_map(|noun| noun.spec().lists).chain(OTHER_LISTS);
    let label = |(code, label)| CodeLabel { code, label };
    lists.map(|of| CodeList { list: of.name, codes: (of.codes)().into_iter().map(label).collect() }).collect()
}

/// All missions.
#[utoipa::path(tag = "reference", responses((status = 200, body = Missions), NotModified, Problems))]
#[get("/missions")]
async fn mission_list(call: Call) -> Result<HttpResponse, Problem> {
    InputReader::query(&call.context(), &call.query, |_| Some(()))?;
    let items = call.read(|_, r| Ok(r.mission_list()?.into_iter().map(MissionView::from).collect())).await?;
    call.one(&Shown::plain(Missions { items }))
}

/// One mission.
#[utoipa::path(tag = "reference", params(("acronym" = String, Path, example = "MINUSMA")), responses((status = 200, body = MissionView), NotModified, Problems))]
#[get("/missions/{acronym}")]
async fn mission_get(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    InputReader::query(&call.context(), &call.query, |_| Some(()))?;
    let view = call.read(move |_, r| Ok(MissionView::from(r.mission_get(&path)?.ok_or(Error::NotFound)?))).await?;
    call.one(&Shown::plain(view))
}

/// All States, present and historical.
#[utoipa::path(tag = "reference", responses((status = 200, body = States), NotModified, Problems))]
#[get("/states")]
async fn state_list(call: Call) -> Result<HttpResponse, Problem> {
    InputReader::query(&call.context(), &call.query, |_| Some(()))?;
    let items = call.read(|_, r| Ok(r.state_list()?.into_iter().map(StateView::from).collect())).await?;
    call.one(&Shown::plain(States { items }))
}

/// Every code list with its labels.
#[utoipa::path(tag = "reference", responses((status = 200, body = Vocabulary), NotModified, Problems))]
#[get("/vocabulary")]
async fn vocabulary(call: Call) -> Result<HttpResponse, Problem> {
    InputReader::query(&call.context(), &call.query, |_| Some(()))?;
    call.as_viewer(|_, _| Ok(())).await?;
    call.one(&Shown::plain(Vocabulary { lists: vocabulary_lists() }))
}

/// A row of the disclosure policy.
#[derive(Debug, Serialize, ToSchema)]
pub struct PolicyRule {
    /// This role,
    role: domain::Role,
    /// in this relation to the record,
    #[schema(example = "own_mission")]
    relation: &'static str,
    /// opens fields of this class:
    #[schema(example = "confidential")]
    class: &'static str,
    /// these,
    #[schema(example = json!(["incident.exact_place"]))]
    fields: Vec<String>,
    /// under this condition.
    #[schema(example = "none")]
    condition: &'static str,
}

/// The limits of a mode of disclosure.
#[derive(Debug, Serialize, ToSchema)]
pub struct PolicyMode {
    /// The mode.
    mode: domain::DisclosureMode,
    /// Classes that it opens.
    #[schema(example = json!(["confidential"]))]
    classes: Vec<&'static str>,
    /// How long one lasts, in hours; null where it is one act.
    #[schema(example = 8)]
    hours: Option<i64>,
    /// Records that one opens, at most.
    records: Option<usize>,
    /// How many one account makes in a day, at most.
    a_day: Option<i64>,
}

/// Whose names a role may look for.
#[derive(Debug, Serialize, ToSchema)]
pub struct PolicyMatch {
    /// This role,
    role: domain::Role,
    /// these persons.
    #[schema(example = json!(["victim"]))]
    persons: Vec<&'static str>,
}

/// An act that takes more than one person.
#[derive(Debug, Serialize, ToSchema)]
pub struct PolicyAct {
    /// The act.
    #[schema(example = "record_proceeding")]
    act: &'static str,
    /// Who begins it.
    #[schema(example = json!(["mission", "secretariat", "state"]))]
    begins: Vec<&'static str>,
    /// Who agrees. It is not the person who began.
    #[schema(example = json!(["secretariat"]))]
    agrees: Vec<&'static str>,
    /// Who may stand in for the person who agrees.
    stands_in: Option<domain::Role>,
    /// How many people it takes in all.
    persons: u8,
    /// Whether the person who agrees gives a fresh code of the second factor.
    code: bool,
}

/// A sealed field.
#[derive(Debug, Serialize, ToSchema)]
pub struct PolicyField {
    /// Noun.
    noun: &'static str,
    /// Field.
    field: &'static str,
    /// Class.
    class: &'static str,
}

/// A column of the database.
#[derive(Debug, Serialize, ToSchema)]
pub struct PolicyColumn {
    table: &'static str,
    column: &'static str,
    #[schema(value_type = String, example = "open")]
    visibility: Visibility,
}

/// Who may see what: the tables that the service itself decides by.
#[derive(Debug, Serialize, ToSchema)]
pub struct Policy {
    /// Who may open which sealed field.
    disclosure: Vec<PolicyRule>,
    /// In which modes, each with its limits.
    modes: Vec<PolicyMode>,
    /// Who may ask whether a person is already known.
    matches: Vec<PolicyMatch>,
    /// Which acts take more than one person.
    acts: Vec<PolicyAct>,
    /// Every sealed field.
    sealed: Vec<PolicyField>,
    /// Every column of the database.
    columns: Vec<PolicyColumn>,
}

fn policy_view() -> Policy {
    let rule = |rule: &Rule| PolicyRule {
        role: rule.role,
        relation: rule.relation.name(),
        class: rule.class.name(),
        fields: SealedField::all()
            .filter(|field| field.class == rule.class && rule.about.contains(&field.about))
            .map(|field| format!("{}.{}", field.noun.name(), field.name))
            .collect(),
        condition: rule.condition.name(),
    };
    let mode = |mode: &ModeRule| PolicyMode {
        mode: mode.mode,
        classes: mode.classes.iter().map(|class| class.name()).collect(),
        hours: mode.lasts.map(|lasts| lasts.num_hours()),
        records: mode.records,
        a_day: mode.a_day,
    };
    let names = |parties: &[Party]| parties.iter().map(|party| party.name()).collect();
    let act = |rule: ActRule| PolicyAct {
        act: rule.act,
        begins: names(rule.begins),
        agrees: names(rule.agrees),
        stands_in: rule.stands_in(),
        persons: rule.persons,
        code: rule.code,
    };
    Policy {
        acts: acts().map(act).collect(),
        disclosure: RULES.iter().map(rule).collect(),
        modes: MODES.iter().map(mode).collect(),
        matches: MATCHES
            .iter()
            .map(|rule| PolicyMatch { role: rule.role, persons: rule.nouns.iter().map(|noun| noun.name()).collect() })
            .collect(),
        sealed: SealedField::all()
            .map(|field| PolicyField { noun: field.noun.name(), field: field.name, class: field.class.name() })
            .collect(),
        columns: tables()
            .flat_map(|table| {
                let named = |(column, visibility): &'static (&str, Visibility)| PolicyColumn {
                    table: table.name,
                    column,
                    visibility: *visibility,
                };
                table.columns.iter().map(named)
            })
            .collect(),
    }
}

/// Shows who may see, open and do what, as the service itself decides it.
#[utoipa::path(tag = "reference", responses((status = 200, body = Policy), NotModified, Problems))]
#[get("/policy")]
async fn policy(call: Call) -> Result<HttpResponse, Problem> {
    InputReader::query(&call.context(), &call.query, |_| Some(()))?;
    call.as_viewer(|_, _| Ok(())).await?;
    call.one(&Shown::plain(policy_view()))
}

/// Who answers for a mission's file.
#[derive(Debug, Serialize, ToSchema)]
pub struct DesignationView {
    mission: String,
    kind: DesignationKind,
    name: String,
    email: String,
    from_on: NaiveDate,
    to_on: Option<NaiveDate>,
}

/// A whole list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Designations {
    items: Vec<DesignationView>,
}

describe::query!(
    /// What designations are narrowed to.
    DesignationQuery,
    designation_query
);

fn designation_query(input: &mut InputReader<'_>) -> Option<Option<String>> {
    Some(input.optional("mission", None, input::mission().about("Acronym of a mission.")))
}

/// Who answers for each mission's file, from when to when.
#[utoipa::path(tag = "reference", params(DesignationQuery), responses((status = 200, body = Designations), NotModified, Problems))]
#[get("/designations")]
async fn designation_list(call: Call) -> Result<HttpResponse, Problem> {
    let mission = InputReader::query(&call.context(), &call.query, designation_query)?;
    let items = call
        .read(move |_, r| {
            Ok(r.designation_list(mission.as_deref())?
                .into_iter()
                .map(|one| DesignationView {
                    mission: one.mission,
                    kind: one.kind,
                    name: one.name,
                    email: one.email,
                    from_on: one.from_on,
                    to_on: one.to_on,
                })
                .collect())
        })
        .await?;
    call.one(&Shown::plain(Designations { items }))
}
