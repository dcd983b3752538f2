//! What each of PostgreSQL's roles may do with each table: defence in depth beneath the policy. Whoever takes a node has what
//! its role has, and no more. The roles own nothing, so that none of them can alter the schema or take a trigger away.

use super::{Db, Location, Manager, Purpose, schema};

/// A node's role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeRole {
    /// A node with private keys: everything, but history stands.
    Service,
    /// A node without: it accepts what is reported, and cannot write accounts, sessions, disclosures or class keys, nor read
    /// what unwraps or signs in.
    Sealed,
    /// A node on a standby: it reads, and never wrapped keys, ciphertexts or password hashes.
    Reader,
}

/// History: added to, and never changed or taken away.
const APPEND_ONLY: &[&str] = &[
    "revision",
    "audit_entry",
    "audit_leaf",
    "audit_hash",
    "audit_checkpoint",
    "case_event",
    "disclosure",
    "disclosure_item",
    "disclosure_review",
    "note_reading",
    "alert",
    "class_key",
    "epoch",
    "erasure",
];

/// What unwraps, or signs in; of sessions there is the view of live ones.
const SECRET: &[&str] = &[
    "class_key",
    "epoch",
    "data_key",
    "credential",
    "refresh_token",
    "session",
    "sign_on_use",
    "second_factor",
    "recovery_code",
    "invitation",
];

/// What a node without private keys only reads.
const KEPT_FROM_SEALED: &[&str] = &[
    "account",
    "account_mission",
    "account_change",
    "machine_key",
    "notice",
    "designation",
    "disclosure",
    "disclosure_item",
    "disclosure_review",
    "note_reading",
    "sitting",
    "approval",
    "alert",
    "audit_leaf",
    "audit_hash",
    "audit_checkpoint",
    "tally",
    "table_release",
    "withholding",
    "concern",
    "likely_duplicate",
    "state",
    "mission",
    "mission_host",
    "erasure",
    "erasure_request",
    "restoration",
];

/// The columns of a table that are granted where the whole table is not.
const COLUMNS: &[(NodeRole, &str, &str)] = &[
    (NodeRole::Sealed, "class_key", "id, class, public, signature, created_at, sequence, effective_from"),
    // Whether something is held, and not what.
    (NodeRole::Reader, "sealed_value", "holder_id, field"),
];

/// What a node without private keys writes besides: what mission, officers and States report and propose, and what hangs on it.
const REPORTED: &[&str] = &[
    "sealed_value",
    "incident",
    "incident_edition",
    "victim",
    "suspect",
    "case_file",
    "case_incident",
    "proceeding",
    "proceeding_case",
    "accused",
    "accused_incident",
    "step",
    "assistance",
    "assistance_case",
    "measure",
    "audit_pending",
    "idempotency",
    "heartbeat",
    "tally_change",
    "import",
    "import_row",
];

/// Actions that a node without private keys cannot do, and so cannot put on the record.
const NOT_SEALED: [&str; 6] = ["disclosure.%", "sitting.%", "approval.%", "session.%", "account.%", "second_factor.%"];

fn is_listed(table: &str) -> bool {
    [APPEND_ONLY, SECRET, KEPT_FROM_SEALED, REPORTED].iter().any(|list| list.contains(&table))
}

/// What a role may do with a table, as PostgreSQL names it.
fn privileges(role: NodeRole, table: &str) -> &'static str {
    let is = |list: &[&str]| list.contains(&table);
    match role {
        // A table that is not listed is nobody's: whoever adds one says here who may do what with it.
        _ if !is_listed(table) => "",
        NodeRole::Service if is(APPEND_ONLY) => "SELECT, INSERT",
        NodeRole::Service => "SELECT, INSERT, UPDATE, DELETE",
        NodeRole::Sealed if table == "epoch" || table == "data_key" => "INSERT",
        // What an import finds there; what was found is decided where the keys are.
        NodeRole::Sealed if table == "likely_duplicate" => "SELECT, INSERT",
        NodeRole::Sealed | NodeRole::Reader if is(SECRET) => "",
        NodeRole::Sealed if is(KEPT_FROM_SEALED) => "SELECT",
        NodeRole::Sealed if is(APPEND_ONLY) => "SELECT, INSERT",
        NodeRole::Sealed if is(REPORTED) => "SELECT, INSERT, UPDATE, DELETE",
        NodeRole::Sealed => "SELECT",
        NodeRole::Reader if table == "sealed_value" || table == "idempotency" => "",
        NodeRole::Reader => "SELECT",
    }
}

