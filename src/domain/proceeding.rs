//! The proceeding, and its progress: stage and outcome are each accused's own, and rolled up by one pure function, as of a date
//! of happening and a date of recording.

use chrono::{NaiveDate, NaiveDateTime};

use seal::ClassCode::Confidential as C;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::About as A;
use super::sealed::{field, reason};
use super::spec::Visibility::{Internal as I, Open as O, Scoped as P};
use super::spec::{NounSpec, Table, list};
use super::{
    Code, Detention, Exit, Forum, Jurisdiction, Noun, Obstacle, Outcome, PartialDate, Precision, Reason, Ruling, Stage,
    Step, StepKind, SubmissionStatus,
};

/// What is said of it.
pub(super) const SPEC: NounSpec = NounSpec {
    noun: Noun::Proceeding,
    name: "proceeding",
    path: "proceedings",
    prefix: "P-",
    openable: true,
    person: false,
    proposed: None,
    sealed: &[
        field(80, Noun::Proceeding, "court_file_number", C, A::CourtFile, 100),
        field(81, Noun::Proceeding, "internal_obstacles", C, A::Notes, 2_000),
        field(82, Noun::Proceeding, "notes", C, A::Notes, 20_000),
        reason(83, Noun::Proceeding),
    ],
    lists: &[
        list::<Forum>(),
        list::<Jurisdiction>(),
        list::<Obstacle>(),
        list::<SubmissionStatus>(),
        list::<Ruling>(),
        list::<Reason>(),
    ],
    tables: &[
        Table::reported(
            "proceeding",
            &[
                ("id", I),
                ("reference", O),
                ("state", O),
                ("authority", O),
                ("forum", O),
                ("jurisdiction", O),
                ("opened_on", O),
                ("opened_on_precision", O),
                ("obstacles", O),
                ("stage_furthest", O),
                ("stage_current", O),
                ("tag_confidential", I),
                ("tag_strictly_confidential", I),
                ("created_by", P),
                ("created_at", O),
                ("updated_at", O),
                ("status", O),
                ("submitted_state", P),
                ("decided_by", I),
                ("decided_at", O),
                ("reason", P),
                ("reason_fields", P),
                ("withdrawal_by", I),
                ("withdrawn_at", P),
            ],
        ),
        Table::reported("proceeding_case", &[("proceeding_id", I), ("case_id", I)]),
    ],
};

/// The open facts of a proceeding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProceedingFacts {
    /// State whose authority holds the file.
    pub state: String,
    /// The authority.
    #[schema(example = "Court of Assizes, Bamako")]
    pub authority: String,
    /// Its kind.
    pub forum: Forum,
    /// Ground of jurisdiction.
    pub jurisdiction: Jurisdiction,
    /// When it was opened.
    pub opened_on: NaiveDate,
    /// How exactly that is known.
    pub opened_on_precision: Precision,
    /// Obstacles that were shared with the State.
    pub obstacles: Vec<Obstacle>,
}

impl ProceedingFacts {
    /// When it was opened.
    pub fn opened(&self) -> PartialDate {
        PartialDate::new(self.opened_on, self.opened_on_precision)
    }
}

/// The two dates that a figure can be asked as of. Both bounds are inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AsOf {
    /// Only what happened by then.
    pub happened: NaiveDate,
    /// Only what was recorded by then (UTC).
    pub recorded: NaiveDateTime,
}

impl AsOf {
    /// Everything.
    pub const NOW: AsOf = AsOf { happened: NaiveDate::MAX, recorded: NaiveDateTime::MAX };
}

/// Where somebody stands: at a stage, or out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// At this stage.
    At(Stage),
    /// Left by this exit.
    Left(Exit),
}

impl Standing {
    /// The code of the stage or exit.
    pub fn code(self) -> &'static str {
        match self {
            Standing::At(stage) => stage.code(),
            Standing::Left(exit) => exit.code(),
        }
    }
}

/// How far an accused, or a proceeding, came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The furthest stage ever reached.
    pub furthest: Stage,
    /// The present one.
    pub current: Standing,
    /// The last outcome.
    pub outcome: Outcome,
    /// Whether held.
    pub detention: Detention,
    /// When it last moved.
    pub moved: Option<PartialDate>,
}

impl Progress {
    const NONE: Progress = Progress {
        furthest: Stage::NoInformation,
        current: Standing::At(Stage::NoInformation),
        outcome: Outcome::Pending,
        detention: Detention::NotKnown,
        moved: None,
    };
}

