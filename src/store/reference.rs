//! Reference data: missions with their host States, States with their names, designations.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::prelude::*;

use super::db::schema::{account, designation, mission, mission_host, state};
use super::db::{Id, each};
use super::{Error, Read, Result, Write, code};
use crate::domain::{DesignationKind, MissionKind};
use crate::policy::Scope;

/// A UN peacekeeping operation or special political mission.
#[derive(Debug, Clone)]
pub struct Mission {
    /// Acronym, `MINUSMA`.
    pub acronym: String,
    /// Name in English.
    pub name: String,
    /// Kind.
    pub kind: MissionKind,
    /// Start, where known.
    pub started_on: Option<NaiveDate>,
    /// End, where it ended.
    pub ended_on: Option<NaiveDate>,
    /// Host States (alpha-3), in alphabetical order.
    pub host_states: Vec<String>,
}

/// A Member State, or a historical one.
#[derive(Debug, Clone, Queryable, Insertable)]
#[diesel(table_name = state)]
pub struct State {
    /// ISO 3166-1 alpha-3 (or the code that it had).
    pub code: String,
    /// M49 as a three-digit string.
    pub m49: String,
    /// Whether it exists no more.
    pub historical: bool,
    /// UN short name in Arabic.
    pub name_ar: String,
    /// UN short name in Chinese.
    pub name_zh: String,
    /// UN short name in English.
    pub name_en: String,
    /// UN short name in French.
    pub name_fr: String,
    /// UN short name in Russian.
    pub name_ru: String,
    /// UN short name in Spanish.
    pub name_es: String,
}

/// Who answers for a mission's file, from when to when.
#[derive(Debug, Clone)]
pub struct Designation {
    /// The mission.
    pub mission: String,
    /// Focal point, substitute or custodian.
    pub kind: DesignationKind,
    /// Name of the account.
    pub name: String,
    /// Address of the account.
    pub email: String,
    /// First day.
    pub from_on: NaiveDate,
    /// Last day, if it ends.
    pub to_on: Option<NaiveDate>,
}

type MissionRow = (String, String, String, Option<NaiveDate>, Option<NaiveDate>);

impl Read<'_> {
    /// All missions, by acronym.
    ///
    /// # Errors
    /// The database's.
    pub fn mission_list(&mut self) -> Result<Vec<Mission>> {
        let mut hosts: HashMap<String, Vec<String>> = HashMap::new();
        for (acronym, code) in
            mission_host::table.order((mission_host::mission, mission_host::state)).load::<(String, String)>(self.db)?
        {
            hosts.entry(acronym).or_default().push(code);
        }
        let rows: Vec<MissionRow> = mission::table.order(mission::acronym).load(self.db)?;
        rows.into_iter()
            .map(|(acronym, name, kind, started_on, ended_on)| {
                Ok(Mission {
                    kind: code(&kind, "mission", "kind", &acronym)?,
                    host_states: hosts.remove(&acronym).unwrap_or_default(),
                    acronym,
                    name,
                    started_on,
                    ended_on,
                })
            })
            .collect()
    }

    /// One mission.
    ///
    /// # Errors
    /// The database's.
    pub fn mission_get(&mut self, acronym: &str) -> Result<Option<Mission>> {
        let row: Option<MissionRow> = mission::table.find(acronym).first(self.db).optional()?;
        let Some((acronym, name, kind, started_on, ended_on)) = row else { return Ok(None) };
        let host_states = mission_host::table
            .filter(mission_host::mission.eq(&acronym))
            .order(mission_host::state)
            .select(mission_host::state)
            .load(self.db)?;
        Ok(Some(Mission {
            kind: code(&kind, "mission", "kind", &acronym)?,
            host_states,
            acronym,
            name,
            started_on,
            ended_on,
        }))
    }

    /// All States, by code.
    ///
    /// # Errors
    /// The database's.
    pub fn state_list(&mut self) -> Result<Vec<State>> {
        Ok(state::table.order(state::code).load(self.db)?)
    }

    /// The English short name of a State.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none of that code.
    pub fn state_name(&mut self, code: &str) -> Result<String> {
        // Read once: the States are the program's own, and change with it alone.
        if self.names.get().is_none() {
            let all: Vec<(String, String)> = state::table.select((state::code, state::name_en)).load(self.db)?;
            let _ = self.names.set(all.into_iter().collect());
        }
        self.names.get().and_then(|names| names.get(code)).cloned().ok_or(Error::NotFound)
    }

    /// Which of these codes are no State's.
    ///
    /// # Errors
    /// The database's.
    pub fn states_unknown(&mut self, codes: &[String]) -> Result<Vec<String>> {
        let known: Vec<String> = state::table.filter(state::code.eq_any(codes)).select(state::code).load(self.db)?;
        Ok(codes.iter().filter(|code| !known.contains(code)).cloned().collect())
    }

    /// Designations of all missions, or of one. To the Secretariat and States all of them: a State must know whom to
    /// write to.
    ///
    /// # Errors
    /// The database's.
    pub fn designation_list(&mut self, of: Option<&str>) -> Result<Vec<Designation>> {
        if matches!(self.scope, Scope::Nothing) {
            return Ok(Vec::new());
        }
        let mut query = designation::table
            .inner_join(account::table.on(account::id.eq(designation::account_id)))
            .select((
                designation::mission,
                designation::kind,
                account::name,
                account::email,
                designation::from_on,
                designation::to_on,
            ))
            .order((designation::mission, designation::from_on.desc(), account::email))
            .into_boxed();
        if let Some(of) = of {
            query = query.filter(designation::mission.eq(of.to_owned()));
        }
        let rows: Vec<(String, String, String, String, NaiveDate, Option<NaiveDate>)> = query.load(self.db)?;
        rows.into_iter()
            .map(|(mission, kind, name, email, from_on, to_on)| {
                Ok(Designation {
                    kind: code(&kind, "designation", "kind", &mission)?,
                    mission,
                    name,
                    email,
                    from_on,
                    to_on,
                })
            })
            .collect()
    }
}

