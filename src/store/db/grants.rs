//! What each of PostgreSQL's roles may do with each table: defence in depth beneath the policy. Whoever takes a node has what
//! its role has, and no more. The roles own nothing, so that none of them can alter the schema or take a trigger away.

use super::{Db, Location, Manager, Purpose};
use crate::domain::{Custody, Table, tables};

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

/// The columns of a table that are granted where the whole table is not.
const COLUMNS: &[(NodeRole, &str, &str)] = &[
    (NodeRole::Sealed, "class_key", "id, class, public, signature, created_at, sequence, effective_from"),
    // Whether something is held, and not what.
    (NodeRole::Reader, "sealed_value", "holder_id, field"),
];

/// Actions that a node without private keys cannot do, and so cannot put on the record.
const NOT_SEALED: [&str; 6] = ["disclosure.%", "sitting.%", "approval.%", "session.%", "account.%", "second_factor.%"];

/// What a role may do with a table, as PostgreSQL names it. A table that no specification lists is nobody's.
fn privileges(role: NodeRole, table: &Table) -> &'static str {
    match (role, table.custody) {
        (NodeRole::Service, _) if table.append_only => "SELECT, INSERT",
        (NodeRole::Service, _) => "SELECT, INSERT, UPDATE, DELETE",
        (NodeRole::Sealed, _) if table.name == "epoch" || table.name == "data_key" => "INSERT",
        // What an import finds there; what was found is decided where the keys are.
        (NodeRole::Sealed, _) if table.name == "likely_duplicate" => "SELECT, INSERT",
        (NodeRole::Sealed | NodeRole::Reader, Custody::Secret) => "",
        (NodeRole::Sealed, Custody::Decided) => "SELECT",
        (NodeRole::Sealed, Custody::Reported) if table.append_only => "SELECT, INSERT",
        (NodeRole::Sealed, Custody::Reported) => "SELECT, INSERT, UPDATE, DELETE",
        (NodeRole::Reader, _) if table.name == "sealed_value" || table.name == "idempotency" => "",
        (NodeRole::Reader, _) => "SELECT",
    }
}

/// The statements that give a role what it has, and take away what it had.
fn statements(role: NodeRole, name: &str) -> String {
    let mut sql = format!(
        "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {name}; REVOKE ALL ON SCHEMA public FROM {name}; \
         GRANT USAGE ON SCHEMA public TO {name}; GRANT SELECT ON __diesel_schema_migrations, live_session TO {name};"
    );
    for table in tables() {
        let granted = privileges(role, table);
        if !granted.is_empty() {
            sql.push_str(&format!("GRANT {granted} ON {} TO {name};", table.name));
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
        for table in tables() {
            for role in [NodeRole::Service, NodeRole::Sealed, NodeRole::Reader] {
                let granted = privileges(role, table);
                let changes = granted.contains("UPDATE") || granted.contains("DELETE");
                assert!(!(table.append_only && changes), "{role:?} {}", table.name);
                let has_keys = role == NodeRole::Service;
                assert!(has_keys || table.custody != Custody::Secret || !granted.contains("SELECT"), "{}", table.name);
            }
            assert!(["", "SELECT"].contains(&privileges(NodeRole::Reader, table)), "{}", table.name);
        }
    }

    #[test]
    fn what_stands_for_ever_and_what_is_secret_is_named_here_too() {
        // A word that is forgotten in a specification would open a table: these are the ones that matter most.
        let named =
            |is: &dyn Fn(&Table) -> bool| tables().filter(|one| is(one)).map(|one| one.name).collect::<Vec<_>>();
        let mut history = named(&|table| table.append_only);
        history.sort_unstable();
        assert_eq!(
            history,
            [
                "alert",
                "audit_checkpoint",
                "audit_entry",
                "audit_hash",
                "audit_leaf",
                "case_event",
                "class_key",
                "disclosure",
                "disclosure_item",
                "disclosure_review",
                "epoch",
                "erasure",
                "note_reading",
                "revision"
            ]
        );
        let mut secret = named(&|table| table.custody == Custody::Secret);
        secret.sort_unstable();
        assert_eq!(
            secret,
            [
                "class_key",
                "credential",
                "data_key",
                "epoch",
                "invitation",
                "recovery_code",
                "refresh_token",
                "second_factor",
                "session",
                "sign_on_use"
            ]
        );
    }

    #[test]
    fn columns_that_are_granted_are_columns() {
        for (_, name, granted) in COLUMNS {
            let table = tables().find(|table| table.name == *name).unwrap();
            for column in granted.split(", ") {
                assert!(table.columns.iter().any(|(known, _)| *known == column), "{name}.{column}");
            }
        }
    }
}
