-- Password hashes apart from accounts, so that a node that only reads is given the one and not the other.
CREATE TABLE credential (
    account_id BLOB PRIMARY KEY NOT NULL REFERENCES account (id),
    password_hash TEXT NOT NULL
);
INSERT INTO credential (account_id, password_hash) SELECT id, password_hash FROM account;
ALTER TABLE account DROP COLUMN password_hash;

-- All that a node which signs nobody in is told of sessions.
CREATE VIEW live_session AS
    SELECT id, account_id, expires_at FROM session
    WHERE ended_at IS NULL AND expires_at > strftime('%Y-%m-%d %H:%M:%f', 'now');

-- The places of entries in the tree, apart from the entries: an entry is inserted once, and never updated.
CREATE TABLE audit_leaf (
    position BIGINT PRIMARY KEY NOT NULL,
    entry_id BLOB UNIQUE NOT NULL
);
INSERT INTO audit_leaf (position, entry_id) SELECT leaf, id FROM audit_entry WHERE leaf IS NOT NULL;
DROP TABLE audit_pending;
CREATE TABLE audit_entry_new (
    id BLOB PRIMARY KEY NOT NULL,
    made_at TIMESTAMP NOT NULL,
    actor_id BLOB,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    salt BLOB NOT NULL
);
INSERT INTO audit_entry_new SELECT id, made_at, actor_id, action, subject, body, salt FROM audit_entry;
CREATE TABLE audit_pending (
    entry_id BLOB PRIMARY KEY NOT NULL
);
INSERT INTO audit_pending (entry_id) SELECT id FROM audit_entry WHERE leaf IS NULL;
DROP TABLE audit_entry;
ALTER TABLE audit_entry_new RENAME TO audit_entry;

-- Counters that nodes poll: `rights` moves when somebody's session, role or scope changed; `beat` moves several times a
-- second while a node writes, so that a standby that stands still is noticed; `tally` is 0 until the tallies were made.
CREATE TABLE pulse (
    name TEXT PRIMARY KEY NOT NULL,
    value BIGINT NOT NULL
);
INSERT INTO pulse (name, value) VALUES ('rights', 0), ('beat', 0), ('tally', 0);

-- Records whose data keys were emptied: the ledger that lies beside the backups too, and is applied to what is restored.
CREATE TABLE erasure (
    record_id BLOB PRIMARY KEY NOT NULL,
    erased_at TIMESTAMP NOT NULL
);