impl Write<'_> {
    /// Loads reference data that is not there yet. Returns how many missions and States were new.
    ///
    /// # Errors
    /// The database's.
    pub fn reference_load(&mut self, missions: &[Mission], states: &[State]) -> Result<(usize, usize)> {
        let mut new = (0, 0);
        for one in states {
            new.1 += each!(&mut *self.db, |c| diesel::insert_into(state::table)
                .values(one.clone())
                .on_conflict_do_nothing()
                .execute(c))?;
        }
        for one in missions {
            let row = (
                mission::acronym.eq(&one.acronym),
                mission::name.eq(&one.name),
                mission::kind.eq(crate::domain::Code::code(one.kind)),
                mission::started_on.eq(one.started_on),
                mission::ended_on.eq(one.ended_on),
            );
            new.0 += each!(&mut *self.db, |c| diesel::insert_into(mission::table)
                .values(row)
                .on_conflict_do_nothing()
                .execute(c))?;
            for host in &one.host_states {
                let row = (mission_host::mission.eq(&one.acronym), mission_host::state.eq(host));
                each!(&mut *self.db, |c| diesel::insert_into(mission_host::table)
                    .values(row)
                    .on_conflict_do_nothing()
                    .execute(c))?;
            }
        }
        if new != (0, 0) {
            self.note_act(
                "reference.load",
                "reference".into(),
                serde_json::json!({ "missions": new.0, "states": new.1 }),
            );
        }
        Ok(new)
    }

    /// Designates an account for a mission.
    ///
    /// # Errors
    /// The database's; [`Error::NotFound`] when there is no such account.
    pub fn designate(
        &mut self,
        email: &str,
        of: &str,
        kind: DesignationKind,
        from_on: NaiveDate,
        to_on: Option<NaiveDate>,
    ) -> Result<()> {
        let holder: Id = account::table
            .filter(account::email.eq(email))
            .select(account::id)
            .first(self.db)
            .optional()?
            .ok_or(Error::NotFound)?;
        diesel::insert_into(designation::table)
            .values((
                designation::id.eq(Id::new()),
                designation::mission.eq(of),
                designation::kind.eq(crate::domain::Code::code(kind)),
                designation::account_id.eq(holder),
                designation::from_on.eq(from_on),
                designation::to_on.eq(to_on),
            ))
            .execute(self.db)?;
        self.note_act(
            "designation.create",
            format!("missions/{of}"),
            serde_json::json!({ "account": holder.to_string() }),
        );
        Ok(())
    }
}
