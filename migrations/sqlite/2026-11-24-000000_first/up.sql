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
    password_hash TEXT NOT NULL,
    suspended BOOLEAN NOT NULL,
    created_at TIMESTAMP NOT NULL
);

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
    ended_at TIMESTAMP
);
CREATE INDEX session_by_account ON session (account_id);

CREATE TABLE refresh_token (
    hash BLOB PRIMARY KEY NOT NULL,
    session_id BLOB NOT NULL REFERENCES session (id),
    issued_at TIMESTAMP NOT NULL,
    used_at TIMESTAMP
);

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
    created_at TIMESTAMP NOT NULL
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
    merged_into BLOB REFERENCES incident (id),
    created_by BLOB NOT NULL REFERENCES account (id),
    created_at TIMESTAMP NOT NULL
);

CREATE TABLE incident_edition (
    id BLOB PRIMARY KEY NOT NULL,
    incident_id BLOB NOT NULL REFERENCES incident (id),
    reference TEXT NOT NULL,
    number INTEGER NOT NULL,
    state TEXT NOT NULL,
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
    noticas_id TEXT,
    sage_id TEXT,
    hold_reason TEXT,
    hold_review_on DATE,
    public_file BOOLEAN NOT NULL,
    author_id BLOB NOT NULL REFERENCES account (id),
    verifier_id BLOB REFERENCES account (id),
    releaser_id BLOB REFERENCES account (id),
    tag_confidential BLOB NOT NULL,
    tag_strictly_confidential BLOB NOT NULL,
    created_at TIMESTAMP NOT NULL,
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
    state TEXT NOT NULL,
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
    state TEXT NOT NULL,
    happened_on DATE NOT NULL,
    recorded_at TIMESTAMP NOT NULL
);
CREATE INDEX case_event_by_case ON case_event (case_id, happened_on);

CREATE TABLE case_incident (
    case_id BLOB NOT NULL REFERENCES case_file (id),
    incident_id BLOB NOT NULL REFERENCES incident (id),
    PRIMARY KEY (case_id, incident_id)
);
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
    updated_at TIMESTAMP NOT NULL
);
CREATE INDEX proceeding_by_opening ON proceeding (opened_on, reference);
CREATE INDEX proceeding_by_state ON proceeding (state, opened_on, reference);

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
    UNIQUE (proceeding_id, number)
);

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
    UNIQUE (proceeding_id, handle)
);
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
    updated_at TIMESTAMP NOT NULL
);
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

CREATE TABLE audit_entry (
    id BLOB PRIMARY KEY NOT NULL,
    made_at TIMESTAMP NOT NULL,
    actor_id BLOB,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    salt BLOB NOT NULL,
    leaf BIGINT UNIQUE
);

CREATE TABLE audit_pending (
    entry_id BLOB PRIMARY KEY NOT NULL REFERENCES audit_entry (id)
);

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

CREATE TABLE disclosure (
    id BLOB PRIMARY KEY NOT NULL,
    made_at TIMESTAMP NOT NULL,
    account_id BLOB NOT NULL REFERENCES account (id),
    record TEXT NOT NULL,
    root_id BLOB NOT NULL,
    mission TEXT,
    class TEXT NOT NULL,
    purpose TEXT NOT NULL,
    refusal TEXT
);
CREATE INDEX disclosure_by_time ON disclosure (made_at, id);

CREATE TABLE disclosure_item (
    disclosure_id BLOB NOT NULL REFERENCES disclosure (id),
    record_id BLOB NOT NULL,
    record TEXT NOT NULL,
    fields TEXT NOT NULL,
    PRIMARY KEY (disclosure_id, record_id)
);

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
