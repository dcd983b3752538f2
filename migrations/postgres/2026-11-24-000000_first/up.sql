CREATE TABLE state (
    code TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    m49 TEXT COLLATE "C" NOT NULL,
    historical BOOLEAN NOT NULL,
    name_ar TEXT COLLATE "C" NOT NULL,
    name_zh TEXT COLLATE "C" NOT NULL,
    name_en TEXT COLLATE "C" NOT NULL,
    name_fr TEXT COLLATE "C" NOT NULL,
    name_ru TEXT COLLATE "C" NOT NULL,
    name_es TEXT COLLATE "C" NOT NULL
);

CREATE TABLE mission (
    acronym TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    started_on DATE,
    ended_on DATE
);

CREATE TABLE mission_host (
    mission TEXT COLLATE "C" NOT NULL REFERENCES mission (acronym),
    state TEXT COLLATE "C" NOT NULL REFERENCES state (code),
    PRIMARY KEY (mission, state)
);

CREATE TABLE account (
    id BYTEA PRIMARY KEY NOT NULL,
    email TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" REFERENCES state (code),
    graded BOOLEAN NOT NULL,
    password_hash TEXT COLLATE "C" NOT NULL,
    suspended BOOLEAN NOT NULL,
    created_at TIMESTAMP NOT NULL
);

CREATE TABLE account_mission (
    account_id BYTEA NOT NULL REFERENCES account (id),
    mission TEXT COLLATE "C" NOT NULL REFERENCES mission (acronym),
    PRIMARY KEY (account_id, mission)
);

CREATE TABLE session (
    id BYTEA PRIMARY KEY NOT NULL,
    account_id BYTEA NOT NULL REFERENCES account (id),
    started_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    ended_at TIMESTAMP
);
CREATE INDEX session_by_account ON session (account_id);

CREATE TABLE refresh_token (
    hash BYTEA PRIMARY KEY NOT NULL,
    session_id BYTEA NOT NULL REFERENCES session (id),
    issued_at TIMESTAMP NOT NULL,
    used_at TIMESTAMP
);

CREATE TABLE designation (
    id BYTEA PRIMARY KEY NOT NULL,
    mission TEXT COLLATE "C" NOT NULL REFERENCES mission (acronym),
    kind TEXT COLLATE "C" NOT NULL,
    account_id BYTEA NOT NULL REFERENCES account (id),
    from_on DATE NOT NULL,
    to_on DATE
);
CREATE INDEX designation_by_mission ON designation (mission, from_on);

CREATE TABLE class_key (
    id BYTEA PRIMARY KEY NOT NULL,
    class TEXT COLLATE "C" NOT NULL,
    public BYTEA NOT NULL,
    signature BYTEA NOT NULL,
    wrapped BYTEA NOT NULL,
    recovery BYTEA,
    created_at TIMESTAMP NOT NULL
);

CREATE TABLE epoch (
    id BYTEA PRIMARY KEY NOT NULL,
    class_key_id BYTEA NOT NULL REFERENCES class_key (id),
    sealed BYTEA NOT NULL,
    created_at TIMESTAMP NOT NULL
);

CREATE TABLE data_key (
    id BYTEA PRIMARY KEY NOT NULL,
    epoch_id BYTEA NOT NULL REFERENCES epoch (id),
    record_id BYTEA NOT NULL,
    class TEXT COLLATE "C" NOT NULL,
    wrapped BYTEA NOT NULL
);
CREATE INDEX data_key_by_record ON data_key (record_id);

CREATE TABLE sealed_value (
    holder_id BYTEA NOT NULL,
    field INTEGER NOT NULL,
    record_id BYTEA NOT NULL,
    bytes BYTEA NOT NULL,
    PRIMARY KEY (holder_id, field)
);

CREATE TABLE incident (
    id BYTEA PRIMARY KEY NOT NULL,
    reference TEXT COLLATE "C" NOT NULL UNIQUE,
    merged_into BYTEA REFERENCES incident (id),
    created_by BYTEA NOT NULL REFERENCES account (id),
    created_at TIMESTAMP NOT NULL
);

