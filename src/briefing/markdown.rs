//! The figures as Markdown, in the United Nations' manner: tables that stand alone, numbered and titled, with unit, scope,
//! cut-off and source below each; an em dash for nil.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use chrono::Datelike as _;

use super::{Correction, CorrectionKind, CrossTable, Figures, Held, MissionFigures, TableHeader};
use crate::domain::{Act, Code, Forum, PartialDate, Personnel, Stage};

/// Writes the figures.
pub fn markdown(figures: &Figures) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write(&mut text, figures);
    text
}

fn count(number: i64) -> String {
    if number == 0 {
        return "—".into();
    }
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn note(text: &mut String, about: &TableHeader) -> std::fmt::Result {
    writeln!(
        text,
        "\n*Unit*: {}. *Scope*: {}. *Cut-off*: {}. *Source*: {}.\n",
        about.unit,
        about.scope,
        about.cut_off.format("%-d %B %Y, %H:%M UTC"),
        about.source
    )
}

fn write(text: &mut String, figures: &Figures) -> std::fmt::Result {
    writeln!(text, "# Crimes against peacekeepers: figures for {}\n", figures.from.format("%Y"))?;
    writeln!(text, "{}\n", figures.classification)?;
    writeln!(
        text,
        "Period: {} to {}. Cut-off: {}.\n",
        figures.from.format("%-d %B %Y"),
        figures.to.format("%-d %B %Y"),
        figures.cut_off.format("%-d %B %Y, %H:%M UTC")
    )?;
    writeln!(text, "Counting rules:\n")?;
    for (at, rule) in figures.rules.iter().enumerate() {
        writeln!(text, "{}. {rule}", at + 1)?;
    }
    let state = |code: &str| figures.states.get(code).cloned().unwrap_or_else(|| code.to_owned());
    writeln!(text, "\n## Table 1. Incidents, and persons killed, injured, abducted and detained, by mission\n")?;
    writeln!(text, "| Mission | Incidents | Killed | Injured | Abducted or missing | Detained |")?;
    writeln!(text, "| --- | ---: | ---: | ---: | ---: | ---: |")?;
    for (mission, row) in &figures.by_mission.missions {
        mission_row(text, mission, row)?;
    }
    mission_row(text, "**Total**", &figures.by_mission.total)?;
    mission_row(text, "of which peacekeeping operations", &figures.by_mission.peacekeeping_operations)?;
    note(text, &figures.by_mission.about)?;
    writeln!(text, "## Table 2. Persons harmed, by kind of act and category of personnel\n")?;
    cross::<Personnel>(text, "Act", &figures.victims_by_act_and_category, label::<Act>)?;
    writeln!(text, "## Table 3. Proceedings, by State and furthest stage\n")?;
    cross::<Stage>(text, "State", &figures.proceedings_by_furthest_stage, state)?;
    let persons = &figures.persons;
    writeln!(text, "## Table 4. Persons in proceedings\n\n| | Persons |\n| --- | ---: |")?;
    for (name, number) in [
        ("Accused known", persons.accused),
        ("Charged in the period", persons.charged),
        ("Brought to trial in the period", persons.tried),
        ("Convicted in the period", persons.convicted),
        ("of whom in absentia", persons.convicted_in_absentia),
        ("Acquitted in the period", persons.acquitted),
        ("Detained at the end of the period", persons.detained),
        ("At large at the end of the period", persons.at_large),
    ] {
        writeln!(text, "| {name} | {} |", count(number))?;
    }
    note(text, &persons.about)?;
    let flow = &figures.cases.flow;
    writeln!(text, "## Table 5. Cases: stock and flow\n\n| | Cases |\n| --- | ---: |")?;
    for (name, number) in [
        ("Open at the start of the period", flow.open_at_start),
        ("New", flow.new),
        ("Reopened", flow.reopened),
        ("Concluded", flow.concluded),
        ("Closed", flow.closed),
        ("Open at the end of the period", flow.open_at_end),
    ] {
        writeln!(text, "| {name} | {} |", count(number))?;
    }
    let sum = if figures.cases.reconciles { "The table reconciles" } else { "**The table does not reconcile**" };
    writeln!(
        text,
        "\n{sum}: {} + {} + {} − {} − {} = {}.",
        flow.open_at_start, flow.new, flow.reopened, flow.concluded, flow.closed, flow.open_at_end
    )?;
    note(text, &figures.cases.about)?;
    writeln!(text, "## Table 6. Judgements in the period\n")?;
    if figures.judgements.is_empty() {
        writeln!(text, "None is recorded.")?;
    } else {
        writeln!(text, "| Date | State | Forum | Proceeding | Convicted | of whom in absentia | Acquitted |")?;
        writeln!(text, "| --- | --- | --- | --- | ---: | ---: | ---: |")?;
        for one in &figures.judgements {
            writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {} |",
                PartialDate::new(one.on, one.on_precision),
                state(&one.state),
                label::<Forum>(&one.forum),
                one.proceeding,
                count(one.convicted),
                count(one.in_absentia),
                count(one.acquitted)
            )?;
        }
    }
    note(text, &persons.about)?;
    writeln!(text, "## Table 7. Assistance offered, by State\n")?;
    if figures.assistance.is_empty() {
        writeln!(text, "None is recorded.")?;
    } else {
        writeln!(text, "| State | Offered | of which delivered | of which declined | Women | Men |")?;
        writeln!(text, "| --- | ---: | ---: | ---: | ---: | ---: |")?;
        for (code, one) in &figures.assistance {
            writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} |",
                state(code),
                count(one.offered),
                count(one.delivered),
                count(one.declined),
                count(one.women),
                count(one.men)
            )?;
        }
    }
    note(text, &figures.assistance_about)?;
    writeln!(text, "## Table 8. Measures taken by States to promote accountability\n")?;
    if figures.measures.is_empty() {
        writeln!(text, "None is recorded.")?;
    } else {
        writeln!(text, "| State | Measure | Number |\n| --- | --- | ---: |")?;
        for (code, kinds) in &figures.measures {
            for (kind, number) in kinds {
                writeln!(text, "| {} | {} | {} |", state(code), kind.label(), count(*number))?;
            }
        }
    }
    note(text, &figures.measures_about)?;
    held(text, &figures.held)?;
    writeln!(text, "## Annex I. Incidents\n")?;
    if figures.incidents.is_empty() {
        writeln!(text, "None is recorded.\n")?;
    } else {
        writeln!(
            text,
            "| Reference | Date | Mission | Act | Killed | Injured | Abducted or missing | Detained |\n\
             | --- | --- | --- | --- | ---: | ---: | ---: | ---: |"
        )?;
        for one in &figures.incidents {
            writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {} | {} |",
                one.reference,
                PartialDate::new(one.occurred_on, one.occurred_on_precision),
                one.mission,
                label::<Act>(&one.act),
                count(one.killed.into()),
                count(one.injured.into()),
                count(one.abducted.into()),
                count(one.detained.into())
            )?;
        }
        writeln!(text)?;
    }
    corrections(text, &figures.corrections)
}

