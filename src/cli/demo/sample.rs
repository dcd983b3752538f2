//! What the demo is filled with: reference data, real public records, and a small made-up set, labelled `MADE-UP` in an
//! open field of each record, or in a sealed one where the noun has no open text. All follow-ups and contributions are made up.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{Days, NaiveDate};
use seal::Plain;

use super::DemoAccount;
use crate::domain::{
    Act, Activity, AssistanceFacts, AssistanceKind, AssistanceStatus, CaseFacts, Code, ContributionFacts,
    ContributionPurpose, DesignationKind, FollowUpFacts, FollowUpKind, Forum, Harm, IncidentFacts, IncidentStatus,
    InformationStatus, Jurisdiction, Means, MeasureFacts, MeasureKind, Noun, Obstacle, Outcome, PartialDate,
    Perpetrator, Personnel, Precision, ProceedingFacts, ReplyStatus, Rights, Role, Ruling, SealedField, Sentence, Sex,
    Stage, StateFunction, StepKind, SubmissionStatus, SuspectFacts, SuspectStatus, VictimFacts,
};
use crate::exchange::{FATALITIES, import_fatalities, public_proceedings};
use crate::identity::Identity;
use crate::policy::{Scope, Viewer};
use crate::store::{
    Grounds, IncidentFilter, NewAccount, NewAccused, NewIncident, NewStep, NewSuspect, NewVictim, ProceedingFilter,
    SealedInput, Store, Verdict,
};

type Failed = Box<dyn std::error::Error>;

/// How much is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sample {
    /// Accounts only.
    Bare,
    /// The whole demo.
    Whole,
}

/// Told what is being loaded, how much is done, and of how much.
pub type Progress<'a> = &'a mut dyn FnMut(&'static str, usize, usize);

struct Person {
    email: &'static str,
    name: &'static str,
    role: Role,
    missions: &'static [&'static str],
    state: Option<&'static str>,
    function: StateFunction,
    graded: bool,
}

const fn person(
    email: &'static str,
    name: &'static str,
    role: Role,
    missions: &'static [&'static str],
    state: Option<&'static str>,
    graded: bool,
) -> Person {
    Person { email, name, role, missions, state, function: StateFunction::Proposer, graded }
}

const fn of_mali(email: &'static str, name: &'static str, function: StateFunction) -> Person {
    Person { email, name, role: Role::MemberState, missions: &[], state: Some("MLI"), function, graded: false }
}

/// One account for every role and scope. The names are offices, not people.
const PEOPLE: &[Person] = &[
    person("minusma.focal-point@casque.example", "Custodian, MINUSMA", Role::FocalPoint, &["MINUSMA"], None, false),
    person("unifil.focal-point@casque.example", "Focal point, UNIFIL", Role::FocalPoint, &["UNIFIL"], None, false),
    person("senior@casque.example", "Senior focal point", Role::SeniorFocalPoint, &[], None, true),
    person("verifier@casque.example", "Secretariat, verification", Role::Secretariat, &[], None, true),
    person("releaser@casque.example", "Secretariat, release", Role::Secretariat, &[], None, true),
    person("briefing@casque.example", "Secretariat, briefing", Role::Secretariat, &[], None, false),
    person("mali@casque.example", "Mali (host State)", Role::MemberState, &[], Some("MLI"), false),
    of_mali("reader.mali@casque.example", "Mali (mission in New York, reads)", StateFunction::Reader),
    of_mali("manager.mali@casque.example", "Mali (manages its accounts)", StateFunction::Manager),
    person("chad@casque.example", "Chad (contributor)", Role::MemberState, &[], Some("TCD"), false),
    person("guinea@casque.example", "Guinea (contributor)", Role::MemberState, &[], Some("GIN"), false),
    person("lebanon@casque.example", "Lebanon (host State)", Role::MemberState, &[], Some("LBN"), false),
    person("ireland@casque.example", "Ireland (contributor)", Role::MemberState, &[], Some("IRL"), false),
    person("iceland@casque.example", "Iceland (not concerned)", Role::MemberState, &[], Some("ISL"), false),
    person("auditor@casque.example", "Auditor", Role::Auditor, &[], None, false),
    person("administrator@casque.example", "Administrator", Role::Administrator, &[], None, false),
    person("deputy@casque.example", "Deputy administrator", Role::Administrator, &[], None, false),
];