/// The progress of one line of steps: those of one accused, or those of the proceeding as a whole (`None`). Steps are
/// taken in the order in which they happened; of two on one day the later recorded counts as the later.
pub fn progress(steps: &[Step], accused: Option<i32>, as_of: AsOf) -> Progress {
    let mut line: Vec<&Step> = steps
        .iter()
        .filter(|step| step.accused == accused && step.happened.first() <= as_of.happened && step.stood(as_of.recorded))
        .collect();
    line.sort_by_key(|step| (step.happened.first(), step.recorded_at));
    let mut at = Progress::NONE;
    let mut stage = Stage::NoInformation;
    for step in line {
        if let Some(reached) = reached(step) {
            stage = reached;
            at.furthest = at.furthest.max(reached);
            at.current = Standing::At(reached);
        }
        match step.kind {
            StepKind::Exit => {
                at.current = step.exit.map_or(at.current, Standing::Left);
                match step.exit {
                    Some(Exit::Abated) => at.outcome = Outcome::Abated,
                    Some(Exit::ClosedNoProsecution | Exit::Discontinued) => at.outcome = Outcome::Dismissed,
                    Some(Exit::Stayed | Exit::Transferred) | None => {}
                }
            }
            StepKind::Reopened => {
                at.current = Standing::At(stage);
                at.outcome = Outcome::Pending;
            }
            StepKind::Judgement => at.outcome = step.outcome.unwrap_or(at.outcome),
            StepKind::WarrantIssued => at.detention = Detention::AtLarge,
            StepKind::Arrest => at.detention = Detention::Detained,
            StepKind::Bail => at.detention = Detention::Bail,
            StepKind::Escape => at.detention = Detention::Escaped,
            StepKind::Release => at.detention = Detention::Released,
            StepKind::StageReached
            | StepKind::Hearing
            | StepKind::Postponement
            | StepKind::Sentence
            | StepKind::Appeal => {}
        }
        at.moved = Some(step.happened);
    }
    at
}

fn reached(step: &Step) -> Option<Stage> {
    match step.kind {
        StepKind::StageReached | StepKind::Reopened => step.stage,
        StepKind::Judgement => Some(step.stage.unwrap_or(Stage::FirstJudgement)),
        StepKind::Appeal => Some(Stage::Appeal),
        _ => None,
    }
}