CREATE TABLE incident_edition (
    id BYTEA PRIMARY KEY NOT NULL,
    incident_id BYTEA NOT NULL REFERENCES incident (id),
    reference TEXT COLLATE "C" NOT NULL,
    number INTEGER NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    is_current BOOLEAN NOT NULL,
    is_released BOOLEAN NOT NULL,
    mission TEXT COLLATE "C" NOT NULL REFERENCES mission (acronym),
    host_state TEXT COLLATE "C" REFERENCES state (code),
    occurred_on DATE NOT NULL,
    occurred_on_precision TEXT COLLATE "C" NOT NULL,
    occurred_year INTEGER NOT NULL,
    region TEXT COLLATE "C",
    act TEXT COLLATE "C" NOT NULL,
    means TEXT COLLATE "C" NOT NULL,
    activity TEXT COLLATE "C" NOT NULL,
    perpetrator_category TEXT COLLATE "C" NOT NULL,
    others_killed INTEGER NOT NULL,
    others_injured INTEGER NOT NULL,
    victims INTEGER NOT NULL,
    killed INTEGER NOT NULL,
    injured INTEGER NOT NULL,
    abducted INTEGER NOT NULL,
    detained INTEGER NOT NULL,
    noticas_id TEXT COLLATE "C",
    sage_id TEXT COLLATE "C",
    hold_reason TEXT COLLATE "C",
    hold_review_on DATE,
    public_file BOOLEAN NOT NULL,
    author_id BYTEA NOT NULL REFERENCES account (id),
    verifier_id BYTEA REFERENCES account (id),
    releaser_id BYTEA REFERENCES account (id),
    tag_confidential BYTEA NOT NULL,
    tag_strictly_confidential BYTEA NOT NULL,
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
    id BYTEA PRIMARY KEY NOT NULL,
    edition_id BYTEA NOT NULL REFERENCES incident_edition (id),
    victim_id BYTEA NOT NULL,
    handle TEXT COLLATE "C" NOT NULL,
    position INTEGER NOT NULL,
    category TEXT COLLATE "C" NOT NULL,
    states TEXT COLLATE "C" NOT NULL,
    outcome TEXT COLLATE "C" NOT NULL,
    sex_of_dead TEXT COLLATE "C",
    noticas_id TEXT COLLATE "C",
    kin_notified_on DATE,
    state_notified_on DATE,
    UNIQUE (edition_id, victim_id)
);
CREATE INDEX victim_by_noticas ON victim (noticas_id);

CREATE TABLE suspect (
    id BYTEA PRIMARY KEY NOT NULL,
    edition_id BYTEA NOT NULL REFERENCES incident_edition (id),
    suspect_id BYTEA NOT NULL,
    handle TEXT COLLATE "C" NOT NULL,
    position INTEGER NOT NULL,
    category TEXT COLLATE "C" NOT NULL,
    status TEXT COLLATE "C" NOT NULL,
    UNIQUE (edition_id, suspect_id)
);

CREATE TABLE withholding (
    id BYTEA PRIMARY KEY NOT NULL,
    incident_id BYTEA NOT NULL REFERENCES incident (id),
    states TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    proposed_by BYTEA NOT NULL REFERENCES account (id),
    proposed_at TIMESTAMP NOT NULL,
    confirmed_by BYTEA REFERENCES account (id),
    confirmed_at TIMESTAMP
);
CREATE INDEX withholding_by_incident ON withholding (incident_id);

CREATE TABLE concern (
    id BYTEA PRIMARY KEY NOT NULL,
    incident_id BYTEA NOT NULL REFERENCES incident (id),
    victim_id BYTEA,
    state TEXT COLLATE "C" NOT NULL REFERENCES state (code),
    basis TEXT COLLATE "C" NOT NULL,
    from_at TIMESTAMP NOT NULL,
    to_at TIMESTAMP,
    edition_id BYTEA REFERENCES incident_edition (id),
    frozen_at TIMESTAMP
);
CREATE INDEX concern_by_state ON concern (state, edition_id);
CREATE INDEX concern_by_victim ON concern (victim_id);
CREATE INDEX concern_by_incident ON concern (incident_id);

CREATE TABLE case_file (
    id BYTEA PRIMARY KEY NOT NULL,
    reference TEXT COLLATE "C" NOT NULL UNIQUE,
    mission TEXT COLLATE "C" NOT NULL REFERENCES mission (acronym),
    state TEXT COLLATE "C" NOT NULL,
    opened_on DATE NOT NULL,
    information_status TEXT COLLATE "C" NOT NULL,
    information_on DATE,
    stage_furthest TEXT COLLATE "C" NOT NULL,
    stage_current TEXT COLLATE "C" NOT NULL,
    tag_confidential BYTEA NOT NULL,
    created_by BYTEA NOT NULL REFERENCES account (id),
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL
);
CREATE INDEX case_file_by_opening ON case_file (opened_on, reference);

CREATE TABLE case_event (
    id BYTEA PRIMARY KEY NOT NULL,
    case_id BYTEA NOT NULL REFERENCES case_file (id),
    state TEXT COLLATE "C" NOT NULL,
    happened_on DATE NOT NULL,
    recorded_at TIMESTAMP NOT NULL
);
CREATE INDEX case_event_by_case ON case_event (case_id, happened_on);

