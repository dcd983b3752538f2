-- The schema of both databases. SQLite reads it as it is; for PostgreSQL the names of types are put in their place (src/store/db/migrations.rs).
-- Views and triggers, whose language differs, stand in sqlite.sql and postgres.sql beside it.

CREATE TABLE state (
    code TEXT PRIMARY KEY NOT NULL,
    m49 TEXT NOT NULL,
    historical BOOLEAN NOT NULL,
    name_ar TEXT NOT NULL,
    name_zh TEXT NOT NULL,
    name_en TEXT NOT NULL,
    name_fr TEXT NOT NULL,
    name_ru TEXT NOT NULL,
    name_es TEXT NOT NULL
);

CREATE TABLE mission (
    acronym TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    started_on DATE,
    ended_on DATE
);

CREATE TABLE mission_host (
    mission TEXT NOT NULL REFERENCES mission (acronym),
    state TEXT NOT NULL REFERENCES state (code),
    PRIMARY KEY (mission, state)
);

CREATE TABLE account (
    id BLOB PRIMARY KEY NOT NULL,
    email TEXT NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    state TEXT REFERENCES state (code),
    graded BOOLEAN NOT NULL,
    suspended BOOLEAN NOT NULL,
    created_at TIMESTAMP NOT NULL,
    -- What an account is for, and for how long: what a State's account does for it (reader, proposer, manager), a State's own
    -- system, the first and last day of its term, until when a reset keeps it from opening seals, and when its access was last
    -- looked at.
    state_function TEXT,
    machine BOOLEAN NOT NULL DEFAULT FALSE,
    from_on DATE,
    to_on DATE,
    opens_from TIMESTAMP,
    reviewed_at TIMESTAMP,
    -- Who an account is to a provider of single sign-on: issuer and subject (OpenID Connect), parted by a space.
    single_sign_on TEXT,
    -- An account that nobody agreed to yet has the address that somebody typed: one of that address may be there, which who asked is not told.
    proposed BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE UNIQUE INDEX account_by_single_sign_on ON account (single_sign_on);
CREATE UNIQUE INDEX account_by_address ON account (email) WHERE NOT proposed;
CREATE INDEX account_by_email ON account (email);

CREATE TABLE account_mission (
    account_id BLOB NOT NULL REFERENCES account (id),
    mission TEXT NOT NULL REFERENCES mission (acronym),
    PRIMARY KEY (account_id, mission)
);

CREATE TABLE session (
    id BLOB PRIMARY KEY NOT NULL,
    account_id BLOB NOT NULL REFERENCES account (id),
    started_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    ended_at TIMESTAMP,
    -- Whence a session was begun: a hash of the account's address and the network, so that a network that somebody signs in
    -- from is throttled apart from strangers'.
    visitor BLOB,
    -- Whether the session was begun with a second factor: until then it reaches nothing but its own account.
    assured BOOLEAN NOT NULL DEFAULT FALSE,
    -- Codes and passwords that were wrong within a session: it ends with the tenth.
    wrong_proofs INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX session_by_account ON session (account_id);
CREATE INDEX session_by_visitor ON session (visitor, started_at);

CREATE TABLE refresh_token (
    hash BLOB PRIMARY KEY NOT NULL,
    session_id BLOB NOT NULL REFERENCES session (id),
    issued_at TIMESTAMP NOT NULL,
    used_at TIMESTAMP,
    -- Which token this one was given for, and when that one was forgiven a second use.
    parent BLOB,
    retried_at TIMESTAMP
);
CREATE INDEX refresh_token_by_parent ON refresh_token (parent);
CREATE INDEX refresh_token_by_session ON refresh_token (session_id, issued_at);

CREATE TABLE designation (
    id BLOB PRIMARY KEY NOT NULL,
    mission TEXT NOT NULL REFERENCES mission (acronym),
    kind TEXT NOT NULL,
    account_id BLOB NOT NULL REFERENCES account (id),
    from_on DATE NOT NULL,
    to_on DATE
);
CREATE INDEX designation_by_mission ON designation (mission, from_on);

CREATE TABLE class_key (
    id BLOB PRIMARY KEY NOT NULL,
    class TEXT NOT NULL,
    public BLOB NOT NULL,
    signature BLOB NOT NULL,
    wrapped BLOB NOT NULL,
    recovery BLOB,
    created_at TIMESTAMP NOT NULL,
    -- The place of a class key among those of its class, and from when on it is sealed to: both are signed with the key, so that nobody goes
    -- back to an older one by changing a row.
    sequence BIGINT NOT NULL DEFAULT 0,
    effective_from TIMESTAMP NOT NULL
);

CREATE TABLE epoch (
    id BLOB PRIMARY KEY NOT NULL,
    class_key_id BLOB NOT NULL REFERENCES class_key (id),
    sealed BLOB NOT NULL,
    created_at TIMESTAMP NOT NULL
);

CREATE TABLE data_key (
    id BLOB PRIMARY KEY NOT NULL,
    epoch_id BLOB NOT NULL REFERENCES epoch (id),
    record_id BLOB NOT NULL,
    class TEXT NOT NULL,
    wrapped BLOB NOT NULL
);
CREATE INDEX data_key_by_record ON data_key (record_id);
-- Epochs are merged by what they wrap.
CREATE INDEX data_key_by_epoch ON data_key (epoch_id);

CREATE TABLE sealed_value (
    holder_id BLOB NOT NULL,
    field INTEGER NOT NULL,
    record_id BLOB NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (holder_id, field)
);

CREATE TABLE incident (
    id BLOB PRIMARY KEY NOT NULL,
    reference TEXT NOT NULL UNIQUE,
    merged_into BLOB REFERENCES incident (id) DEFERRABLE INITIALLY IMMEDIATE,
    created_by BLOB NOT NULL REFERENCES account (id),
    created_at TIMESTAMP NOT NULL
);

CREATE TABLE incident_edition (
    id BLOB PRIMARY KEY NOT NULL,
    incident_id BLOB NOT NULL REFERENCES incident (id),
    reference TEXT NOT NULL,
    number INTEGER NOT NULL,
    status TEXT NOT NULL,
    is_current BOOLEAN NOT NULL,
    is_released BOOLEAN NOT NULL,
    mission TEXT NOT NULL REFERENCES mission (acronym),
    host_state TEXT REFERENCES state (code),
    occurred_on DATE NOT NULL,
    occurred_on_precision TEXT NOT NULL,
    occurred_year INTEGER NOT NULL,
    region TEXT,
    act TEXT NOT NULL,
    means TEXT NOT NULL,
    activity TEXT NOT NULL,
    perpetrator_category TEXT NOT NULL,
    others_killed INTEGER NOT NULL,
    others_injured INTEGER NOT NULL,
    victims INTEGER NOT NULL,
    killed INTEGER NOT NULL,
    injured INTEGER NOT NULL,
    abducted INTEGER NOT NULL,
    detained INTEGER NOT NULL,
    still_held INTEGER NOT NULL DEFAULT 0,
    noticas_id TEXT,
    sage_id TEXT,
    public_file BOOLEAN NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    released_at TIMESTAMP,
    superseded_at TIMESTAMP,
    UNIQUE (incident_id, number)
);
CREATE INDEX incident_edition_current ON incident_edition (is_current, occurred_on, reference);
CREATE INDEX incident_edition_current_by_mission ON incident_edition (is_current, mission, occurred_on, reference);
CREATE INDEX incident_edition_current_by_host ON incident_edition (is_current, host_state, occurred_on, reference);
CREATE INDEX incident_edition_released ON incident_edition (is_released, occurred_on, reference);
CREATE UNIQUE INDEX incident_edition_one_current ON incident_edition (incident_id) WHERE is_current;
CREATE UNIQUE INDEX incident_edition_one_released ON incident_edition (incident_id) WHERE is_released;
-- For a State that very many incidents concern: its page walks these, and asks of each row whether it is concerned.
CREATE INDEX incident_edition_by_day ON incident_edition (occurred_on, reference);
CREATE INDEX incident_edition_by_mission ON incident_edition (mission, occurred_on, reference);
-- Two columns each: SQLite, without statistics, would else take one that begins with the flag, and read every row.
CREATE INDEX incident_edition_by_incident ON incident_edition (incident_id, is_current);
CREATE INDEX incident_edition_by_reference ON incident_edition (reference, is_current);
CREATE INDEX incident_edition_released_by_reference ON incident_edition (reference, is_released);
CREATE INDEX incident_edition_released_by_mission ON incident_edition (is_released, mission, occurred_on, reference);
CREATE INDEX incident_edition_by_noticas ON incident_edition (noticas_id) WHERE noticas_id IS NOT NULL;
CREATE INDEX incident_edition_by_sage ON incident_edition (sage_id) WHERE sage_id IS NOT NULL;

-- How an edition was worked on: by whom, and what keeps or kept it. No list is narrowed to any of it.
CREATE TABLE edition_handling (
    edition_id BLOB PRIMARY KEY NOT NULL REFERENCES incident_edition (id),
    author_id BLOB NOT NULL REFERENCES account (id),
    verifier_id BLOB REFERENCES account (id),
    releaser_id BLOB REFERENCES account (id),
    created_at TIMESTAMP NOT NULL,
    hold_reason TEXT,
    hold_review_on DATE,
    -- Why something was returned or withdrawn: a code, and one for each field that it is about.
    reason TEXT,
    reason_fields TEXT,
    withdrawal_by BLOB REFERENCES account (id),
    tag_confidential BLOB NOT NULL,
    tag_strictly_confidential BLOB NOT NULL
);
CREATE INDEX edition_handling_by_withdrawal ON edition_handling (withdrawal_by) WHERE withdrawal_by IS NOT NULL;

CREATE TABLE victim (
    id BLOB PRIMARY KEY NOT NULL,
    edition_id BLOB NOT NULL REFERENCES incident_edition (id),
    victim_id BLOB NOT NULL,
    handle TEXT NOT NULL,
    position INTEGER NOT NULL,
    category TEXT NOT NULL,
    states TEXT NOT NULL,
    outcome TEXT NOT NULL,
    sex_of_dead TEXT,
    noticas_id TEXT,
    kin_notified_on DATE,
    state_notified_on DATE,
    died_on DATE,
    held_from DATE,
    held_until DATE,
    held_end TEXT,
    UNIQUE (edition_id, victim_id)
);
CREATE INDEX victim_by_noticas ON victim (noticas_id);

CREATE TABLE suspect (
    id BLOB PRIMARY KEY NOT NULL,
    edition_id BLOB NOT NULL REFERENCES incident_edition (id),
    suspect_id BLOB NOT NULL,
    handle TEXT NOT NULL,
    position INTEGER NOT NULL,
    category TEXT NOT NULL,
    status TEXT NOT NULL,
    UNIQUE (edition_id, suspect_id)
);

CREATE TABLE withholding (
    id BLOB PRIMARY KEY NOT NULL,
    incident_id BLOB NOT NULL REFERENCES incident (id),
    states TEXT NOT NULL,
    reason TEXT NOT NULL,
    proposed_by BLOB NOT NULL REFERENCES account (id),
    proposed_at TIMESTAMP NOT NULL,
    confirmed_by BLOB REFERENCES account (id),
    confirmed_at TIMESTAMP
);
CREATE INDEX withholding_by_incident ON withholding (incident_id);

CREATE TABLE concern (
    id BLOB PRIMARY KEY NOT NULL,
    incident_id BLOB NOT NULL REFERENCES incident (id),
    victim_id BLOB,
    state TEXT NOT NULL REFERENCES state (code),
    basis TEXT NOT NULL,
    from_at TIMESTAMP NOT NULL,
    to_at TIMESTAMP,
    edition_id BLOB REFERENCES incident_edition (id),
    frozen_at TIMESTAMP
);
CREATE INDEX concern_by_state ON concern (state, edition_id);
CREATE INDEX concern_by_victim ON concern (victim_id);
CREATE INDEX concern_by_incident ON concern (incident_id);

CREATE TABLE case_file (
    id BLOB PRIMARY KEY NOT NULL,
    reference TEXT NOT NULL UNIQUE,
    mission TEXT NOT NULL REFERENCES mission (acronym),
    status TEXT NOT NULL,
    opened_on DATE NOT NULL,
    information_status TEXT NOT NULL,
    information_on DATE,
    stage_furthest TEXT NOT NULL,
    stage_current TEXT NOT NULL,
    tag_confidential BLOB NOT NULL,
    created_by BLOB NOT NULL REFERENCES account (id),
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL
);
CREATE INDEX case_file_by_opening ON case_file (opened_on, reference);

CREATE TABLE case_event (
    id BLOB PRIMARY KEY NOT NULL,
    case_id BLOB NOT NULL REFERENCES case_file (id),
    status TEXT NOT NULL,
    happened_on DATE NOT NULL,
    recorded_at TIMESTAMP NOT NULL
);
CREATE INDEX case_event_by_case ON case_event (case_id, happened_on);

CREATE TABLE case_incident (
    case_id BLOB NOT NULL REFERENCES case_file (id),
    incident_id BLOB NOT NULL REFERENCES incident (id),
    status TEXT NOT NULL,
    added_by BLOB REFERENCES account (id),
    -- Since when the link counts: when it was added, or accepted where it waited.
    since TIMESTAMP NOT NULL,
    decided_by BLOB REFERENCES account (id),
    withdrawal_by BLOB REFERENCES account (id),
    -- When an accepted link was withdrawn.
    ended_at TIMESTAMP,
    PRIMARY KEY (case_id, incident_id)
);
CREATE INDEX case_incident_by_withdrawal ON case_incident (withdrawal_by) WHERE withdrawal_by IS NOT NULL;
CREATE INDEX case_incident_by_incident ON case_incident (incident_id);

CREATE TABLE proceeding (
    id BLOB PRIMARY KEY NOT NULL,
    reference TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL REFERENCES state (code),
    authority TEXT NOT NULL,
    forum TEXT NOT NULL,
    jurisdiction TEXT NOT NULL,
    opened_on DATE NOT NULL,
    opened_on_precision TEXT NOT NULL,
    obstacles TEXT NOT NULL,
    stage_furthest TEXT NOT NULL,
    stage_current TEXT NOT NULL,
    tag_confidential BLOB NOT NULL,
    tag_strictly_confidential BLOB NOT NULL,
    created_by BLOB NOT NULL REFERENCES account (id),
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    -- It counts, and concerns a State, once another officer accepts it.
    status TEXT NOT NULL,
    submitted_state TEXT,
    decided_by BLOB REFERENCES account (id),
    decided_at TIMESTAMP,
    reason TEXT,
    reason_fields TEXT,
    withdrawal_by BLOB REFERENCES account (id),
    withdrawn_at TIMESTAMP
);
CREATE INDEX proceeding_by_withdrawal ON proceeding (withdrawal_by) WHERE withdrawal_by IS NOT NULL;
CREATE INDEX proceeding_by_opening ON proceeding (opened_on, reference);
CREATE INDEX proceeding_by_state ON proceeding (state, opened_on, reference);
CREATE INDEX proceeding_by_status ON proceeding (status, opened_on, reference);

CREATE TABLE proceeding_case (
    proceeding_id BLOB NOT NULL REFERENCES proceeding (id),
    case_id BLOB NOT NULL REFERENCES case_file (id),
    PRIMARY KEY (proceeding_id, case_id)
);
CREATE INDEX proceeding_case_by_case ON proceeding_case (case_id);

CREATE TABLE accused (
    id BLOB PRIMARY KEY NOT NULL,
    proceeding_id BLOB NOT NULL REFERENCES proceeding (id),
    number INTEGER NOT NULL,
    suspect_id BLOB,
    stage_furthest TEXT NOT NULL,
    stage_current TEXT NOT NULL,
    outcome TEXT NOT NULL,
    in_absentia BOOLEAN NOT NULL,
    detention TEXT NOT NULL,
    recorded_at TIMESTAMP NOT NULL,
    status TEXT NOT NULL,
    submitted_by BLOB REFERENCES account (id),
    submitted_state TEXT,
    decided_by BLOB REFERENCES account (id),
    reason TEXT,
    handle TEXT NOT NULL,
    reason_fields TEXT,
    withdrawal_by BLOB REFERENCES account (id),
    ended_at TIMESTAMP,
    UNIQUE (proceeding_id, number)
);
CREATE INDEX accused_by_withdrawal ON accused (withdrawal_by) WHERE withdrawal_by IS NOT NULL;

CREATE TABLE accused_incident (
    accused_id BLOB NOT NULL REFERENCES accused (id),
    incident_id BLOB NOT NULL REFERENCES incident (id),
    PRIMARY KEY (accused_id, incident_id)
);
CREATE INDEX accused_incident_by_incident ON accused_incident (incident_id);

CREATE TABLE step (
    id BLOB PRIMARY KEY NOT NULL,
    handle TEXT NOT NULL,
    proceeding_id BLOB NOT NULL REFERENCES proceeding (id),
    accused INTEGER,
    kind TEXT NOT NULL,
    happened_on DATE NOT NULL,
    happened_on_precision TEXT NOT NULL,
    stage TEXT,
    outcome TEXT,
    exit TEXT,
    sentence TEXT,
    sentence_months INTEGER,
    obstacle TEXT,
    postponed_to DATE,
    source_url TEXT,
    status TEXT NOT NULL,
    submitted_by BLOB NOT NULL REFERENCES account (id),
    submitted_state TEXT REFERENCES state (code),
    submitted_at TIMESTAMP NOT NULL,
    recorded_at TIMESTAMP,
    decided_by BLOB REFERENCES account (id),
    reason TEXT,
    reason_fields TEXT,
    -- The step whose place it takes once it is accepted, and why.
    corrects BLOB,
    correction_reason TEXT,
    withdrawal_by BLOB REFERENCES account (id),
    -- When it was withdrawn, or a correction took its place.
    ended_at TIMESTAMP,
    UNIQUE (proceeding_id, handle)
);
CREATE INDEX step_by_withdrawal ON step (withdrawal_by) WHERE withdrawal_by IS NOT NULL;
CREATE INDEX step_by_proceeding ON step (proceeding_id, happened_on);

CREATE TABLE assistance (
    id BLOB PRIMARY KEY NOT NULL,
    reference TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL REFERENCES state (code),
    mission TEXT REFERENCES mission (acronym),
    kind TEXT NOT NULL,
    provider TEXT NOT NULL,
    status TEXT NOT NULL,
    offered_on DATE NOT NULL,
    delivered_from DATE,
    delivered_to DATE,
    women INTEGER,
    men INTEGER,
    cost_usd BIGINT,
    funding_source TEXT,
    tag_confidential BLOB NOT NULL,
    created_by BLOB NOT NULL REFERENCES account (id),
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL
);
CREATE INDEX assistance_by_offer ON assistance (offered_on, reference);

CREATE TABLE assistance_case (
    assistance_id BLOB NOT NULL REFERENCES assistance (id),
    case_id BLOB NOT NULL REFERENCES case_file (id),
    PRIMARY KEY (assistance_id, case_id)
);

CREATE TABLE measure (
    id BLOB PRIMARY KEY NOT NULL,
    reference TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL REFERENCES state (code),
    kind TEXT NOT NULL,
    instrument TEXT NOT NULL,
    taken_on DATE NOT NULL,
    taken_on_precision TEXT NOT NULL,
    source_url TEXT,
    status TEXT NOT NULL,
    submitted_state TEXT REFERENCES state (code),
    tag_confidential BLOB NOT NULL,
    created_by BLOB NOT NULL REFERENCES account (id),
    decided_by BLOB REFERENCES account (id),
    reason TEXT,
    created_at TIMESTAMP NOT NULL,
    recorded_at TIMESTAMP,
    updated_at TIMESTAMP NOT NULL,
    reason_fields TEXT,
    withdrawal_by BLOB REFERENCES account (id),
    ended_at TIMESTAMP
);
CREATE INDEX measure_by_withdrawal ON measure (withdrawal_by) WHERE withdrawal_by IS NOT NULL;
CREATE INDEX measure_by_day ON measure (taken_on, reference);
CREATE INDEX measure_by_state ON measure (state, taken_on, reference);

CREATE TABLE revision (
    id BLOB PRIMARY KEY NOT NULL,
    noun TEXT NOT NULL,
    record_id BLOB NOT NULL,
    root_id BLOB NOT NULL,
    edition INTEGER,
    kind TEXT NOT NULL,
    made_at TIMESTAMP NOT NULL,
    author_id BLOB NOT NULL REFERENCES account (id),
    reason TEXT,
    open_changes TEXT NOT NULL,
    sealed_changes TEXT NOT NULL,
    audit_id BLOB NOT NULL
);
CREATE INDEX revision_by_root ON revision (root_id, made_at);

CREATE TABLE audit_hash (
    position BIGINT PRIMARY KEY NOT NULL,
    hash BLOB NOT NULL
);

CREATE TABLE audit_checkpoint (
    size BIGINT PRIMARY KEY NOT NULL,
    note TEXT NOT NULL,
    made_at TIMESTAMP NOT NULL
);

CREATE TABLE idempotency (
    account_id BLOB NOT NULL REFERENCES account (id),
    route TEXT NOT NULL,
    key_hash BLOB NOT NULL,
    body_mac BLOB NOT NULL,
    status INTEGER NOT NULL,
    target TEXT NOT NULL,
    made_at TIMESTAMP NOT NULL,
    PRIMARY KEY (account_id, route, key_hash)
);
-- Keys of requests are taken away when they are old.
CREATE INDEX idempotency_by_time ON idempotency (made_at);

CREATE TABLE disclosure (
    id BLOB PRIMARY KEY NOT NULL,
    made_at TIMESTAMP NOT NULL,
    account_id BLOB NOT NULL REFERENCES account (id),
    record TEXT NOT NULL,
    root_id BLOB NOT NULL,
    mission TEXT,
    class TEXT NOT NULL,
    purpose TEXT NOT NULL,
    refusal TEXT,
    -- In which mode a disclosure was made (alone, within a sitting, as part of a file, on approval), and whether nobody approved
    -- what two should have agreed to.
    mode TEXT NOT NULL,
    within_id BLOB,
    emergency BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE INDEX disclosure_by_time ON disclosure (made_at, id);
CREATE INDEX disclosure_by_account ON disclosure (account_id, made_at);
-- Openings of one account, of a mission's records, and without approval, newest first; refreshes of a session.
CREATE INDEX disclosure_of_account ON disclosure (account_id, id);
CREATE INDEX disclosure_of_mission ON disclosure (mission, id);
CREATE INDEX disclosure_of_emergency ON disclosure (emergency, id);

CREATE TABLE disclosure_item (
    disclosure_id BLOB NOT NULL REFERENCES disclosure (id),
    record_id BLOB NOT NULL,
    record TEXT NOT NULL,
    fields TEXT NOT NULL,
    PRIMARY KEY (disclosure_id, record_id)
);
CREATE INDEX disclosure_item_by_record ON disclosure_item (record_id);

CREATE TABLE import (
    id BLOB PRIMARY KEY NOT NULL,
    source TEXT NOT NULL,
    sha256 BLOB NOT NULL,
    vintage DATE NOT NULL,
    made_at TIMESTAMP NOT NULL,
    account_id BLOB NOT NULL REFERENCES account (id)
);

CREATE TABLE import_row (
    id BLOB PRIMARY KEY NOT NULL,
    import_id BLOB NOT NULL REFERENCES import (id),
    line INTEGER NOT NULL,
    key TEXT NOT NULL,
    raw TEXT NOT NULL,
    vintage DATE NOT NULL,
    incident_id BLOB REFERENCES incident (id)
);
CREATE INDEX import_row_by_key ON import_row (key, vintage);

-- Password hashes apart from accounts, so that a node that only reads is given the one and not the other.
CREATE TABLE credential (
    account_id BLOB PRIMARY KEY NOT NULL REFERENCES account (id),
    password_hash TEXT NOT NULL
);

-- The places of entries in the tree, apart from the entries: an entry is inserted once, and never updated.
CREATE TABLE audit_leaf (
    position BIGINT PRIMARY KEY NOT NULL,
    entry_id BLOB UNIQUE NOT NULL
);

CREATE TABLE audit_entry (
    id BLOB PRIMARY KEY NOT NULL,
    made_at TIMESTAMP NOT NULL,
    actor_id BLOB,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    salt BLOB NOT NULL
);
-- The log by what was done, newest first: auditors ask for it, and the log only grows.
CREATE INDEX audit_entry_by_action ON audit_entry (action, id);

CREATE TABLE audit_pending (
    entry_id BLOB PRIMARY KEY NOT NULL
);

-- Counters that nodes poll: `rights` moves when somebody's session, role or scope changed; `beat` moves several times a
-- second while a node writes, so that a standby that stands still is noticed; `tally` is 0 until the tallies were made.
CREATE TABLE heartbeat (
    name TEXT PRIMARY KEY NOT NULL,
    value BIGINT NOT NULL
);
INSERT INTO heartbeat (name, value) VALUES ('rights', 0), ('beat', 0), ('tally', 0);
-- How many restorations await confirmation, and when the last backup was made (seconds since 1970).
INSERT INTO heartbeat (name, value) VALUES ('restored', 0), ('backup', 0);

-- Records whose data keys were emptied: the ledger that lies beside the backups too, and is applied to what is restored.
CREATE TABLE erasure (
    record_id BLOB PRIMARY KEY NOT NULL,
    erased_at TIMESTAMP NOT NULL
);

-- Figures are counted once. A trigger appends what a write adds to them and takes from them, in the write's own transaction,
-- so that no path through the program can forget it and no writer waits for a counter; a node folds the changes into the
-- tallies later. What is counted is the changes that are not folded yet, and the tallies, in one snapshot.
CREATE TABLE tally_change (
    unit TEXT NOT NULL,
    mission TEXT,
    host_state TEXT,
    year INTEGER,
    act TEXT,
    means TEXT,
    outcome TEXT,
    personnel_category TEXT,
    stage TEXT,
    forum TEXT,
    in_absentia BOOLEAN,
    information_status TEXT,
    amount INTEGER NOT NULL
);

-- Counts of a unit by each set of at most three of its dimensions: `dimensions` names them, parted by commas, in the order of
-- their names; `key` has the values in the same order, parted by |, and nothing where the source does not tell.
CREATE TABLE tally (
    unit TEXT NOT NULL,
    dimensions TEXT NOT NULL,
    key TEXT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (unit, dimensions, key)
) WITHOUT ROWID;

-- Second factors: the secret of the one-time codes, and of those that are to take its place, encrypted under the system's key;
-- the last time step whose code was taken, and how often a code was wrong since.
CREATE TABLE second_factor (
    account_id BLOB PRIMARY KEY NOT NULL REFERENCES account (id),
    secret BLOB,
    pending BLOB,
    last_step BIGINT NOT NULL,
    failures INTEGER NOT NULL,
    failed_at TIMESTAMP
);

-- Hashes of codes for who has lost their second factor; each is taken once.
CREATE TABLE recovery_code (
    hash BLOB PRIMARY KEY NOT NULL,
    account_id BLOB NOT NULL REFERENCES account (id),
    used_at TIMESTAMP
);
CREATE INDEX recovery_code_by_account ON recovery_code (account_id);

-- Hashes of one-time links with which a person chooses a password.
CREATE TABLE invitation (
    hash BLOB PRIMARY KEY NOT NULL,
    account_id BLOB NOT NULL REFERENCES account (id),
    made_at TIMESTAMP NOT NULL,
    made_by BLOB NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    used_at TIMESTAMP
);
CREATE INDEX invitation_by_account ON invitation (account_id);

-- Changes of what accounts may do: the rights as they shall be (JSON), who asked, and who decided.
CREATE TABLE account_change (
    id BLOB PRIMARY KEY NOT NULL,
    account_id BLOB NOT NULL REFERENCES account (id),
    kind TEXT NOT NULL,
    rights TEXT NOT NULL,
    asked_at TIMESTAMP NOT NULL,
    asked_by BLOB NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    decided_at TIMESTAMP,
    decided_by BLOB,
    approved BOOLEAN,
    -- What an account was entitled to when a change was asked: who agrees sees before and after.
    rights_before TEXT
);
CREATE INDEX account_change_by_account ON account_change (account_id);

-- Hashes of the keys of States' own systems.
CREATE TABLE machine_key (
    id BLOB PRIMARY KEY NOT NULL,
    hash BLOB UNIQUE NOT NULL,
    account_id BLOB NOT NULL REFERENCES account (id),
    name TEXT NOT NULL,
    made_at TIMESTAMP NOT NULL,
    made_by BLOB NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    ended_at TIMESTAMP
);
CREATE INDEX machine_key_by_account ON machine_key (account_id);

-- What a person is told about their own account.
CREATE TABLE notice (
    id BLOB PRIMARY KEY NOT NULL,
    account_id BLOB NOT NULL REFERENCES account (id),
    told_at TIMESTAMP NOT NULL,
    kind TEXT NOT NULL
);
CREATE INDEX notice_by_account ON notice (account_id, told_at);

-- Sittings: one purpose and one second factor for a file of cases; each opening within is a disclosure of its own.
CREATE TABLE sitting (
    id BLOB PRIMARY KEY NOT NULL,
    account_id BLOB NOT NULL REFERENCES account (id),
    session_id BLOB NOT NULL REFERENCES session (id),
    purpose TEXT NOT NULL,
    started_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    ended_at TIMESTAMP
);
CREATE INDEX sitting_by_account ON sitting (account_id, started_at);

-- What a second officer was asked to approve, and decided.
CREATE TABLE approval (
    id BLOB PRIMARY KEY NOT NULL,
    account_id BLOB NOT NULL REFERENCES account (id),
    record TEXT NOT NULL,
    class TEXT NOT NULL,
    fields TEXT NOT NULL,
    purpose TEXT NOT NULL,
    asked_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    decided_at TIMESTAMP,
    decided_by BLOB REFERENCES account (id),
    approved BOOLEAN
);
CREATE INDEX approval_by_account ON approval (account_id, asked_at);

-- What another officer found of a disclosure that nobody had approved.
CREATE TABLE disclosure_review (
    disclosure_id BLOB PRIMARY KEY NOT NULL REFERENCES disclosure (id),
    reviewed_at TIMESTAMP NOT NULL,
    reviewed_by BLOB NOT NULL REFERENCES account (id),
    finding TEXT NOT NULL
);

-- Volumes of disclosures that are unusual for one account.
CREATE TABLE alert (
    id BLOB PRIMARY KEY NOT NULL,
    raised_at TIMESTAMP NOT NULL,
    account_id BLOB NOT NULL REFERENCES account (id),
    kind TEXT NOT NULL,
    records BIGINT NOT NULL
);
CREATE INDEX alert_by_time ON alert (raised_at, id);

-- What may be one person in two records: found by a match out of the asker's scope, or by an import in another mission. The
-- Secretariat decides. Scores are thousandths.
CREATE TABLE likely_duplicate (
    id BLOB PRIMARY KEY NOT NULL,
    found_at TIMESTAMP NOT NULL,
    found_by BLOB NOT NULL,
    source TEXT NOT NULL,
    disclosure_id BLOB REFERENCES disclosure (id),
    record TEXT,
    other TEXT NOT NULL,
    score INTEGER NOT NULL,
    decided_at TIMESTAMP,
    decided_by BLOB,
    finding TEXT,
    -- References of the incidents that both are of, where they are of one.
    incident TEXT,
    other_incident TEXT
);
CREATE INDEX likely_duplicate_by_time ON likely_duplicate (found_at, id);
CREATE INDEX likely_duplicate_by_incident ON likely_duplicate (incident);
CREATE INDEX likely_duplicate_by_other ON likely_duplicate (other_incident);

-- Releases of the published tables: what they count, and what of it is withheld. One for each year, proposed by one person of the
-- Secretariat and released by another; frozen as proposed.
CREATE TABLE table_release (
    id BLOB PRIMARY KEY NOT NULL,
    year INTEGER NOT NULL,
    cut_off TIMESTAMP NOT NULL,
    tables TEXT NOT NULL,
    proposed_by BLOB NOT NULL,
    decided_by BLOB,
    decided_at TIMESTAMP,
    released BOOLEAN
);
CREATE INDEX table_release_by_year ON table_release (year, id);

-- Requests to erase a person: one officer asks, another decides, and the operator carries out what was approved.
CREATE TABLE erasure_request (
    id BLOB PRIMARY KEY NOT NULL,
    number TEXT NOT NULL UNIQUE,
    record TEXT NOT NULL,
    record_id BLOB NOT NULL,
    reason TEXT NOT NULL,
    asked_by BLOB NOT NULL REFERENCES account (id),
    asked_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    decided_by BLOB REFERENCES account (id),
    decided_at TIMESTAMP,
    approved BOOLEAN,
    erased_at TIMESTAMP
);

-- What a restore, a move or an accepted database undid, and who confirmed it: until an officer and an administrator have, nobody else is
-- served.
CREATE TABLE restoration (
    id BLOB PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    made_at TIMESTAMP NOT NULL,
    archived_at TIMESTAMP NOT NULL,
    reason TEXT,
    undone TEXT NOT NULL,
    officer_id BLOB REFERENCES account (id),
    officer_at TIMESTAMP,
    administrator_id BLOB REFERENCES account (id),
    administrator_at TIMESTAMP
);

-- Who read the note of what they agree to: an approval's, or an emergency's.
CREATE TABLE note_reading (
    id BLOB PRIMARY KEY NOT NULL,
    note_id BLOB NOT NULL,
    account_id BLOB NOT NULL REFERENCES account (id),
    read_at TIMESTAMP NOT NULL
);
CREATE INDEX note_reading_by_note ON note_reading (note_id, account_id);

-- Sign-ins at the provider that were completed: each is good once, as long as it could be completed again.
CREATE TABLE sign_on_use (
    hash BLOB PRIMARY KEY NOT NULL,
    good_until TIMESTAMP NOT NULL
);

CREATE TABLE follow_up (
    id BLOB PRIMARY KEY NOT NULL,
    reference TEXT NOT NULL UNIQUE,
    case_reference TEXT NOT NULL REFERENCES case_file (reference),
    mission TEXT NOT NULL REFERENCES mission (acronym),
    state TEXT NOT NULL REFERENCES state (code),
    kind TEXT NOT NULL,
    sent_on DATE NOT NULL,
    due_on DATE,
    reply_status TEXT NOT NULL,
    replied_on DATE,
    status TEXT,
    offered_reply TEXT,
    offered_on DATE,
    offered_by BLOB REFERENCES account (id),
    offered_at TIMESTAMP,
    decided_by BLOB REFERENCES account (id),
    reason TEXT,
    reason_fields TEXT,
    tag_confidential BLOB NOT NULL,
    created_by BLOB NOT NULL REFERENCES account (id),
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL
);
CREATE INDEX follow_up_by_day ON follow_up (sent_on, reference);
CREATE INDEX follow_up_by_state ON follow_up (state, sent_on, reference);
CREATE INDEX follow_up_by_case ON follow_up (case_reference);

CREATE TABLE contribution (
    id BLOB PRIMARY KEY NOT NULL,
    reference TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL REFERENCES state (code),
    purpose TEXT NOT NULL,
    pledged_on DATE NOT NULL,
    pledged_usd BIGINT NOT NULL,
    received_on DATE,
    received_usd BIGINT,
    mission TEXT REFERENCES mission (acronym),
    tag_confidential BLOB NOT NULL,
    created_by BLOB NOT NULL REFERENCES account (id),
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL
);
CREATE INDEX contribution_by_day ON contribution (pledged_on, reference);
CREATE INDEX contribution_by_state ON contribution (state, pledged_on, reference);
CREATE INDEX contribution_by_mission ON contribution (mission, pledged_on, reference);
