-- The place of a class key among those of its class, and from when on it is sealed to: both are signed with the key, so that nobody goes
-- back to an older one by changing a row.
ALTER TABLE class_key ADD COLUMN sequence BIGINT NOT NULL DEFAULT 0;
ALTER TABLE class_key ADD COLUMN effective_from TIMESTAMP NOT NULL DEFAULT '1970-01-01 00:00:00';

-- The log by what was done, newest first: auditors ask for it, and the log only grows.
CREATE INDEX audit_entry_by_action ON audit_entry (action, id);
-- Openings of one account, of a mission's records, and without approval, newest first; refreshes of a session.
CREATE INDEX disclosure_of_account ON disclosure (account_id, id);
CREATE INDEX disclosure_of_mission ON disclosure (mission, id);
CREATE INDEX disclosure_of_emergency ON disclosure (emergency, id);
CREATE INDEX refresh_token_by_session ON refresh_token (session_id, issued_at);
-- Keys of requests are taken away when they are old.
CREATE INDEX idempotency_by_time ON idempotency (made_at);

-- Requests to erase a person: one officer asks, another decides, and the operator carries out what was approved.
CREATE TABLE erasure_request (
    id BYTEA PRIMARY KEY NOT NULL,
    number TEXT COLLATE "C" NOT NULL UNIQUE,
    record TEXT COLLATE "C" NOT NULL,
    record_id BYTEA NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    asked_by BYTEA NOT NULL REFERENCES account (id),
    asked_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    decided_by BYTEA REFERENCES account (id),
    decided_at TIMESTAMP,
    approved BOOLEAN,
    erased_at TIMESTAMP
);

-- What a restore, a move or an accepted database undid, and who confirmed it: until an officer and an administrator have, nobody else is
-- served.
CREATE TABLE restoration (
    id BYTEA PRIMARY KEY NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    made_at TIMESTAMP NOT NULL,
    archived_at TIMESTAMP NOT NULL,
    reason TEXT COLLATE "C",
    undone TEXT COLLATE "C" NOT NULL,
    officer_id BYTEA REFERENCES account (id),
    officer_at TIMESTAMP,
    administrator_id BYTEA REFERENCES account (id),
    administrator_at TIMESTAMP
);

-- How many restorations await confirmation, and when the last backup was made (seconds since 1970).
INSERT INTO pulse (name, value) VALUES ('restored', 0), ('backup', 0);
