//! Tables of no noun: reference data, accounts, keys, history, the audit log, imports, figures.

use strum::VariantArray as _;

use super::Noun;
use super::spec::Table;
use super::spec::Visibility::{Internal as I, Open as O, Scoped as P, Sealed as S};

/// Every table: those of nouns, and the rest.
pub fn tables() -> impl Iterator<Item = &'static Table> {
    Noun::VARIANTS.iter().flat_map(|noun| noun.spec().tables).chain(OTHER)
}

const OTHER: &[Table] = &[
    Table::decided(
        "state",
        &[
            ("code", O),
            ("m49", O),
            ("historical", O),
            ("name_ar", O),
            ("name_zh", O),
            ("name_en", O),
            ("name_fr", O),
            ("name_ru", O),
            ("name_es", O),
        ],
    ),
    Table::decided("mission", &[("acronym", O), ("name", O), ("kind", O), ("started_on", O), ("ended_on", O)]),
    Table::decided("mission_host", &[("mission", O), ("state", O)]),
    Table::decided(
        "account",
        &[
            ("id", I),
            ("email", P),
            ("name", P),
            ("role", P),
            ("state", P),
            ("graded", P),
            ("suspended", P),
            ("created_at", O),
            ("state_function", P),
            ("machine", P),
            ("from_on", P),
            ("to_on", P),
            ("opens_from", P),
            ("reviewed_at", P),
            ("single_sign_on", P),
            ("proposed", P),
        ],
    ),
    Table::secret("credential", &[("account_id", I), ("password_hash", I)]),
    Table::decided("account_mission", &[("account_id", I), ("mission", I)]),
    Table::secret(
        "session",
        &[
            ("id", P),
            ("account_id", I),
            ("started_at", P),
            ("expires_at", P),
            ("ended_at", I),
            ("visitor", I),
            ("assured", P),
            ("wrong_proofs", I),
        ],
    ),
    Table::secret("sign_on_use", &[("hash", I), ("good_until", I)]),
    Table::secret(
        "refresh_token",
        &[("hash", I), ("session_id", I), ("issued_at", P), ("used_at", I), ("parent", I), ("retried_at", I)],
    ),
    Table::secret(
        "second_factor",
        &[("account_id", I), ("secret", I), ("pending", I), ("last_step", I), ("failures", I), ("failed_at", I)],
    ),
    Table::secret("recovery_code", &[("hash", I), ("account_id", I), ("used_at", I)]),
    Table::secret(
        "invitation",
        &[("hash", I), ("account_id", I), ("made_at", I), ("made_by", I), ("expires_at", P), ("used_at", I)],
    ),
    Table::decided(
        "account_change",
        &[
            ("id", P),
            ("account_id", P),
            ("kind", P),
            ("rights", P),
            ("asked_at", P),
            ("asked_by", P),
            ("expires_at", P),
            ("decided_at", P),
            ("decided_by", P),
            ("approved", P),
            ("rights_before", P),
        ],
    ),
    Table::decided(
        "machine_key",
        &[
            ("id", P),
            ("hash", I),
            ("account_id", I),
            ("name", P),
            ("made_at", P),
            ("made_by", P),
            ("expires_at", P),
            ("ended_at", I),
        ],
    ),
    Table::decided("notice", &[("id", I), ("account_id", I), ("told_at", P), ("kind", P)]),
    Table::decided(
        "designation",
        &[("id", I), ("mission", O), ("kind", O), ("account_id", I), ("from_on", O), ("to_on", O)],
    ),
    Table::secret(
        "class_key",
        &[
            ("id", I),
            ("class", I),
            ("public", I),
            ("signature", I),
            ("wrapped", I),
            ("recovery", I),
            ("created_at", I),
            ("sequence", I),
            ("effective_from", I),
        ],
    )
    .append_only(),
    Table::secret("epoch", &[("id", I), ("class_key_id", I), ("sealed", I), ("created_at", I)]).append_only(),
    Table::secret("data_key", &[("id", I), ("epoch_id", I), ("record_id", I), ("class", I), ("wrapped", I)]),
    Table::reported("sealed_value", &[("holder_id", I), ("field", I), ("record_id", I), ("bytes", S)]),
    Table::reported(
        "revision",
        &[
            ("id", I),
            ("noun", P),
            ("record_id", I),
            ("root_id", I),
            ("edition", P),
            ("kind", P),
            ("made_at", P),
            ("author_id", P),
            ("reason", P),
            ("open_changes", P),
            ("sealed_changes", P),
            ("audit_id", I),
        ],
    )
    .append_only(),
    Table::reported(
        "audit_entry",
        &[("id", I), ("made_at", P), ("actor_id", I), ("action", P), ("subject", P), ("body", P), ("salt", I)],
    )
    .append_only(),
    Table::reported("audit_pending", &[("entry_id", I)]),
    Table::decided("audit_leaf", &[("position", P), ("entry_id", I)]).append_only(),
    Table::decided("audit_hash", &[("position", I), ("hash", I)]).append_only(),
    Table::decided("audit_checkpoint", &[("size", P), ("note", P), ("made_at", P)]).append_only(),
    Table::reported(
        "idempotency",
        &[
            ("account_id", I),
            ("route", I),
            ("key_hash", I),
            ("body_mac", I),
            ("status", I),
            ("target", I),
            ("made_at", I),
        ],
    ),
    Table::decided(
        "likely_duplicate",
        &[
            ("id", P),
            ("found_at", P),
            ("found_by", P),
            ("source", P),
            ("disclosure_id", I),
            ("record", P),
            ("other", P),
            ("score", P),
            ("decided_at", P),
            ("decided_by", P),
            ("finding", P),
        ],
    ),
    Table::decided(
        "table_release",
        &[
            ("id", I),
            ("year", O),
            ("cut_off", O),
            ("tables", I),
            ("proposed_by", I),
            ("decided_by", I),
            ("decided_at", O),
            ("released", P),
        ],
    ),
    Table::decided("alert", &[("id", P), ("raised_at", P), ("account_id", P), ("kind", P), ("records", P)])
        .append_only(),
    Table::reported(
        "import",
        &[("id", I), ("source", I), ("sha256", I), ("vintage", I), ("made_at", I), ("account_id", I)],
    ),
    Table::reported(
        "import_row",
        &[("id", I), ("import_id", I), ("line", P), ("key", P), ("raw", P), ("vintage", P), ("incident_id", I)],
    ),
    Table::decided("erasure", &[("record_id", I), ("erased_at", P)]).append_only(),
    Table::decided(
        "erasure_request",
        &[
            ("id", I),
            ("number", P),
            ("record", P),
            ("record_id", I),
            ("reason", P),
            ("asked_by", P),
            ("asked_at", P),
            ("expires_at", P),
            ("decided_by", P),
            ("decided_at", P),
            ("approved", P),
            ("erased_at", P),
        ],
    ),
    Table::decided(
        "restoration",
        &[
            ("id", P),
            ("kind", P),
            ("made_at", P),
            ("archived_at", P),
            ("reason", P),
            ("undone", P),
            ("officer_id", P),
            ("officer_at", P),
            ("administrator_id", P),
            ("administrator_at", P),
        ],
    ),
    Table::reported("heartbeat", &[("name", I), ("value", I)]),
    Table::reported(
        "tally_change",
        &[
            ("unit", P),
            ("mission", P),
            ("host_state", P),
            ("year", P),
            ("act", P),
            ("means", P),
            ("outcome", P),
            ("personnel_category", P),
            ("stage", P),
            ("forum", P),
            ("in_absentia", P),
            ("information_status", P),
            ("amount", P),
        ],
    ),
    Table::decided("tally", &[("unit", P), ("dimensions", I), ("key", P), ("count", P)]),
];