fn held(text: &mut String, held: &Held) -> std::fmt::Result {
    writeln!(
        text,
        "## Table 9. Persons abducted, detained or missing: stock and flow\n\n| | Persons |\n| --- | ---: |"
    )?;
    for (name, number) in [
        ("Held at the start of the period", held.at_start),
        ("Taken", held.taken),
        ("Released, freed, escaped, found or dead", held.ended),
        ("Held at the end of the period", held.at_end),
    ] {
        writeln!(text, "| {name} | {} |", count(number))?;
    }
    let sum = if held.reconciles() { "The table reconciles" } else { "**The table does not reconcile**" };
    writeln!(text, "\n{sum}: {} + {} − {} = {}.", held.at_start, held.taken, held.ended, held.at_end)?;
    note(text, &held.about)
}

/// Incidents of earlier years: those that changed, one by one; those that were released late, by year and mission.
fn corrections(text: &mut String, all: &[Correction]) -> std::fmt::Result {
    writeln!(text, "## Annex II. Corrections to figures of earlier years\n")?;
    if all.is_empty() {
        return writeln!(text, "None.");
    }
    let (late, changed): (Vec<_>, Vec<_>) = all.iter().partition(|one| one.kind == CorrectionKind::Late);
    if !changed.is_empty() {
        writeln!(text, "Released records that were replaced or withdrawn:\n")?;
        writeln!(
            text,
            "| Reference | Date of the incident | Corrected on | Killed | Injured | Abducted or missing | Detained |"
        )?;
        writeln!(text, "| --- | --- | --- | --- | --- | --- | --- |")?;
        for one in changed {
            write!(
                text,
                "| {} | {} | {} |",
                one.reference,
                PartialDate::new(one.occurred_on, one.occurred_on_precision),
                one.released_on.format("%-d %B %Y"),
            )?;
            for [before, after] in [one.killed, one.injured, one.abducted, one.detained] {
                write!(text, " {before} → {after} |")?;
            }
            writeln!(text)?;
        }
        writeln!(text)?;
    }
    if !late.is_empty() {
        let mut by_year: BTreeMap<(i32, &str), [i64; 5]> = BTreeMap::new();
        for one in late {
            let row = by_year.entry((one.occurred_on.year(), &one.mission)).or_default();
            for (sum, number) in
                row.iter_mut().zip([1, one.killed[1], one.injured[1], one.abducted[1], one.detained[1]])
            {
                *sum += i64::from(number);
            }
        }
        writeln!(text, "Incidents of earlier years that were released for the first time:\n")?;
        writeln!(text, "| Year | Mission | Incidents | Killed | Injured | Abducted or missing | Detained |")?;
        writeln!(text, "| --- | --- | ---: | ---: | ---: | ---: | ---: |")?;
        for ((year, mission), numbers) in by_year {
            let numbers = numbers.map(count);
            writeln!(text, "| {year} | {mission} | {} |", numbers.join(" | "))?;
        }
    }
    Ok(())
}

