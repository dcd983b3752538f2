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
    finding TEXT
);
CREATE INDEX likely_duplicate_by_time ON likely_duplicate (found_at, id);

-- Epochs are merged by what they wrap.
CREATE INDEX data_key_by_epoch ON data_key (epoch_id);
