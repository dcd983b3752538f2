-- Proceedings, accused, and incidents that are added to a case later count, and concern a State, once another officer accepts them.
ALTER TABLE proceeding ADD COLUMN status TEXT COLLATE "C" NOT NULL DEFAULT 'accepted';
ALTER TABLE proceeding ADD COLUMN submitted_state TEXT COLLATE "C";
ALTER TABLE proceeding ADD COLUMN decided_by BYTEA REFERENCES account (id);
ALTER TABLE proceeding ADD COLUMN decided_at TIMESTAMP;
ALTER TABLE proceeding ADD COLUMN reason TEXT COLLATE "C";
CREATE INDEX proceeding_by_status ON proceeding (status, opened_on, reference);

ALTER TABLE accused ADD COLUMN status TEXT COLLATE "C" NOT NULL DEFAULT 'accepted';
ALTER TABLE accused ADD COLUMN submitted_by BYTEA REFERENCES account (id);
ALTER TABLE accused ADD COLUMN submitted_state TEXT COLLATE "C";
ALTER TABLE accused ADD COLUMN decided_by BYTEA REFERENCES account (id);
ALTER TABLE accused ADD COLUMN reason TEXT COLLATE "C";
ALTER TABLE accused ADD COLUMN handle TEXT COLLATE "C" NOT NULL DEFAULT '';

ALTER TABLE case_incident ADD COLUMN status TEXT COLLATE "C" NOT NULL DEFAULT 'accepted';
ALTER TABLE case_incident ADD COLUMN added_by BYTEA REFERENCES account (id);
-- Since when the link counts: when it was added, or accepted where it waited.
ALTER TABLE case_incident ADD COLUMN since TIMESTAMP NOT NULL DEFAULT '1970-01-01 00:00:00';
ALTER TABLE case_incident ADD COLUMN decided_by BYTEA REFERENCES account (id);

-- Why something was returned or withdrawn: a code, and one for each field that it is about.
ALTER TABLE incident_edition ADD COLUMN reason TEXT COLLATE "C";
ALTER TABLE incident_edition ADD COLUMN reason_fields TEXT COLLATE "C";
ALTER TABLE incident_edition ADD COLUMN withdrawal_by BYTEA REFERENCES account (id);
ALTER TABLE proceeding ADD COLUMN reason_fields TEXT COLLATE "C";
ALTER TABLE proceeding ADD COLUMN withdrawal_by BYTEA REFERENCES account (id);
ALTER TABLE proceeding ADD COLUMN withdrawn_at TIMESTAMP;
ALTER TABLE accused ADD COLUMN reason_fields TEXT COLLATE "C";
ALTER TABLE step ADD COLUMN reason_fields TEXT COLLATE "C";
ALTER TABLE measure ADD COLUMN reason_fields TEXT COLLATE "C";

DROP VIEW tally_source;
CREATE VIEW tally_source AS
    SELECT 'incidents' AS unit, mission, host_state, occurred_year AS year, act, means, NULL AS outcome,
        NULL AS personnel_category, NULL AS stage, NULL AS forum, NULL::BOOLEAN AS in_absentia, NULL AS information_status
    FROM incident_edition WHERE is_released
    UNION ALL
    SELECT 'victims', mission, host_state, occurred_year, act, means, outcome, category, NULL, NULL, NULL, NULL
    FROM incident_edition JOIN victim ON victim.edition_id = incident_edition.id WHERE is_released
    UNION ALL
    SELECT 'cases', mission, NULL, EXTRACT(YEAR FROM opened_on)::INTEGER, NULL, NULL, NULL, NULL, stage_furthest, NULL, NULL, information_status
    FROM case_file
    UNION ALL
    SELECT 'proceedings', NULL, state, EXTRACT(YEAR FROM opened_on)::INTEGER, NULL, NULL, NULL, NULL, stage_furthest, forum, NULL, NULL
    FROM proceeding WHERE status = 'accepted'
    UNION ALL
    SELECT 'accused', NULL, state, EXTRACT(YEAR FROM opened_on)::INTEGER, NULL, NULL, outcome, NULL, accused.stage_furthest, forum, in_absentia, NULL
    FROM accused JOIN proceeding ON proceeding.id = accused.proceeding_id
    WHERE accused.status = 'accepted' AND proceeding.status = 'accepted';

