-- Proceedings, accused, and incidents that are added to a case later count, and concern a State, once another officer accepts them.
ALTER TABLE proceeding ADD COLUMN status TEXT NOT NULL DEFAULT 'accepted';
ALTER TABLE proceeding ADD COLUMN submitted_state TEXT;
ALTER TABLE proceeding ADD COLUMN decided_by BLOB REFERENCES account (id);
ALTER TABLE proceeding ADD COLUMN decided_at TIMESTAMP;
ALTER TABLE proceeding ADD COLUMN reason TEXT;
CREATE INDEX proceeding_by_status ON proceeding (status, opened_on, reference);

ALTER TABLE accused ADD COLUMN status TEXT NOT NULL DEFAULT 'accepted';
ALTER TABLE accused ADD COLUMN submitted_by BLOB REFERENCES account (id);
ALTER TABLE accused ADD COLUMN submitted_state TEXT;
ALTER TABLE accused ADD COLUMN decided_by BLOB REFERENCES account (id);
ALTER TABLE accused ADD COLUMN reason TEXT;
ALTER TABLE accused ADD COLUMN handle TEXT NOT NULL DEFAULT '';

ALTER TABLE case_incident ADD COLUMN status TEXT NOT NULL DEFAULT 'accepted';
ALTER TABLE case_incident ADD COLUMN added_by BLOB REFERENCES account (id);
-- Since when the link counts: when it was added, or accepted where it waited.
ALTER TABLE case_incident ADD COLUMN since TIMESTAMP NOT NULL DEFAULT '1970-01-01 00:00:00';
ALTER TABLE case_incident ADD COLUMN decided_by BLOB REFERENCES account (id);

-- Why something was returned or withdrawn: a code, and one for each field that it is about.
ALTER TABLE incident_edition ADD COLUMN reason TEXT;
ALTER TABLE incident_edition ADD COLUMN reason_fields TEXT;
ALTER TABLE incident_edition ADD COLUMN withdrawal_by BLOB REFERENCES account (id);
ALTER TABLE proceeding ADD COLUMN reason_fields TEXT;
ALTER TABLE proceeding ADD COLUMN withdrawal_by BLOB REFERENCES account (id);
ALTER TABLE proceeding ADD COLUMN withdrawn_at TIMESTAMP;
ALTER TABLE accused ADD COLUMN reason_fields TEXT;
ALTER TABLE step ADD COLUMN reason_fields TEXT;
ALTER TABLE measure ADD COLUMN reason_fields TEXT;

DROP VIEW tally_source;
CREATE VIEW tally_source AS
    SELECT 'incidents' AS unit, mission, host_state, occurred_year AS year, act, means, NULL AS outcome,
        NULL AS personnel_category, NULL AS stage, NULL AS forum, NULL AS in_absentia, NULL AS information_status
    FROM incident_edition WHERE is_released
    UNION ALL
    SELECT 'victims', mission, host_state, occurred_year, act, means, outcome, category, NULL, NULL, NULL, NULL
    FROM incident_edition JOIN victim ON victim.edition_id = incident_edition.id WHERE is_released
    UNION ALL
    SELECT 'cases', mission, NULL, CAST(strftime('%Y', opened_on) AS INTEGER), NULL, NULL, NULL, NULL, stage_furthest, NULL, NULL, information_status
    FROM case_file
    UNION ALL
    SELECT 'proceedings', NULL, state, CAST(strftime('%Y', opened_on) AS INTEGER), NULL, NULL, NULL, NULL, stage_furthest, forum, NULL, NULL
    FROM proceeding WHERE status = 'accepted'
    UNION ALL
    SELECT 'accused', NULL, state, CAST(strftime('%Y', opened_on) AS INTEGER), NULL, NULL, outcome, NULL, accused.stage_furthest, forum, in_absentia, NULL
    FROM accused JOIN proceeding ON proceeding.id = accused.proceeding_id
    WHERE accused.status = 'accepted' AND proceeding.status = 'accepted';

DROP TRIGGER tally_proceeding_opened;
CREATE TRIGGER tally_proceeding_opened AFTER INSERT ON proceeding BEGIN
    INSERT INTO tally_change (unit, host_state, year, stage, forum, amount)
        SELECT 'proceedings', NEW.state, CAST(strftime('%Y', NEW.opened_on) AS INTEGER), NEW.stage_furthest, NEW.forum, 1
        WHERE NEW.status = 'accepted';
END;

DROP TRIGGER tally_proceeding_changed;
CREATE TRIGGER tally_proceeding_changed AFTER UPDATE OF state, opened_on, forum, stage_furthest, status ON proceeding BEGIN
    INSERT INTO tally_change (unit, host_state, year, stage, forum, amount)
        SELECT 'proceedings', OLD.state, CAST(strftime('%Y', OLD.opened_on) AS INTEGER), OLD.stage_furthest, OLD.forum, -1
        WHERE OLD.status = 'accepted';
    INSERT INTO tally_change (unit, host_state, year, stage, forum, amount)
        SELECT 'proceedings', NEW.state, CAST(strftime('%Y', NEW.opened_on) AS INTEGER), NEW.stage_furthest, NEW.forum, 1
        WHERE NEW.status = 'accepted';
    INSERT INTO tally_change (unit, host_state, year, forum, stage, outcome, in_absentia, amount)
        SELECT 'accused', OLD.state, CAST(strftime('%Y', OLD.opened_on) AS INTEGER), OLD.forum, stage_furthest, outcome, in_absentia, -1
        FROM accused WHERE proceeding_id = OLD.id AND status = 'accepted' AND OLD.status = 'accepted';
    INSERT INTO tally_change (unit, host_state, year, forum, stage, outcome, in_absentia, amount)
        SELECT 'accused', NEW.state, CAST(strftime('%Y', NEW.opened_on) AS INTEGER), NEW.forum, stage_furthest, outcome, in_absentia, 1
        FROM accused WHERE proceeding_id = NEW.id AND status = 'accepted' AND NEW.status = 'accepted';
END;

DROP TRIGGER tally_accused_added;
CREATE TRIGGER tally_accused_added AFTER INSERT ON accused BEGIN
    INSERT INTO tally_change (unit, host_state, year, forum, stage, outcome, in_absentia, amount)
        SELECT 'accused', state, CAST(strftime('%Y', opened_on) AS INTEGER), forum, NEW.stage_furthest, NEW.outcome, NEW.in_absentia, 1
        FROM proceeding WHERE id = NEW.proceeding_id AND status = 'accepted' AND NEW.status = 'accepted';
END;

DROP TRIGGER tally_accused_moved;
CREATE TRIGGER tally_accused_moved AFTER UPDATE OF stage_furthest, outcome, in_absentia, status ON accused BEGIN
    INSERT INTO tally_change (unit, host_state, year, forum, stage, outcome, in_absentia, amount)
        SELECT 'accused', state, CAST(strftime('%Y', opened_on) AS INTEGER), forum, OLD.stage_furthest, OLD.outcome, OLD.in_absentia, -1
        FROM proceeding WHERE id = OLD.proceeding_id AND status = 'accepted' AND OLD.status = 'accepted';
    INSERT INTO tally_change (unit, host_state, year, forum, stage, outcome, in_absentia, amount)
        SELECT 'accused', state, CAST(strftime('%Y', opened_on) AS INTEGER), forum, NEW.stage_furthest, NEW.outcome, NEW.in_absentia, 1
        FROM proceeding WHERE id = NEW.proceeding_id AND status = 'accepted' AND NEW.status = 'accepted';
END;