/// Loads accounts and, for the whole sample, records.
///
/// # Errors
/// The store's; the carried files' own faults.
pub fn load_sample(
    store: &Store,
    identity: &Identity,
    sample: Sample,
    progress: Progress<'_>,
) -> Result<Vec<DemoAccount>, Failed> {
    let mut accounts = Vec::new();
    for (at, person) in PEOPLE.iter().enumerate() {
        progress("accounts", at, PEOPLE.len());
        accounts.push(account(store, identity, person)?);
    }
    if sample == Sample::Whole {
        records(store, progress)?;
    }
    Ok(accounts)
}

fn accepted() -> Verdict {
    Verdict { ruling: Ruling::Accepted, grounds: Grounds::default() }
}

fn account(store: &Store, identity: &Identity, person: &Person) -> Result<DemoAccount, Failed> {
    let mut secret = [0; 15];
    rand::fill(&mut secret);
    let password = URL_SAFE_NO_PAD.encode(secret);
    let for_state = person.state.is_some();
    let rights = Rights {
        missions: person.missions.iter().map(|mission| (*mission).to_owned()).collect(),
        state: person.state.map(str::to_owned),
        state_function: for_state.then_some(person.function),
        graded: person.graded,
        to_on: store.now().date().checked_add_days(Days::new(365)).filter(|_| person.role == Role::FocalPoint),
        ..Rights::of(person.role)
    };
    let new = NewAccount {
        email: person.email.into(),
        name: person.name.into(),
        rights,
        password_hash: Some(identity.hasher().hash(&password)?),
    };
    let (of, _) = store.write(&Viewer::operator(), |w| w.account_create(new))?;
    let made = store.read(&Scope::Nothing, |r| r.account_get(of))?.ok_or("a sample account is missing")?;
    let totp_secret = identity.factor_give(&made)?.to_string();
    for mission in person.missions {
        let kind = if *mission == "MINUSMA" { DesignationKind::Custodian } else { DesignationKind::FocalPoint };
        store.write(&Viewer::operator(), |w| w.designate(person.email, mission, kind, w.now().date(), None))?;
    }
    let scope = match (person.state, person.missions, person.graded) {
        (Some(state), _, _) => format!("{state}: {}", person.name),
        (None, [], true) => format!("graded for disclosure: {}", person.name),
        (None, [], false) => person.name.to_owned(),
        (None, missions, _) => missions.join(", "),
    };
    Ok(DemoAccount { email: person.email.into(), password, totp_secret, role: person.role.code().into(), scope })
}

fn viewer(store: &Store, email: &str) -> Result<Viewer, Failed> {
    let known = store.read(&Scope::Nothing, |r| r.account_by_email(email))?;
    Ok(known.ok_or("a sample account is missing")?.viewer)
}

fn records(store: &Store, progress: Progress<'_>) -> Result<(), Failed> {
    let verifier = viewer(store, "verifier@casque.example")?;
    let releaser = viewer(store, "releaser@casque.example")?;
    import_fatalities(store, &verifier, FATALITIES, false, &mut |done, all| progress("UN fatalities file", done, all))?;
    let verified = IncidentFilter { status: Some(IncidentStatus::Verified), ..IncidentFilter::default() };
    let waiting = store.read(&Scope::Everything, |r| r.incident_list(&verified, None, 100_000))?.items;
    store.write(&releaser, |w| {
        for (at, incident) in waiting.iter().enumerate() {
            progress("release of public rows", at, waiting.len());
            w.incident_transition(&incident.reference, IncidentStatus::Released, &Grounds::default())?;
        }
        Ok(())
    })?;
    progress("public proceedings", 0, 1);
    public(store, &verifier, &releaser)?;
    progress("made-up records", 0, 1);
    made_up(store, &verifier, &releaser)?;
    progress("made-up records", 1, 1);
    Ok(())
}