CREATE OR REPLACE FUNCTION tally_proceeding_opened() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO tally_change (unit, host_state, year, stage, forum, amount)
        SELECT 'proceedings', NEW.state, EXTRACT(YEAR FROM NEW.opened_on)::INTEGER, NEW.stage_furthest, NEW.forum, 1
        WHERE NEW.status = 'accepted';
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION tally_proceeding_changed() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO tally_change (unit, host_state, year, stage, forum, amount)
        SELECT 'proceedings', OLD.state, EXTRACT(YEAR FROM OLD.opened_on)::INTEGER, OLD.stage_furthest, OLD.forum, -1
        WHERE OLD.status = 'accepted';
    INSERT INTO tally_change (unit, host_state, year, stage, forum, amount)
        SELECT 'proceedings', NEW.state, EXTRACT(YEAR FROM NEW.opened_on)::INTEGER, NEW.stage_furthest, NEW.forum, 1
        WHERE NEW.status = 'accepted';
    INSERT INTO tally_change (unit, host_state, year, forum, stage, outcome, in_absentia, amount)
        SELECT 'accused', OLD.state, EXTRACT(YEAR FROM OLD.opened_on)::INTEGER, OLD.forum, stage_furthest, outcome, in_absentia, -1
        FROM accused WHERE proceeding_id = OLD.id AND status = 'accepted' AND OLD.status = 'accepted';
    INSERT INTO tally_change (unit, host_state, year, forum, stage, outcome, in_absentia, amount)
        SELECT 'accused', NEW.state, EXTRACT(YEAR FROM NEW.opened_on)::INTEGER, NEW.forum, stage_furthest, outcome, in_absentia, 1
        FROM accused WHERE proceeding_id = NEW.id AND status = 'accepted' AND NEW.status = 'accepted';
    RETURN NULL;
END $$;
DROP TRIGGER tally_proceeding_changed ON proceeding;
CREATE TRIGGER tally_proceeding_changed AFTER UPDATE OF state, opened_on, forum, stage_furthest, status ON proceeding FOR EACH ROW EXECUTE FUNCTION tally_proceeding_changed();

CREATE OR REPLACE FUNCTION tally_accused_added() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO tally_change (unit, host_state, year, forum, stage, outcome, in_absentia, amount)
        SELECT 'accused', state, EXTRACT(YEAR FROM opened_on)::INTEGER, forum, NEW.stage_furthest, NEW.outcome, NEW.in_absentia, 1
        FROM proceeding WHERE id = NEW.proceeding_id AND status = 'accepted' AND NEW.status = 'accepted';
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION tally_accused_moved() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO tally_change (unit, host_state, year, forum, stage, outcome, in_absentia, amount)
        SELECT 'accused', state, EXTRACT(YEAR FROM opened_on)::INTEGER, forum, OLD.stage_furthest, OLD.outcome, OLD.in_absentia, -1
        FROM proceeding WHERE id = OLD.proceeding_id AND status = 'accepted' AND OLD.status = 'accepted';
    INSERT INTO tally_change (unit, host_state, year, forum, stage, outcome, in_absentia, amount)
        SELECT 'accused', state, EXTRACT(YEAR FROM opened_on)::INTEGER, forum, NEW.stage_furthest, NEW.outcome, NEW.in_absentia, 1
        FROM proceeding WHERE id = NEW.proceeding_id AND status = 'accepted' AND NEW.status = 'accepted';
    RETURN NULL;
END $$;
DROP TRIGGER tally_accused_moved ON accused;
CREATE TRIGGER tally_accused_moved AFTER UPDATE OF stage_furthest, outcome, in_absentia, status ON accused FOR EACH ROW EXECUTE FUNCTION tally_accused_moved();
