-- Releases of the published tables: what they count, and what of it is withheld. One a quarter, proposed by one person of the
-- Secretariat and released by another; frozen as proposed.
CREATE TABLE table_release (
    id BLOB PRIMARY KEY NOT NULL,
    quarter TEXT NOT NULL,
    cut_off TIMESTAMP NOT NULL,
    tables TEXT NOT NULL,
    proposed_by BLOB NOT NULL,
    decided_by BLOB,
    decided_at TIMESTAMP,
    released BOOLEAN
);
CREATE INDEX table_release_by_quarter ON table_release (quarter, id);
