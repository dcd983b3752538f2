-- What may be one person in two records: found by a match out of the asker's scope, or by an import in another mission. The
-- Secretariat decides. Scores are thousandths.
CREATE TABLE likely_duplicate (
    id BYTEA PRIMARY KEY NOT NULL,
    found_at TIMESTAMP NOT NULL,
    found_by BYTEA NOT NULL,
    source TEXT COLLATE "C" NOT NULL,
    disclosure_id BYTEA REFERENCES disclosure (id),
    record TEXT COLLATE "C",
    other TEXT COLLATE "C" NOT NULL,
    score INTEGER NOT NULL,
    decided_at TIMESTAMP,
    decided_by BYTEA,
    finding TEXT COLLATE "C"
);
CREATE INDEX likely_duplicate_by_time ON likely_duplicate (found_at, id);

-- Epochs are merged by what they wrap.
CREATE INDEX data_key_by_epoch ON data_key (epoch_id);