/// A proceeding's progress out of its lines (the proceeding's own, and one for each accused): the furthest stage that
/// anybody reached; the highest stage where somebody still is, or the last exit when everybody has left. Outcome and
/// detention stay each accused's own.
pub fn roll_up(lines: &[Progress]) -> Progress {
    let furthest = lines.iter().map(|line| line.furthest).max().unwrap_or(Stage::NoInformation);
    let present = lines.iter().filter_map(|line| match line.current {
        Standing::At(stage) if stage != Stage::NoInformation => Some(stage),
        _ => None,
    });
    let left = lines.iter().filter(|line| matches!(line.current, Standing::Left(_)));
    let current = match (present.max(), left.max_by_key(|line| line.moved)) {
        (Some(stage), _) => Standing::At(stage),
        (None, Some(line)) => line.current,
        (None, None) => Standing::At(Stage::NoInformation),
    };
    Progress { furthest, current, moved: lines.iter().filter_map(|line| line.moved).max(), ..Progress::NONE }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Precision;
    use chrono::TimeDelta;
    use proptest::prelude::*;
    use strum::VariantArray;

    fn on(year: i32, month: u32, day: u32) -> PartialDate {
        PartialDate::new(NaiveDate::from_ymd_opt(year, month, day).unwrap(), Precision::Day)
    }

    fn step(kind: StepKind, accused: i32, happened: PartialDate) -> Step {
        Step {
            kind,
            accused: Some(accused),
            happened,
            recorded_at: happened.first().and_hms_opt(12, 0, 0).unwrap(),
            ended_at: None,
            stage: None,
            outcome: None,
            exit: None,
            sentence: None,
            obstacle: None,
        }
    }

    fn stage(stage: Stage, accused: i32, happened: PartialDate) -> Step {
        Step { stage: Some(stage), ..step(StepKind::StageReached, accused, happened) }
    }

    #[test]
    fn bail_and_postponements_move_no_stage() {
        let steps = [
            stage(Stage::Charged, 1, on(2023, 1, 5)),
            step(StepKind::Bail, 1, on(2023, 11, 15)),
            step(StepKind::Postponement, 1, on(2024, 2, 1)),
        ];
        let at = progress(&steps, Some(1), AsOf::NOW);
        assert_eq!((at.furthest, at.current), (Stage::Charged, Standing::At(Stage::Charged)));
        assert_eq!(at.detention, Detention::Bail);
    }

    #[test]
    fn one_accused_is_convicted_in_absentia_while_another_is_acquitted() {
        let judgement =
            |accused, outcome| Step { outcome: Some(outcome), ..step(StepKind::Judgement, accused, on(2025, 7, 28)) };
        let steps = [judgement(1, Outcome::ConvictedInAbsentia), judgement(2, Outcome::Acquitted)];
        assert_eq!(progress(&steps, Some(1), AsOf::NOW).outcome, Outcome::ConvictedInAbsentia);
        assert_eq!(progress(&steps, Some(2), AsOf::NOW).outcome, Outcome::Acquitted);
        let lines = [progress(&steps, Some(1), AsOf::NOW), progress(&steps, Some(2), AsOf::NOW)];
        assert_eq!(roll_up(&lines).current, Standing::At(Stage::FirstJudgement));
    }

    #[test]
    fn a_reopened_line_returns_to_where_it_was() {
        let steps = [
            stage(Stage::Investigation, 1, on(2020, 1, 1)),
            Step { exit: Some(Exit::Stayed), ..step(StepKind::Exit, 1, on(2021, 1, 1)) },
            step(StepKind::Reopened, 1, on(2022, 1, 1)),
        ];
        let then = AsOf { happened: on(2021, 6, 1).first(), ..AsOf::NOW };
        assert_eq!(progress(&steps, Some(1), then).current, Standing::Left(Exit::Stayed));
        assert_eq!(progress(&steps, Some(1), AsOf::NOW).current, Standing::At(Stage::Investigation));
    }

    #[test]
    fn what_was_recorded_later_was_not_known_then() {
        let mut late = stage(Stage::Trial, 1, on(2020, 1, 1));
        late.recorded_at += TimeDelta::days(400);
        let steps = [stage(Stage::Charged, 1, on(2019, 1, 1)), late];
        let then = AsOf { recorded: on(2020, 6, 1).first().and_hms_opt(0, 0, 0).unwrap(), ..AsOf::NOW };
        assert_eq!(progress(&steps, Some(1), then).furthest, Stage::Charged);
        assert_eq!(progress(&steps, Some(1), AsOf::NOW).furthest, Stage::Trial);
    }

    #[test]
    fn what_was_corrected_later_stood_until_then() {
        let judgement = |outcome| Step { outcome: Some(outcome), ..step(StepKind::Judgement, 1, on(2020, 1, 1)) };
        let corrected = on(2021, 1, 1).first().and_hms_opt(0, 0, 0).unwrap();
        let wrong = Step { ended_at: Some(corrected), ..judgement(Outcome::Convicted) };
        let steps = [wrong, Step { recorded_at: corrected, ..judgement(Outcome::Acquitted) }];
        let before = AsOf { recorded: corrected - TimeDelta::seconds(1), ..AsOf::NOW };
        assert_eq!(progress(&steps, Some(1), before).outcome, Outcome::Convicted);
        assert_eq!(progress(&steps, Some(1), AsOf { recorded: corrected, ..AsOf::NOW }).outcome, Outcome::Acquitted);
        assert_eq!(progress(&steps, Some(1), AsOf::NOW).outcome, Outcome::Acquitted);
    }

    #[test]
    fn a_proceeding_that_everybody_left_shows_the_last_exit() {
        let steps = [
            Step { exit: Some(Exit::Abated), ..step(StepKind::Exit, 1, on(2020, 1, 1)) },
            Step { exit: Some(Exit::Discontinued), ..step(StepKind::Exit, 2, on(2021, 1, 1)) },
        ];
        let lines = [progress(&steps, Some(1), AsOf::NOW), progress(&steps, Some(2), AsOf::NOW)];
        assert_eq!(roll_up(&lines).current, Standing::Left(Exit::Discontinued));
    }

    fn any_step() -> impl Strategy<Value = Step> {
        (
            0..StepKind::VARIANTS.len(),
            1..4_i32,
            0..3_000_i64,
            0..3_000_i64,
            0..Stage::VARIANTS.len(),
            0..Exit::VARIANTS.len(),
        )
            .prop_map(|(kind, accused, happened, recorded, stage, exit)| {
                let day = on(2015, 1, 1).first() + TimeDelta::days(happened);
                Step {
                    stage: Some(Stage::VARIANTS[stage]),
                    exit: Some(Exit::VARIANTS[exit]),
                    recorded_at: on(2015, 1, 1).first().and_hms_opt(0, 0, 0).unwrap() + TimeDelta::days(recorded),
                    ..step(StepKind::VARIANTS[kind], accused, PartialDate::new(day, Precision::Day))
                }
            })
    }

    proptest! {
        #[test]
        fn the_furthest_stage_never_falls_as_time_goes_on(steps in prop::collection::vec(any_step(), 0..12), a in 0..3_000_i64, b in 0..3_000_i64) {
            let at = |days| AsOf { happened: on(2015, 1, 1).first() + TimeDelta::days(days), ..AsOf::NOW };
            let (early, late) = (progress(&steps, Some(1), at(a.min(b))), progress(&steps, Some(1), at(a.max(b))));
            prop_assert!(early.furthest <= late.furthest);
        }

        #[test]
        fn order_of_entry_does_not_matter(steps in prop::collection::vec(any_step(), 0..12)) {
            let mut distinct = steps;
            distinct.sort_by_key(|step| (step.happened.first(), step.recorded_at));
            distinct.dedup_by_key(|step| (step.happened.first(), step.recorded_at));
            let mut reversed = distinct.clone();
            reversed.reverse();
            prop_assert_eq!(progress(&distinct, Some(1), AsOf::NOW), progress(&reversed, Some(1), AsOf::NOW));
        }

        #[test]
        fn the_roll_up_is_as_far_as_its_furthest_line(steps in prop::collection::vec(any_step(), 0..12)) {
            let lines: Vec<_> = (1..4).map(|accused| progress(&steps, Some(accused), AsOf::NOW)).collect();
            prop_assert_eq!(roll_up(&lines).furthest, lines.iter().map(|line| line.furthest).max().unwrap());
        }
    }
}
