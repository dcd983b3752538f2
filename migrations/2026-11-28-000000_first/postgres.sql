-- All that a node which signs nobody in is told of sessions.
CREATE VIEW live_session AS
    SELECT id, account_id, expires_at, assured FROM session
    WHERE ended_at IS NULL AND expires_at > (now() AT TIME ZONE 'UTC');

-- Everything that is counted, one row each: what the tallies are made of where they never were.
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

CREATE FUNCTION tally_edition() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO tally_change (unit, mission, host_state, year, act, means, amount)
        VALUES ('incidents', NEW.mission, NEW.host_state, NEW.occurred_year, NEW.act, NEW.means,
            CASE WHEN NEW.is_released THEN 1 ELSE -1 END);
    INSERT INTO tally_change (unit, mission, host_state, year, act, means, outcome, personnel_category, amount)
        SELECT 'victims', NEW.mission, NEW.host_state, NEW.occurred_year, NEW.act, NEW.means, outcome, category,
            CASE WHEN NEW.is_released THEN 1 ELSE -1 END
        FROM victim WHERE edition_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER tally_edition AFTER UPDATE OF is_released ON incident_edition FOR EACH ROW WHEN (OLD.is_released <> NEW.is_released) EXECUTE FUNCTION tally_edition();

CREATE FUNCTION tally_case_opened() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO tally_change (unit, mission, year, stage, information_status, amount)
        VALUES ('cases', NEW.mission, EXTRACT(YEAR FROM NEW.opened_on)::INTEGER, NEW.stage_furthest, NEW.information_status, 1);
    RETURN NULL;
END $$;
CREATE TRIGGER tally_case_opened AFTER INSERT ON case_file FOR EACH ROW EXECUTE FUNCTION tally_case_opened();

CREATE FUNCTION tally_case_changed() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO tally_change (unit, mission, year, stage, information_status, amount)
        VALUES ('cases', OLD.mission, EXTRACT(YEAR FROM OLD.opened_on)::INTEGER, OLD.stage_furthest, OLD.information_status, -1);
    INSERT INTO tally_change (unit, mission, year, stage, information_status, amount)
        VALUES ('cases', NEW.mission, EXTRACT(YEAR FROM NEW.opened_on)::INTEGER, NEW.stage_furthest, NEW.information_status, 1);
    RETURN NULL;
END $$;
CREATE TRIGGER tally_case_changed AFTER UPDATE OF mission, opened_on, stage_furthest, information_status ON case_file FOR EACH ROW EXECUTE FUNCTION tally_case_changed();

CREATE FUNCTION tally_proceeding_opened() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO tally_change (unit, host_state, year, stage, forum, amount)
        SELECT 'proceedings', NEW.state, EXTRACT(YEAR FROM NEW.opened_on)::INTEGER, NEW.stage_furthest, NEW.forum, 1
        WHERE NEW.status = 'accepted';
    RETURN NULL;
END $$;
CREATE TRIGGER tally_proceeding_opened AFTER INSERT ON proceeding FOR EACH ROW EXECUTE FUNCTION tally_proceeding_opened();

CREATE FUNCTION tally_proceeding_changed() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN
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
CREATE TRIGGER tally_proceeding_changed AFTER UPDATE OF state, opened_on, forum, stage_furthest, status ON proceeding FOR EACH ROW EXECUTE FUNCTION tally_proceeding_changed();

CREATE FUNCTION tally_accused_added() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO tally_change (unit, host_state, year, forum, stage, outcome, in_absentia, amount)
        SELECT 'accused', state, EXTRACT(YEAR FROM opened_on)::INTEGER, forum, NEW.stage_furthest, NEW.outcome, NEW.in_absentia, 1
        FROM proceeding WHERE id = NEW.proceeding_id AND status = 'accepted' AND NEW.status = 'accepted';
    RETURN NULL;
END $$;
CREATE TRIGGER tally_accused_added AFTER INSERT ON accused FOR EACH ROW EXECUTE FUNCTION tally_accused_added();

CREATE FUNCTION tally_accused_moved() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO tally_change (unit, host_state, year, forum, stage, outcome, in_absentia, amount)
        SELECT 'accused', state, EXTRACT(YEAR FROM opened_on)::INTEGER, forum, OLD.stage_furthest, OLD.outcome, OLD.in_absentia, -1
        FROM proceeding WHERE id = OLD.proceeding_id AND status = 'accepted' AND OLD.status = 'accepted';
    INSERT INTO tally_change (unit, host_state, year, forum, stage, outcome, in_absentia, amount)
        SELECT 'accused', state, EXTRACT(YEAR FROM opened_on)::INTEGER, forum, NEW.stage_furthest, NEW.outcome, NEW.in_absentia, 1
        FROM proceeding WHERE id = NEW.proceeding_id AND status = 'accepted' AND NEW.status = 'accepted';
    RETURN NULL;
END $$;
CREATE TRIGGER tally_accused_moved AFTER UPDATE OF stage_furthest, outcome, in_absentia, status ON accused FOR EACH ROW EXECUTE FUNCTION tally_accused_moved();
