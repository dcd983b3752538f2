//! The sentence that a summary is generated as, from codes alone: nobody types it, so no name ends up in it.

use std::fmt::{self, Write as _};

use super::{Act, Activity, Code, Counts, IncidentFacts, Means, Perpetrator, Precision};

/// The summary of an incident, in English: "On 22 February 2019, MINUSMA reported a killing in Mali: three
/// killed. Means: small arms. Alleged perpetrator: non-State armed group."
pub fn summary(facts: &IncidentFacts, host_state: Option<&str>, counts: Counts) -> String {
    let mut text = String::with_capacity(256);
    // A text takes whatever is written to it.
    let _ = write_summary(&mut text, facts, host_state, counts);
    text
}

fn write_summary(text: &mut String, facts: &IncidentFacts, host_state: Option<&str>, counts: Counts) -> fmt::Result {
    let at = if facts.occurred.precision() == Precision::Day { "On" } else { "In" };
    write!(text, "{at} {}, {} reported {}", facts.occurred, facts.mission, act(facts.act))?;
    if let Some(name) = host_state {
        write!(text, " in {}{name}", article(name))?;
    }
    let harmed = [
        (counts.killed, "killed"),
        (counts.injured, "injured"),
        (counts.abducted, "abducted or missing"),
        (counts.detained, "detained"),
    ];
    for (at, (number, what)) in harmed.into_iter().filter(|(number, _)| *number > 0).enumerate() {
        write!(text, "{} {} {what}", if at == 0 { ":" } else { "," }, InWords(number))?;
    }
    if counts.still_held > 0 {
        write!(text, ", of whom {} still held", InWords(counts.still_held))?;
    }
    text.push('.');
    if !matches!(facts.activity, Activity::NotKnown | Activity::Other) {
        write!(text, " Activity: {}.", Lower(facts.activity.label()))?;
    }
    if !matches!(facts.means, Means::NotKnown | Means::NotApplicable | Means::Other) {
        write!(text, " Means: {}.", Lower(facts.means.label()))?;
    }
    match facts.perpetrator {
        Perpetrator::NotIdentified | Perpetrator::Other => text.push_str(" The alleged perpetrator is not identified."),
        known => write!(text, " Alleged perpetrator: {}.", Lower(known.label()))?,
    }
    Ok(())
}

/// "the " before the short name of a State that takes it (United Nations Editorial Manual, names of States).
fn article(name: &str) -> &'static str {
    const BEGIN: [&str; 10] = [
        "Central African",
        "Democratic",
        "Dominican Republic",
        "Lao People",
        "Marshall Islands",
        "Republic of",
        "Russian Federation",
        "State of",
        "Syrian Arab",
        "United ",
    ];
    const WHOLE: [&str; 8] = ["Bahamas", "Comoros", "Congo", "Gambia", "Netherlands", "Niger", "Philippines", "Sudan"];
    if BEGIN.iter().any(|begin| name.starts_with(begin)) || WHOLE.contains(&name) { "the " } else { "" }
}

fn act(act: Act) -> &'static str {
    match act {
        Act::Killing => "a killing",
        Act::AttemptedKilling => "an attempted killing",
        Act::Wounding => "a wounding",
        Act::Assault => "an assault",
        Act::TortureIllTreatment => "an act of torture or ill-treatment",
        Act::SexualViolence => "an act of sexual violence",
        Act::AbductionHostageTaking => "an abduction or hostage-taking",
        Act::UnlawfulDetention => "an unlawful detention",
        Act::EnforcedDisappearance => "an enforced disappearance",
        Act::ThreatIntimidation => "a threat or intimidation",
        Act::AttackOnPremises => "an attack on premises",
        Act::AttackOnConvoyTransport => "an attack on a convoy or transport",
        Act::ArmedRobberyHijacking => "an armed robbery or hijacking",
        Act::LootingDestructionProperty => "looting or destruction of property",
        Act::ObstructionOfMovement => "an obstruction of movement",
        Act::Incitement => "an incitement",
        Act::AttemptOther => "an attempt at another act",
        Act::ParticipationOrdering => "participation in, or the organizing or ordering of, an act",
        Act::Other | Act::NotKnown => "a malicious act",
    }
}

/// Numbers under ten in words, others in figures (United Nations Editorial Manual).
struct InWords(i32);

impl fmt::Display for InWords {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        const WORDS: [&str; 10] = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
        match usize::try_from(self.0).ok().and_then(|at| WORDS.get(at)) {
            Some(word) => out.write_str(word),
            None => write!(out, "{}", self.0),
        }
    }
}

/// A label within a sentence: only its first letter falls, so that "United Nations" and "non-State" keep theirs.
struct Lower(&'static str);

impl fmt::Display for Lower {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.chars();
        match rest.next() {
            Some(first) if !self.0.starts_with("United") => {
                write!(out, "{}", first.to_lowercase())?;
                out.write_str(rest.as_str())
            }
            _ => out.write_str(self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::PartialDate;
    use chrono::NaiveDate;

    #[test]
    fn a_states_name_takes_its_article() {
        let said =
            ["Democratic Republic of the Congo", "Central African Republic", "Sudan", "South Sudan", "Mali", "Lebanon"];
        assert_eq!(said.map(article), ["the ", "the ", "the ", "", "", ""]);
    }

    #[test]
    fn a_summary_says_what_the_codes_say() {
        let mut facts = IncidentFacts {
            mission: "MINUSMA".into(),
            host_state: Some("MLI".into()),
            occurred: PartialDate::new(NaiveDate::from_ymd_opt(2019, 2, 22).unwrap(), Precision::Day),
            region: None,
            act: Act::Killing,
            means: Means::SmallArms,
            activity: Activity::TravelOfficial,
            perpetrator: Perpetrator::NonStateArmedGroup,
            others_killed: 0,
            others_injured: 0,
            noticas_id: None,
            sage_id: None,
            hold: None,
        };
        let counts = Counts { victims: 5, killed: 3, injured: 12, abducted: 0, detained: 0, still_held: 0 };
        insta::assert_snapshot!(summary(&facts, Some("Mali"), counts), @"On 22 February 2019, MINUSMA reported a killing in Mali: three killed, 12 injured. Activity: official travel. Means: small arms. Alleged perpetrator: non-State armed group.");
        facts.occurred = PartialDate::new(facts.occurred.first(), Precision::Month);
        facts.perpetrator = Perpetrator::NotIdentified;
        facts.means = Means::NotKnown;
        facts.act = Act::AttackOnPremises;
        insta::assert_snapshot!(summary(&facts, Some("Mali"), Counts::default()), @"In February 2019, MINUSMA reported an attack on premises in Mali. Activity: official travel. The alleged perpetrator is not identified.");
    }
}