fn mission_row(text: &mut String, name: &str, row: &MissionFigures) -> std::fmt::Result {
    writeln!(
        text,
        "| {name} | {} | {} | {} | {} | {} |",
        count(row.incidents),
        count(row.killed),
        count(row.injured),
        count(row.abducted),
        count(row.detained)
    )
}

/// What a code is called.
fn label<C: Code>(code: &str) -> String {
    C::parse(code).map_or_else(|| code.to_owned(), |code| code.label().to_owned())
}

/// A table whose columns are the codes of a list, in the list's order.
fn cross<C: Code + Ord>(
    text: &mut String,
    name: &str,
    table: &CrossTable,
    row_label: impl Fn(&str) -> String,
) -> std::fmt::Result {
    let columns: BTreeSet<C> =
        table.cells.values().flat_map(BTreeMap::keys).filter_map(|code| C::parse(code)).collect();
    if columns.is_empty() {
        writeln!(text, "None is recorded.")?;
        return note(text, &table.about);
    }
    let heads: Vec<&str> = columns.iter().map(|column| column.label()).collect();
    writeln!(text, "| {name} | {} | Total |", heads.join(" | "))?;
    writeln!(text, "| --- |{} ---: |", " ---: |".repeat(heads.len()))?;
    for (row, cells) in &table.cells {
        let numbers: Vec<String> =
            columns.iter().map(|column| count(cells.get(column.code()).copied().unwrap_or(0))).collect();
        writeln!(text, "| {} | {} | {} |", row_label(row), numbers.join(" | "), count(cells.values().sum()))?;
    }
    note(text, &table.about)
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn thousands_are_parted_and_nil_is_a_dash() {
        assert_eq!([count(0), count(7), count(1_056), count(1_234_567)], ["—", "7", "1,056", "1,234,567"]);
    }
}
