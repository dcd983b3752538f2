-- What an account was entitled to when a change was asked: who agrees sees before and after.
ALTER TABLE account_change ADD COLUMN rights_before TEXT;

-- Who read the note of what they agree to: an approval's, or an emergency's.
CREATE TABLE note_reading (
    id BLOB PRIMARY KEY NOT NULL,
    note_id BLOB NOT NULL,
    account_id BLOB NOT NULL REFERENCES account (id),
    read_at TIMESTAMP NOT NULL
);
CREATE INDEX note_reading_by_note ON note_reading (note_id, account_id);

-- Codes and passwords that were wrong within a session: it ends with the tenth.
ALTER TABLE session ADD COLUMN wrong_proofs INTEGER NOT NULL DEFAULT 0;

-- Sign-ins at the provider that were completed: each is good once, as long as it could be completed again.
CREATE TABLE sign_on_use (
    hash BLOB PRIMARY KEY NOT NULL,
    good_until TIMESTAMP NOT NULL
);

-- An account that nobody agreed to yet has the address that somebody typed: one of that address may be there, which who asked is not told.
ALTER TABLE account ADD COLUMN proposed BOOLEAN NOT NULL DEFAULT FALSE;
CREATE UNIQUE INDEX account_by_address ON account (email) WHERE NOT proposed;
CREATE INDEX account_by_email ON account (email);
