-- Releases of the published tables: what they count, and what of it is withheld. One for each year, proposed by one person of the
-- Secretariat and released by another; frozen as proposed.
CREATE TABLE table_release (
    id BYTEA PRIMARY KEY NOT NULL,
    year INTEGER NOT NULL,
    cut_off TIMESTAMP NOT NULL,
    tables TEXT NOT NULL,
    proposed_by BYTEA NOT NULL,
    decided_by BYTEA,
    decided_at TIMESTAMP,
    released BOOLEAN
);
CREATE INDEX table_release_by_year ON table_release (year, id);
