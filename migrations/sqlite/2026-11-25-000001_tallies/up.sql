-- Figures are counted once. A trigger appends what a write adds to them and takes from them, in the write's own transaction,
-- so that no path through the program can forget it and no writer waits for a counter; a node folds the changes into the
-- tallies later. What is counted is the changes that are not folded yet, and the tallies, in one snapshot.
CREATE TABLE tally_change (
    unit TEXT NOT NULL,
    mission TEXT,
    host_state TEXT,
    year INTEGER,
    act TEXT,
    means TEXT,
    outcome TEXT,
    personnel_category TEXT,
    stage TEXT,
    forum TEXT,
    in_absentia BOOLEAN,
    information_status TEXT,
    amount INTEGER NOT NULL
);

-- Counts of a unit by each set of at most three of its dimensions: `dimensions` names them, parted by commas, in the order of
-- their names; `key` is a JSON list of the values, in the same order.
CREATE TABLE tally (
    unit TEXT NOT NULL,
    dimensions TEXT NOT NULL,
    key TEXT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (unit, dimensions, key)
) WITHOUT ROWID;

CREATE TRIGGER tally_edition AFTER UPDATE OF is_released ON incident_edition WHEN OLD.is_released <> NEW.is_released BEGIN
    INSERT INTO tally_change (unit, mission, host_state, year, act, means, amount)
        VALUES ('incidents', NEW.mission, NEW.host_state, NEW.occurred_year, NEW.act, NEW.means,
            CASE WHEN NEW.is_released THEN 1 ELSE -1 END);
    INSERT INTO tally_change (unit, mission, host_state, year, act, means, outcome, personnel_category, amount)
        SELECT 'victims', NEW.mission, NEW.host_state, NEW.occurred_year, NEW.act, NEW.means, outcome, category,
            CASE WHEN NEW.is_released THEN 1 ELSE -1 END
        FROM victim WHERE edition_id = NEW.id;
END;

CREATE TRIGGER tally_case_opened AFTER INSERT ON case_file BEGIN
    INSERT INTO tally_change (unit, mission, year, stage, information_status, amount)
        VALUES ('cases', NEW.mission, CAST(strftime('%Y', NEW.opened_on) AS INTEGER), NEW.stage_furthest, NEW.information_status, 1);
END;

CREATE TRIGGER tally_case_changed AFTER UPDATE OF mission, opened_on, stage_furthest, information_status ON case_file BEGIN
    INSERT INTO tally_change (unit, mission, year, stage, information_status, amount)
        VALUES ('cases', OLD.mission, CAST(strftime('%Y', OLD.opened_on) AS INTEGER), OLD.stage_furthest, OLD.information_status, -1);
    INSERT INTO tally_change (unit, mission, year, stage, information_status, amount)
        VALUES ('cases', NEW.mission, CAST(strftime('%Y', NEW.opened_on) AS INTEGER), NEW.stage_furthest, NEW.information_status, 1);
END;

CREATE TRIGGER tally_proceeding_opened AFTER INSERT ON proceeding BEGIN
    INSERT INTO tally_change (unit, host_state, year, stage, forum, amount)
        VALUES ('proceedings', NEW.state, CAST(strftime('%Y', NEW.opened_on) AS INTEGER), NEW.stage_furthest, NEW.forum, 1);
END;

CREATE TRIGGER tally_proceeding_changed AFTER UPDATE OF state, opened_on, forum, stage_furthest ON proceeding BEGIN
    INSERT INTO tally_change (unit, host_state, year, stage, forum, amount)
        VALUES ('proceedings', OLD.state, CAST(strftime('%Y', OLD.opened_on) AS INTEGER), OLD.stage_furthest, OLD.forum, -1);
    INSERT INTO tally_change (unit, host_state, year, stage, forum, amount)
        VALUES ('proceedings', NEW.state, CAST(strftime('%Y', NEW.opened_on) AS INTEGER), NEW.stage_furthest, NEW.forum, 1);
    INSERT INTO tally_change (unit, host_state, year, forum, stage, outcome, in_absentia, amount)
        SELECT 'accused', OLD.state, CAST(strftime('%Y', OLD.opened_on) AS INTEGER), OLD.forum, stage_furthest, outcome, in_absentia, -1
        FROM accused WHERE proceeding_id = OLD.id;
    INSERT INTO tally_change (unit, host_state, year, forum, stage, outcome, in_absentia, amount)
        SELECT 'accused', NEW.state, CAST(strftime('%Y', NEW.opened_on) AS INTEGER), NEW.forum, stage_furthest, outcome, in_absentia, 1
        FROM accused WHERE proceeding_id = NEW.id;
END;

CREATE TRIGGER tally_accused_added AFTER INSERT ON accused BEGIN
    INSERT INTO tally_change (unit, host_state, year, forum, stage, outcome, in_absentia, amount)
        SELECT 'accused', state, CAST(strftime('%Y', opened_on) AS INTEGER), forum, NEW.stage_furthest, NEW.outcome, NEW.in_absentia, 1
        FROM proceeding WHERE id = NEW.proceeding_id;
END;

CREATE TRIGGER tally_accused_moved AFTER UPDATE OF stage_furthest, outcome, in_absentia ON accused BEGIN
    INSERT INTO tally_change (unit, host_state, year, forum, stage, outcome, in_absentia, amount)
        SELECT 'accused', state, CAST(strftime('%Y', opened_on) AS INTEGER), forum, OLD.stage_furthest, OLD.outcome, OLD.in_absentia, -1
        FROM proceeding WHERE id = OLD.proceeding_id;
    INSERT INTO tally_change (unit, host_state, year, forum, stage, outcome, in_absentia, amount)
        SELECT 'accused', state, CAST(strftime('%Y', opened_on) AS INTEGER), forum, NEW.stage_furthest, NEW.outcome, NEW.in_absentia, 1
        FROM proceeding WHERE id = NEW.proceeding_id;
END;
