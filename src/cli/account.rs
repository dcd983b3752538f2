//! `casque account`.

use std::io::Read as _;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use zeroize::Zeroizing;

use super::Outcome;
use super::house::{Place, Start};
use crate::domain::{Code, Role};
use crate::identity::password_fault;
use crate::policy::{Scope, Viewer};
use crate::store::NewAccount;

#[derive(Debug, Subcommand)]
pub(super) enum Account {
    /// Make an account; its password is read from standard input.
    Create(Create),
    /// List accounts.
    List(List),
}

/// Make an account. The password, of at least 15 characters, is read from standard input.
#[derive(Debug, Args)]
pub(super) struct Create {
    #[command(flatten)]
    place: Place,
    /// Address.
    #[arg(long)]
    email: String,
    /// Name.
    #[arg(long)]
    name: String,
    /// focal_point, member_state, secretariat, senior_focal_point, auditor or administrator.
    #[arg(long, value_parser = |text: &str| Role::parse(text).ok_or("must be focal_point, member_state, secretariat, senior_focal_point, auditor or administrator"))]
    role: Role,
    /// Mission of a focal point; may be given more than once.
    #[arg(long = "mission", value_name = "ACRONYM")]
    missions: Vec<String>,
    /// State of a member_state, alpha-3.
    #[arg(long, value_name = "CODE")]
    state: Option<String>,
    /// Grade a Secretariat account for disclosure.
    #[arg(long)]
    graded: bool,
}

/// List accounts.
#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    place: Place,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Account {
    pub(super) fn run(self) -> Outcome {
        match self {
            Account::Create(command) => command.run(),
            Account::List(command) => command.run(),
        }
    }
}

impl Create {
    fn run(self) -> Outcome {
        let mut password = Zeroizing::new(String::new());
        std::io::stdin().take(2_048).read_to_string(&mut password)?;
        let password = password.trim_end_matches(['\r', '\n']);
        if let Some(fault) = password_fault(password, &[&self.email, &self.name]) {
            return Err(fault.into());
        }
        let for_missions = self.role == Role::FocalPoint;
        let for_state = self.role == Role::MemberState;
        let may_be_graded = matches!(self.role, Role::Secretariat | Role::SeniorFocalPoint);
        let wrong = [
            (!self.email.contains('@'), "--email is an address"),
            (for_missions == self.missions.is_empty(), "--mission is for a focal_point, who has at least one"),
            (for_state == self.state.is_none(), "--state is for a member_state, who has one"),
            (self.graded && !may_be_graded, "--graded is for secretariat and senior_focal_point"),
        ];
        if let Some((_, rule)) = wrong.into_iter().find(|(wrong, _)| *wrong) {
            return Err(rule.into());
        }
        let house = self.place.open(Start { deskless: true, ..Start::default() })?;
        let (missions, states) = house.store.read(&Scope::Nothing, |r| Ok((r.mission_list()?, r.state_list()?)))?;
        if let Some(unknown) = self.missions.iter().find(|own| missions.iter().all(|one| one.acronym != **own)) {
            return Err(format!("{unknown} is not a mission (GET /v1/missions lists them)").into());
        }
        if let Some(unknown) = self.state.iter().find(|own| states.iter().all(|one| one.code != **own)) {
            return Err(format!("{unknown} is not the alpha-3 code of a State (GET /v1/states lists them)").into());
        }
        let hash = house.identity.hasher().hash(password)?;
        let operator = operator();
        let made = format!("Made {}, {}.", self.email, self.role.code());
        let new = NewAccount {
            email: self.email,
            name: self.name,
            role: self.role,
            missions: self.missions,
            state: self.state,
            graded: self.graded,
            password_hash: hash,
        };
        house.store.write(&operator, |w| w.account_create(new))?;
        house.settle_audit()?;
        println!("{made}");
        Ok(ExitCode::SUCCESS)
    }
}

/// Whoever holds the machine: accounts are made in its name until there is an administrator to make them.
pub(super) fn operator() -> Viewer {
    Viewer { account: [0; 16], role: Role::Administrator, missions: Vec::new(), state: None, graded: false }
}

impl List {
    fn run(self) -> Outcome {
        let house = self.place.open(Start { deskless: true, existing: true, ..Start::default() })?;
        let accounts = house.store.read(&Scope::Nothing, |r| r.account_list())?;
        for account in accounts {
            let scope = match &account.viewer.state {
                Some(state) => state.clone(),
                None => account.viewer.missions.join(", "),
            };
            if self.json {
                let line = serde_json::json!({ "email": account.email, "name": account.name, "role": account.viewer.role, "scope": scope, "graded": account.viewer.graded, "suspended": account.suspended });
                println!("{line}");
            } else {
                println!("{:40} {:20} {scope}", account.email, account.viewer.role.code());
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
