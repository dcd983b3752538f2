-- In which form a disclosure was made (alone, within a sitting, as part of a file, on approval), and whether nobody approved
-- what two should have agreed to.
ALTER TABLE disclosure ADD COLUMN form TEXT NOT NULL DEFAULT 'record';
ALTER TABLE disclosure ADD COLUMN within_id BLOB;
ALTER TABLE disclosure ADD COLUMN emergency BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX disclosure_by_account ON disclosure (account_id, made_at);
CREATE INDEX disclosure_item_by_record ON disclosure_item (record_id);

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