CREATE TABLE case_incident (
    case_id BYTEA NOT NULL REFERENCES case_file (id),
    incident_id BYTEA NOT NULL REFERENCES incident (id),
    PRIMARY KEY (case_id, incident_id)
);
CREATE INDEX case_incident_by_incident ON case_incident (incident_id);

CREATE TABLE proceeding (
    id BYTEA PRIMARY KEY NOT NULL,
    reference TEXT COLLATE "C" NOT NULL UNIQUE,
    state TEXT COLLATE "C" NOT NULL REFERENCES state (code),
    authority TEXT COLLATE "C" NOT NULL,
    forum TEXT COLLATE "C" NOT NULL,
    jurisdiction TEXT COLLATE "C" NOT NULL,
    opened_on DATE NOT NULL,
    opened_on_precision TEXT COLLATE "C" NOT NULL,
    obstacles TEXT COLLATE "C" NOT NULL,
    stage_furthest TEXT COLLATE "C" NOT NULL,
    stage_current TEXT COLLATE "C" NOT NULL,
    tag_confidential BYTEA NOT NULL,
    tag_strictly_confidential BYTEA NOT NULL,
    created_by BYTEA NOT NULL REFERENCES account (id),
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL
);
CREATE INDEX proceeding_by_opening ON proceeding (opened_on, reference);
CREATE INDEX proceeding_by_state ON proceeding (state, opened_on, reference);

CREATE TABLE proceeding_case (
    proceeding_id BYTEA NOT NULL REFERENCES proceeding (id),
    case_id BYTEA NOT NULL REFERENCES case_file (id),
    PRIMARY KEY (proceeding_id, case_id)
);
CREATE INDEX proceeding_case_by_case ON proceeding_case (case_id);

CREATE TABLE accused (
    id BYTEA PRIMARY KEY NOT NULL,
    proceeding_id BYTEA NOT NULL REFERENCES proceeding (id),
    number INTEGER NOT NULL,
    suspect_id BYTEA,
    stage_furthest TEXT COLLATE "C" NOT NULL,
    stage_current TEXT COLLATE "C" NOT NULL,
    outcome TEXT COLLATE "C" NOT NULL,
    in_absentia BOOLEAN NOT NULL,
    detention TEXT COLLATE "C" NOT NULL,
    recorded_at TIMESTAMP NOT NULL,
    UNIQUE (proceeding_id, number)
);

CREATE TABLE accused_incident (
    accused_id BYTEA NOT NULL REFERENCES accused (id),
    incident_id BYTEA NOT NULL REFERENCES incident (id),
    PRIMARY KEY (accused_id, incident_id)
);
CREATE INDEX accused_incident_by_incident ON accused_incident (incident_id);

CREATE TABLE step (
    id BYTEA PRIMARY KEY NOT NULL,
    handle TEXT COLLATE "C" NOT NULL,
    proceeding_id BYTEA NOT NULL REFERENCES proceeding (id),
    accused INTEGER,
    kind TEXT COLLATE "C" NOT NULL,
    happened_on DATE NOT NULL,
    happened_on_precision TEXT COLLATE "C" NOT NULL,
    stage TEXT COLLATE "C",
    outcome TEXT COLLATE "C",
    exit TEXT COLLATE "C",
    sentence TEXT COLLATE "C",
    sentence_months INTEGER,
    obstacle TEXT COLLATE "C",
    postponed_to DATE,
    source_url TEXT COLLATE "C",
    status TEXT COLLATE "C" NOT NULL,
    submitted_by BYTEA NOT NULL REFERENCES account (id),
    submitted_state TEXT COLLATE "C" REFERENCES state (code),
    submitted_at TIMESTAMP NOT NULL,
    recorded_at TIMESTAMP,
    decided_by BYTEA REFERENCES account (id),
    reason TEXT,
    UNIQUE (proceeding_id, handle)
);
CREATE INDEX step_by_proceeding ON step (proceeding_id, happened_on);

CREATE TABLE assistance (
    id BYTEA PRIMARY KEY NOT NULL,
    reference TEXT COLLATE "C" NOT NULL UNIQUE,
    state TEXT COLLATE "C" NOT NULL REFERENCES state (code),
    mission TEXT COLLATE "C" REFERENCES mission (acronym),
    kind TEXT COLLATE "C" NOT NULL,
    provider TEXT COLLATE "C" NOT NULL,
    status TEXT COLLATE "C" NOT NULL,
    offered_on DATE NOT NULL,
    delivered_from DATE,
    delivered_to DATE,
    women INTEGER,
    men INTEGER,
    cost_usd BIGINT,
    funding_source TEXT COLLATE "C",
    tag_confidential BYTEA NOT NULL,
    created_by BYTEA NOT NULL REFERENCES account (id),
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL
);
CREATE INDEX assistance_by_offer ON assistance (offered_on, reference);