/// The statements that give a role what it has, and take away what it had.
fn statements(role: NodeRole, name: &str) -> String {
    let mut sql = format!(
        "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {name}; REVOKE ALL ON SCHEMA public FROM {name}; \
         GRANT USAGE ON SCHEMA public TO {name}; GRANT SELECT ON __diesel_schema_migrations, live_session TO {name};"
    );
    for table in schema::TABLES {
        let granted = privileges(role, table);
        if !granted.is_empty() {
            sql.push_str(&format!("GRANT {granted} ON {table} TO {name};"));
        }
    }
    // What the figures are made of where they never were: the first node of a new database makes them.
    if matches!(role, NodeRole::Service) {
        sql.push_str(&format!("GRANT SELECT ON tally_source TO {name};"));
    }
    for (_, table, columns) in COLUMNS.iter().filter(|(of, ..)| *of == role) {
        sql.push_str(&format!("GRANT SELECT ({columns}) ON {table} TO {name};"));
    }
    let check = match role {
        NodeRole::Sealed => {
            let ways: Vec<String> = NOT_SEALED.iter().map(|way| format!("action NOT LIKE '{way}'")).collect();
            ways.join(" AND ")
        }
        NodeRole::Service | NodeRole::Reader => "true".into(),
    };
    sql.push_str(&format!(
        "ALTER TABLE audit_entry ENABLE ROW LEVEL SECURITY; DROP POLICY IF EXISTS entries_of_{name} ON audit_entry; \
         CREATE POLICY entries_of_{name} ON audit_entry TO {name} USING (true) WITH CHECK ({check});"
    ));
    sql
}

/// Gives roles, which exist already, what nodes of their kind need; as the owner of the schema.
///
/// # Errors
/// One sentence: the database is the embedded one, a name is none, or the database's own.
pub fn grant_roles(location: &Location, roles: &[(NodeRole, &str)]) -> Result<(), String> {
    let owner = Manager::open(location, Purpose::Primary).map_err(|e| format!("the database cannot be opened: {e}"))?;
    let Db::Postgres(mut owner) = owner else { return Err("the embedded database has no roles".into()) };
    for (role, name) in roles {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !(1..=40).contains(&name.len()) || !name.chars().all(plain) || name.starts_with(|c: char| c.is_ascii_digit())
        {
            return Err("a role's name has small letters, digits and underscores".into());
        }
        // Asked before anything is tried, or PostgreSQL writes every grant that failed into its log.
        let known = diesel::sql_query("SELECT 1 AS one FROM pg_roles WHERE rolname = $1")
            .bind::<diesel::sql_types::Text, _>(name);
        if diesel::RunQueryDsl::execute(known, &mut owner).map_err(|e| e.to_string())? == 0 {
            return Err(format!("there is no role {name}: make it first (CREATE ROLE {name} LOGIN …)"));
        }
        diesel::connection::SimpleConnection::batch_execute(&mut owner, &statements(*role, name))
            .map_err(|e| format!("the role {name} cannot be given its rights: {e}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_role_changes_history_and_none_without_keys_reads_what_unwraps_or_signs_in() {
        for table in APPEND_ONLY {
            for role in [NodeRole::Service, NodeRole::Sealed, NodeRole::Reader] {
                let granted = privileges(role, table);
                assert!(!granted.contains("UPDATE") && !granted.contains("DELETE"), "{role:?} {table}");
            }
        }
        for table in SECRET {
            for role in [NodeRole::Sealed, NodeRole::Reader] {
                assert!(!privileges(role, table).contains("SELECT"), "{role:?} {table}");
            }
        }
        for table in schema::TABLES {
            assert!(["", "SELECT"].contains(&privileges(NodeRole::Reader, table)), "{table}");
        }
    }

    #[test]
    fn every_table_is_listed_and_what_is_not_is_nobodys() {
        for table in schema::TABLES {
            assert!(is_listed(table), "{table}: say which roles may do what with it");
        }
        for role in [NodeRole::Service, NodeRole::Sealed, NodeRole::Reader] {
            assert_eq!(privileges(role, "a_new_table"), "", "{role:?}");
        }
    }

    #[test]
    fn every_name_is_a_table() {
        let named = APPEND_ONLY
            .iter()
            .chain(SECRET)
            .chain(KEPT_FROM_SEALED)
            .chain(REPORTED)
            .copied()
            .chain(COLUMNS.iter().map(|c| c.1));
        for name in named {
            assert!(schema::TABLES.contains(&name), "{name}");
        }
    }
}