/// Public proceedings whose incident the fatalities file has on the same day. The file of the United Nations on them is not
/// public: each case opens on the day of its incident.
fn public(store: &Store, officer: &Viewer, second: &Viewer) -> Result<(), Failed> {
    let proceedings = public_proceedings()?;
    store.write(officer, |w| {
        for one in &proceedings {
            let filter = IncidentFilter {
                mission: Some(one.mission.clone()),
                from: Some(one.incident_on),
                to: Some(one.incident_on),
                ..IncidentFilter::default()
            };
            let on = PartialDate::new(one.incident_on, Precision::Day);
            let same_day =
                w.incident_list(&filter, None, 50)?.items.into_iter().find(|known| known.facts.occurred == on);
            let Some(incident) = same_day else { continue };
            let facts = CaseFacts {
                mission: one.mission.clone(),
                opened_on: one.incident_on,
                information_status: InformationStatus::SubstantiveReply,
                information_on: Some(one.opened.first()),
            };
            let case = w.case_create(&facts, std::slice::from_ref(&incident.reference), &Vec::new())?;
            let facts = ProceedingFacts {
                state: one.state.clone(),
                authority: one.authority.clone(),
                forum: one.forum,
                jurisdiction: Jurisdiction::NotKnown,
                opened_on: one.opened.first(),
                opened_on_precision: one.opened.precision(),
                obstacles: Vec::new(),
            };
            let proceeding = w.proceeding_create(&facts, &[case.reference], &Vec::new())?;
            for _ in 0..one.accused {
                let new = NewAccused { incidents: vec![incident.reference.clone()], sealed: Vec::new() };
                w.accused_create(&proceeding, &new)?;
            }
            for step in &one.steps {
                w.step_create(&proceeding, step)?;
            }
        }
        Ok(())
    })?;
    store.write(second, |w| {
        let filter = ProceedingFilter { status: Some(SubmissionStatus::Proposed), ..ProceedingFilter::default() };
        for waiting in w.proceeding_list(&filter, None, 1_000)?.items {
            w.proceeding_decide(&waiting, &accepted())?;
        }
        Ok(())
    })?;
    Ok(())
}

fn sealed(noun: Noun, values: &[(&str, &str)]) -> SealedInput {
    values.iter().filter_map(|(name, text)| Some((SealedField::named(noun, name)?, Some(Plain::from(*text))))).collect()
}

fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default()
}

fn incident(mission: &str, host: &str, on: NaiveDate, label: &str, victims: Vec<NewVictim>) -> NewIncident {
    let facts = IncidentFacts {
        mission: mission.into(),
        host_state: Some(host.into()),
        occurred: PartialDate::new(on, Precision::Day),
        region: Some(if host == "MLI" { "ML-7".into() } else { "LB-JA".into() }),
        act: Act::AttackOnConvoyTransport,
        means: Means::SmallArms,
        activity: Activity::Patrol,
        perpetrator: Perpetrator::NotIdentified,
        others_killed: 0,
        others_injured: 1,
        noticas_id: None,
        sage_id: Some(label.into()),
        hold: None,
    };
    let sealed = sealed(
        Noun::Incident,
        &[
            ("exact_place", "MADE-UP SAMPLE: a made-up crossroads, km 12"),
            ("coordinates", "0.0000, 0.0000"),
            ("exact_time", "06:40 local"),
            ("narrative", "MADE-UP SAMPLE: a patrol came under fire at a made-up crossroads."),
            ("attribution", "MADE-UP SAMPLE: a made-up group"),
            ("sources", "MADE-UP SAMPLE: source reference 1"),
        ],
    );
    let suspect = NewSuspect {
        facts: SuspectFacts { category: Perpetrator::Individual, status: SuspectStatus::AtLarge },
        sealed: self::sealed(Noun::Suspect, &[("name", "MADE-UP SUSPECT ONE"), ("affiliation", "MADE-UP GROUP")]),
    };
    NewIncident { facts, sealed, victims, suspects: vec![suspect] }
}

fn victim(state: &str, outcome: Harm, name: &str, told: Option<NaiveDate>) -> NewVictim {
    let facts = VictimFacts {
        sex_of_dead: (outcome == Harm::Killed).then_some(Sex::Male),
        kin_notified_on: told,
        state_notified_on: told,
        ..VictimFacts::of(Personnel::ContingentTroop, vec![state.into()], outcome)
    };
    let sealed = sealed(
        Noun::Victim,
        &[
            ("name", name),
            ("rank", "MADE-UP RANK"),
            ("unit", "MADE-UP UNIT"),
            ("index_number", "MADE-UP-0001"),
            ("date_of_birth", "1990-01-01"),
        ],
    );
    NewVictim { facts, sealed }
}

