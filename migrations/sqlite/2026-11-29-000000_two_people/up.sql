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
