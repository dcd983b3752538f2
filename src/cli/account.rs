//! `casque account`.

use std::io::Read as _;
use std::process::ExitCode;

use chrono::{Days, NaiveDate, Utc};
use clap::{Args, Subcommand};
use zeroize::Zeroizing;

use super::Outcome;
use super::output::{say, tell};
use crate::domain::{Code as _, Rights, Role, StateFunction};
use crate::identity::{code_at, password_fault, step_at};
use crate::node::{InstanceArgs, OpenOptions};
use crate::policy::{Scope, Viewer};
use crate::store::{AccountFilter, AccountLine, NewAccount};

#[derive(Debug, Subcommand)]
pub(super) enum Account {
    /// Create an account. The command asks for the password, or reads it from standard input.
    ///
    /// Example: casque account create --data casque-data --email one@un.example --name "Focal point one" --role focal_point --mission UNIFIL
    Create(Create),
    /// List accounts.
    ///
    /// Example: casque account list --data casque-data
    List(List),
    /// Print the token of a one-time link, with which a person chooses a password, when no administrator can make one.
    ///
    /// Example: casque account invite --data casque-data --email one@un.example
    Invite(Invite),
    /// Print the current code of a second factor, as an authenticator shows it. The secret is read from standard input.
    ///
    /// Example: casque account code < secret.txt
    Code(Code),
}

/// Make an account. The password, of at least 15 characters, is asked for on a terminal; elsewhere it is read from standard input.
#[derive(Debug, Args)]
pub(super) struct Create {
    #[command(flatten)]
    instance: InstanceArgs,
    /// Email address, with which the person signs in.
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
    /// State of a member_state account, as an alpha-3 code.
    #[arg(long, value_name = "CODE")]
    state: Option<String>,
    /// Function of a member_state account: reader, proposer or manager; proposer if absent.
    #[arg(long, value_name = "FUNCTION", value_parser = |text: &str| StateFunction::parse(text).ok_or("must be reader, proposer or manager"))]
    state_function: Option<StateFunction>,
    /// Grade a Secretariat account for disclosure.
    #[arg(long)]
    graded: bool,
    /// First day of access (UTC, YYYY-MM-DD).
    #[arg(long, value_name = "DAY")]
    from: Option<NaiveDate>,
    /// Last day of access (UTC, YYYY-MM-DD). If absent: in one year for a focal_point, never for other roles.
    #[arg(long, value_name = "DAY")]
    to: Option<NaiveDate>,
}

/// Make a one-time link with which a person chooses a password, for whom no administrator can make one: the first of them, or
/// the last. It is good for 72 hours.
#[derive(Debug, Args)]
pub(super) struct Invite {
    #[command(flatten)]
    instance: InstanceArgs,
    /// Address of the account.
    #[arg(long)]
    email: String,
    /// Also remove the second factor. The account cannot open seals for 72 hours.
    #[arg(long)]
    reset_second_factor: bool,
}

/// Print the present code of a second factor, as an authenticator shows it: for scripts of the demo. Its secret, in base 32, is
/// read from standard input.
#[derive(Debug, Args)]
pub(super) struct Code {
    /// Print the first valid code after this time step, and its step; wait for it if necessary.
    #[arg(long, value_name = "STEP")]
    after: Option<i64>,
}

/// List accounts.
#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    instance: InstanceArgs,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Account {
    pub(super) fn run(self) -> Outcome {
        match self {
            Account::Create(command) => command.run(),
            Account::List(command) => command.run(),
            Account::Invite(command) => command.run(),
            Account::Code(command) => command.run(),
        }
    }
}

/// A secret: asked for, unseen, on a terminal, and there `twice` if a slip of the hand would not show; else all of standard input.
fn secret_typed(prompt: &str, twice: bool) -> Result<Zeroizing<String>, Box<dyn std::error::Error>> {
    if std::io::IsTerminal::is_terminal(&std::io::stdin()) {
        let typed = Zeroizing::new(rpassword::prompt_password(prompt)?);
        if twice && *typed != rpassword::prompt_password("Password again: ")? {
            return Err("the two passwords are different (nothing was changed)".into());
        }
        return Ok(typed);
    }
    let mut text = Zeroizing::new(String::new());
    std::io::stdin().take(2_048).read_to_string(&mut text)?;
    Ok(text)
}