fn step(kind: StepKind, accused: Option<i32>, on: NaiveDate) -> NewStep {
    NewStep::of(kind, accused, PartialDate::new(on, Precision::Day))
}

fn follow_up(kind: FollowUpKind, on: NaiveDate, reply: ReplyStatus, replied_on: Option<NaiveDate>) -> FollowUpFacts {
    FollowUpFacts {
        state: "MLI".into(),
        kind,
        sent_on: on,
        due_on: on.checked_add_days(Days::new(60)),
        reply_status: reply,
        replied_on,
    }
}

fn made_up(store: &Store, verifier: &Viewer, releaser: &Viewer) -> Result<(), Failed> {
    let minusma = viewer(store, "minusma.focal-point@casque.example")?;
    let unifil = viewer(store, "unifil.focal-point@casque.example")?;
    let mali = viewer(store, "mali@casque.example")?;
    let told = Some(day(2022, 3, 10));
    let released = incident(
        "MINUSMA",
        "MLI",
        day(2022, 3, 4),
        "MADE-UP-001",
        vec![
            victim("TCD", Harm::Killed, "MADE-UP VICTIM ONE", told),
            victim("TCD", Harm::Injured, "MADE-UP VICTIM TWO", told),
            victim("GIN", Harm::Injured, "MADE-UP VICTIM THREE", told),
        ],
    );
    let made = store.write(&minusma, |w| {
        let made = w.incident_create(&released)?;
        w.incident_transition(&made.reference, IncidentStatus::Submitted, &Grounds::default())
    })?;
    store.write(verifier, |w| w.incident_transition(&made.reference, IncidentStatus::Verified, &Grounds::default()))?;
    store.write(releaser, |w| w.incident_transition(&made.reference, IncidentStatus::Released, &Grounds::default()))?;
    let waiting = incident(
        "UNIFIL",
        "LBN",
        day(2023, 5, 9),
        "MADE-UP-002",
        vec![victim("IRL", Harm::Injured, "MADE-UP VICTIM FOUR", None)],
    );
    store.write(&unifil, |w| {
        let made = w.incident_create(&waiting)?;
        w.incident_transition(&made.reference, IncidentStatus::Submitted, &Grounds::default())
    })?;
    let draft = incident("MINUSMA", "MLI", day(2023, 2, 1), "MADE-UP-003", Vec::new());
    store.write(&minusma, |w| w.incident_create(&draft))?;
    let proceeding = store.write(&minusma, |w| {
        let facts = CaseFacts {
            mission: "MINUSMA".into(),
            opened_on: day(2022, 3, 20),
            information_status: InformationStatus::AcknowledgedOnly,
            information_on: Some(day(2022, 5, 2)),
        };
        let sealed = sealed(Noun::Case, &[("notes", "MADE-UP SAMPLE: notes on the follow-up.")]);
        let case = w.case_create(&facts, std::slice::from_ref(&made.reference), &sealed)?;
        let facts = ProceedingFacts {
            state: "MLI".into(),
            authority: "MADE-UP COURT (sample)".into(),
            forum: Forum::Specialised,
            jurisdiction: Jurisdiction::Territorial,
            opened_on: day(2022, 4, 1),
            opened_on_precision: Precision::Month,
            obstacles: vec![Obstacle::SuspectsAtLarge],
        };
        let sealed = self::sealed(
            Noun::Proceeding,
            &[("court_file_number", "MADE-UP 12/2022"), ("internal_obstacles", "MADE-UP SAMPLE: internal view.")],
        );
        let proceeding = w.proceeding_create(&facts, std::slice::from_ref(&case.reference), &sealed)?;
        for (facts, text) in [
            (
                follow_up(
                    FollowUpKind::NoteVerbale,
                    day(2022, 4, 20),
                    ReplyStatus::Acknowledged,
                    Some(day(2022, 5, 2)),
                ),
                "note",
            ),
            (follow_up(FollowUpKind::RequestForInformation, day(2023, 6, 1), ReplyStatus::Awaited, None), "request"),
        ] {
            let text = format!("MADE-UP SAMPLE: the text of a {text}.");
            w.follow_up_create(&case.reference, &facts, &self::sealed(Noun::FollowUp, &[("text", &text)]))?;
        }
        for name in ["MADE-UP ACCUSED ONE", "MADE-UP ACCUSED TWO"] {
            let sealed = self::sealed(Noun::Accused, &[("name", name)]);
            w.accused_create(&proceeding, &NewAccused { incidents: vec![made.reference.clone()], sealed })?;
        }
        for new in [
            NewStep { stage: Some(Stage::Investigation), ..step(StepKind::StageReached, None, day(2022, 4, 12)) },
            NewStep { stage: Some(Stage::Charged), ..step(StepKind::StageReached, Some(1), day(2022, 9, 1)) },
            step(StepKind::Arrest, Some(1), day(2022, 9, 1)),
            step(StepKind::WarrantIssued, Some(2), day(2022, 9, 1)),
            NewStep { stage: Some(Stage::Trial), ..step(StepKind::StageReached, Some(1), day(2023, 3, 6)) },
            NewStep {
                stage: Some(Stage::FirstJudgement),
                outcome: Some(Outcome::Convicted),
                ..step(StepKind::Judgement, Some(1), day(2023, 3, 20))
            },
            NewStep {
                sentence: Some(Sentence::Term),
                sentence_months: Some(120),
                ..step(StepKind::Sentence, Some(1), day(2023, 3, 20))
            },
        ] {
            w.step_create(&proceeding, &new)?;
        }
        Ok(proceeding)
    })?;
    store.write(verifier, |w| {
        let waiting = w.proceeding_get(&proceeding.reference)?.ok_or(crate::store::Error::NotFound)?;
        w.proceeding_decide(&waiting, &accepted())
    })?;
    store.write(&mali, |w| {
        let of = w.proceeding_get(&proceeding.reference)?.ok_or(crate::store::Error::NotFound)?;
        w.step_create(&of, &step(StepKind::Appeal, Some(1), day(2023, 4, 3)))
    })?;
    store.write(verifier, |w| {
        for (kind, status, on, women, men) in [
            (AssistanceKind::TrainingInvestigators, AssistanceStatus::Delivered, day(2022, 6, 1), Some(8), Some(17)),
            (AssistanceKind::Forensics, AssistanceStatus::Offered, day(2022, 10, 1), None, None),
            (AssistanceKind::MobileCourt, AssistanceStatus::Declined, day(2023, 1, 15), None, None),
        ] {
            let facts = AssistanceFacts {
                state: "MLI".into(),
                mission: Some("MINUSMA".into()),
                kind,
                provider: "MADE-UP PROVIDER (sample)".into(),
                status,
                offered_on: on,
                delivered_from: None,
                delivered_to: None,
                women,
                men,
                cost_usd: None,
                funding_source: None,
            };
            w.assistance_create(
                &facts,
                &[],
                &sealed(Noun::Assistance, &[("narrative", "MADE-UP SAMPLE: narrative.")]),
            )?;
        }
        Ok(())
    })?;
    let measure = |kind, instrument: &str, year| MeasureFacts {
        state: "MLI".into(),
        kind,
        instrument: format!("MADE-UP {instrument} (sample)"),
        taken_on: day(year, 1, 1),
        taken_on_precision: Precision::Year,
        source_url: None,
    };
    let contribution = ContributionFacts {
        state: "ISL".into(),
        purpose: ContributionPurpose::Forensics,
        pledged_on: day(2022, 9, 1),
        pledged_usd: 1_000,
        received_on: Some(day(2022, 11, 1)),
        received_usd: Some(500),
        mission: Some("MINUSMA".into()),
    };
    let said = sealed(Noun::Contribution, &[("narrative", "MADE-UP SAMPLE: narrative.")]);
    store.write(verifier, |w| w.contribution_create(&contribution, &said))?;
    let narrative = || sealed(Noun::Measure, &[("narrative", "MADE-UP SAMPLE: narrative.")]);
    let unit = measure(MeasureKind::SpecialUnit, "UNIT", 2021);
    let unit = store.write(verifier, |w| w.measure_create(&unit, &narrative()))?;
    store.write(releaser, |w| w.measure_decide(&unit, &accepted()))?;
    store.write(&mali, |w| w.measure_create(&measure(MeasureKind::DomesticCrime, "LAW", 2022), &narrative()))?;
    Ok(())
}
