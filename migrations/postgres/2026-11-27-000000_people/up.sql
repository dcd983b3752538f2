-- What an account is for, and for how long: what a State's account does for it (reader, proposer, manager), a State's own
-- system, the first and last day of its term, until when a reset keeps it from opening seals, and when its access was last
-- looked at.
ALTER TABLE account ADD COLUMN state_function TEXT COLLATE "C";
ALTER TABLE account ADD COLUMN machine BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE account ADD COLUMN from_on DATE;
ALTER TABLE account ADD COLUMN to_on DATE;
ALTER TABLE account ADD COLUMN opens_from TIMESTAMP;
ALTER TABLE account ADD COLUMN reviewed_at TIMESTAMP;
UPDATE account SET state_function = 'proposer' WHERE role = 'member_state';

-- Whether the session was begun with a second factor: until then it reaches nothing but its own account.
ALTER TABLE session ADD COLUMN assured BOOLEAN NOT NULL DEFAULT FALSE;
CREATE OR REPLACE VIEW live_session AS
    SELECT id, account_id, expires_at, assured FROM session
    WHERE ended_at IS NULL AND expires_at > (now() AT TIME ZONE 'UTC');

-- Second factors: the secret of the one-time codes, and of those that are to take its place, encrypted under the system's key;
-- the last time step whose code was taken, and how often a code was wrong since.
CREATE TABLE second_factor (
    account_id BYTEA PRIMARY KEY NOT NULL REFERENCES account (id),
    secret BYTEA,
    pending BYTEA,
    last_step BIGINT NOT NULL,
    failures INTEGER NOT NULL,
    failed_at TIMESTAMP
);

-- Hashes of codes for who has lost their second factor; each is taken once.
CREATE TABLE recovery_code (
    hash BYTEA PRIMARY KEY NOT NULL,
    account_id BYTEA NOT NULL REFERENCES account (id),
    used_at TIMESTAMP
);
CREATE INDEX recovery_code_by_account ON recovery_code (account_id);

-- Hashes of one-time links with which a person chooses a password.
CREATE TABLE invitation (
    hash BYTEA PRIMARY KEY NOT NULL,
    account_id BYTEA NOT NULL REFERENCES account (id),
    made_at TIMESTAMP NOT NULL,
    made_by BYTEA NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    used_at TIMESTAMP
);
CREATE INDEX invitation_by_account ON invitation (account_id);

-- Changes of what accounts may do: the rights as they shall be (JSON), who asked, and who decided.
CREATE TABLE account_change (
    id BYTEA PRIMARY KEY NOT NULL,
    account_id BYTEA NOT NULL REFERENCES account (id),
    kind TEXT COLLATE "C" NOT NULL,
    rights TEXT COLLATE "C" NOT NULL,
    asked_at TIMESTAMP NOT NULL,
    asked_by BYTEA NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    decided_at TIMESTAMP,
    decided_by BYTEA,
    approved BOOLEAN
);
CREATE INDEX account_change_by_account ON account_change (account_id);

-- Hashes of the keys of States' own systems.
CREATE TABLE machine_key (
    id BYTEA PRIMARY KEY NOT NULL,
    hash BYTEA UNIQUE NOT NULL,
    account_id BYTEA NOT NULL REFERENCES account (id),
    name TEXT COLLATE "C" NOT NULL,
    made_at TIMESTAMP NOT NULL,
    made_by BYTEA NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    ended_at TIMESTAMP
);
CREATE INDEX machine_key_by_account ON machine_key (account_id);

-- What a person is told about their own account.
CREATE TABLE notice (
    id BYTEA PRIMARY KEY NOT NULL,
    account_id BYTEA NOT NULL REFERENCES account (id),
    told_at TIMESTAMP NOT NULL,
    kind TEXT COLLATE "C" NOT NULL
);
CREATE INDEX notice_by_account ON notice (account_id, told_at);