CREATE TABLE assistance_case (
    assistance_id BYTEA NOT NULL REFERENCES assistance (id),
    case_id BYTEA NOT NULL REFERENCES case_file (id),
    PRIMARY KEY (assistance_id, case_id)
);

CREATE TABLE measure (
    id BYTEA PRIMARY KEY NOT NULL,
    reference TEXT COLLATE "C" NOT NULL UNIQUE,
    state TEXT NOT NULL REFERENCES state (code),
    kind TEXT NOT NULL,
    instrument TEXT NOT NULL,
    taken_on DATE NOT NULL,
    taken_on_precision TEXT NOT NULL,
    source_url TEXT,
    status TEXT NOT NULL,
    submitted_state TEXT REFERENCES state (code),
    tag_confidential BYTEA NOT NULL,
    created_by BYTEA NOT NULL REFERENCES account (id),
    decided_by BYTEA REFERENCES account (id),
    reason TEXT,
    created_at TIMESTAMP NOT NULL,
    recorded_at TIMESTAMP,
    updated_at TIMESTAMP NOT NULL
);
CREATE INDEX measure_by_day ON measure (taken_on, reference);
CREATE INDEX measure_by_state ON measure (state, taken_on, reference);

CREATE TABLE revision (
    id BYTEA PRIMARY KEY NOT NULL,
    noun TEXT COLLATE "C" NOT NULL,
    record_id BYTEA NOT NULL,
    root_id BYTEA NOT NULL,
    edition INTEGER,
    kind TEXT COLLATE "C" NOT NULL,
    made_at TIMESTAMP NOT NULL,
    author_id BYTEA NOT NULL REFERENCES account (id),
    reason TEXT COLLATE "C",
    open_changes TEXT COLLATE "C" NOT NULL,
    sealed_changes TEXT COLLATE "C" NOT NULL,
    audit_id BYTEA NOT NULL
);
CREATE INDEX revision_by_root ON revision (root_id, made_at);

CREATE TABLE audit_entry (
    id BYTEA PRIMARY KEY NOT NULL,
    made_at TIMESTAMP NOT NULL,
    actor_id BYTEA,
    action TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    salt BYTEA NOT NULL,
    leaf BIGINT UNIQUE
);

CREATE TABLE audit_pending (
    entry_id BYTEA PRIMARY KEY NOT NULL REFERENCES audit_entry (id)
);

CREATE TABLE audit_hash (
    position BIGINT PRIMARY KEY NOT NULL,
    hash BYTEA NOT NULL
);

CREATE TABLE audit_checkpoint (
    size BIGINT PRIMARY KEY NOT NULL,
    note TEXT COLLATE "C" NOT NULL,
    made_at TIMESTAMP NOT NULL
);

CREATE TABLE idempotency (
    account_id BYTEA NOT NULL REFERENCES account (id),
    route TEXT COLLATE "C" NOT NULL,
    key_hash BYTEA NOT NULL,
    body_mac BYTEA NOT NULL,
    status INTEGER NOT NULL,
    target TEXT COLLATE "C" NOT NULL,
    made_at TIMESTAMP NOT NULL,
    PRIMARY KEY (account_id, route, key_hash)
);

CREATE TABLE disclosure (
    id BYTEA PRIMARY KEY NOT NULL,
    made_at TIMESTAMP NOT NULL,
    account_id BYTEA NOT NULL REFERENCES account (id),
    record TEXT COLLATE "C" NOT NULL,
    root_id BYTEA NOT NULL,
    mission TEXT COLLATE "C",
    class TEXT COLLATE "C" NOT NULL,
    purpose TEXT COLLATE "C" NOT NULL,
    refusal TEXT COLLATE "C"
);
CREATE INDEX disclosure_by_time ON disclosure (made_at, id);

CREATE TABLE disclosure_item (
    disclosure_id BYTEA NOT NULL REFERENCES disclosure (id),
    record_id BYTEA NOT NULL,
    record TEXT COLLATE "C" NOT NULL,
    fields TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (disclosure_id, record_id)
);

CREATE TABLE import (
    id BYTEA PRIMARY KEY NOT NULL,
    source TEXT COLLATE "C" NOT NULL,
    sha256 BYTEA NOT NULL,
    vintage DATE NOT NULL,
    made_at TIMESTAMP NOT NULL,
    account_id BYTEA NOT NULL REFERENCES account (id)
);

CREATE TABLE import_row (
    id BYTEA PRIMARY KEY NOT NULL,
    import_id BYTEA NOT NULL REFERENCES import (id),
    line INTEGER NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    raw TEXT COLLATE "C" NOT NULL,
    vintage DATE NOT NULL,
    incident_id BYTEA REFERENCES incident (id)
);
CREATE INDEX import_row_by_key ON import_row (key, vintage);