impl Create {
    fn run(self) -> Outcome {
        let password = secret_typed(&format!("Password of {}: ", self.email), true)?;
        let password = password.trim_end_matches(['\r', '\n']);
        if let Some(fault) = password_fault(password, &[&self.email, &self.name]) {
            return Err(fault.into());
        }
        if !self.email.contains('@') {
            return Err("--email must be an email address".into());
        }
        let a_year = || Utc::now().date_naive().checked_add_days(Days::new(365));
        let rights = Rights {
            missions: self.missions,
            state_function: self.state_function.or(self.state.is_some().then_some(StateFunction::Proposer)),
            state: self.state,
            graded: self.graded,
            from_on: self.from,
            to_on: self.to.or_else(|| (self.role == Role::FocalPoint).then(a_year).flatten()),
            ..Rights::of(self.role)
        };
        if let Some(fault) = rights.faults().first() {
            let option = match fault.pointer.as_str() {
                "/missions" => "--mission",
                "/state" => "--state",
                "/state_function" => "--state-function",
                "/graded" => "--graded",
                _ => "--to",
            };
            return Err(format!("{option}: {}", fault.detail).into());
        }
        let node = self.instance.open(OpenOptions { without_private_keys: true, ..OpenOptions::default() })?;
        let (missions, states) = node.store.read(&Scope::Nothing, |r| Ok((r.mission_list()?, r.state_list()?)))?;
        if let Some(unknown) = rights.missions.iter().find(|own| missions.iter().all(|one| one.acronym != **own)) {
            return Err(format!("{unknown} is not a mission (GET /v1/missions lists them)").into());
        }
        if let Some(unknown) = rights.state.iter().find(|own| states.iter().all(|one| one.code != **own)) {
            return Err(format!("{unknown} is not the alpha-3 code of a State (GET /v1/states lists them)").into());
        }
        let hash = node.identity.hasher().hash(password)?;
        let made = format!("Made {}, {}.", self.email, self.role.code());
        let new = NewAccount { email: self.email, name: self.name, rights, password_hash: Some(hash) };
        node.store.write(&Viewer::operator(), |w| w.account_create(new))?;
        node.settle_audit()?;
        say!("{made}")?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Invite {
    fn run(self) -> Outcome {
        let node =
            self.instance.open(OpenOptions { without_private_keys: true, existing: true, ..OpenOptions::default() })?;
        let account = node.store.read(&Scope::Nothing, |r| r.account_by_email(&self.email))?;
        let account = account.ok_or_else(|| format!("there is no account {}", self.email))?;
        let operator = Viewer::operator();
        if self.reset_second_factor {
            node.store.write(&operator, |w| w.factor_reset_ask(account.id))?;
        }
        let (token, ends) = node.identity.invite(&operator, account.id)?;
        node.settle_audit()?;
        say!("{token}")?;
        tell(format_args!(
            "Good until {} UTC: POST /v1/invitations/acceptance {{\"token\", \"new_password\"}}.",
            ends.format("%Y-%m-%d %H:%M")
        ));
        Ok(ExitCode::SUCCESS)
    }
}

impl Code {
    fn run(self) -> Outcome {
        let secret = secret_typed("Secret of the second factor: ", false)?;
        let secret = secret.trim();
        let present = || step_at(Utc::now().naive_utc());
        let step = match self.after {
            None => present(),
            // A code of the step after the present is good already.
            Some(after) => (after + 1).max(present()),
        };
        while step > present() + 1 {
            std::thread::sleep(std::time::Duration::from_millis(250));
        }
        let code = code_at(secret, step).ok_or("the secret is not valid base 32")?;
        if self.after.is_some() {
            say!("{code} {step}")?;
        } else {
            say!("{code}")?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl List {
    fn run(self) -> Outcome {
        let node =
            self.instance.open(OpenOptions { without_private_keys: true, existing: true, ..OpenOptions::default() })?;
        let accounts = node
            .store
            .read(&Scope::Nothing, |r| r.account_list(&AccountFilter::default(), None, i64::from(i32::MAX)))?;
        for AccountLine { account, status, second_factor, .. } in accounts.items {
            let scope = match &account.viewer.state {
                Some(state) => state.clone(),
                None => account.viewer.missions.join(", "),
            };
            if self.json {
                let line = serde_json::json!({ "email": account.email, "name": account.name, "role": account.viewer.role, "scope": scope, "state_function": account.viewer.state_function, "graded": account.viewer.graded, "from_on": account.rights.from_on, "to_on": account.rights.to_on, "status": status, "second_factor": second_factor });
                say!("{line}")?;
            } else {
                say!("{:40} {:20} {:18} {scope}", account.email, account.viewer.role.code(), status.code())?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
